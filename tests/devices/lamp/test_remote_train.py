"""A train on a tool that fires by itself: followed to its end, and ended by its loop for whatever is not as it was."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, OutcomeUnknown, Timeout
from devices.flown.underway import LEASE
from devices.lamp.remote_train import RemoteTrain
from devices.lamp.states import TABLE, LampMachine, LampState
from devices.recipes import AnnealRecipe
from tests.support.lamp import Board, Led
from tests.support.lane_clock import ManualClock

RECIPE = AnnealRecipe("r", 850.0, 1.8e-3, 5, 0.4)


class Tool:
    """Fires what it was told at its rate, unless it is ended. gives: pulses after which it is idle; ends: as what."""

    def __init__(self, clock: ManualClock, board: Board) -> None:
        self.clock, self.board = clock, board
        self.said, self.started = "idle", math.inf
        self.gives, self.ends = RECIPE.pulse_count, "idle"
        self.loses_fire = self.starts = False
        self.answers = True

    def abort(self) -> None:
        self.said = "idle"

    def errors(self) -> list[str]:
        return []

    def load(self, recipe: AnnealRecipe) -> None:
        """Have it."""

    def arm(self) -> None:
        self.said = "armed"

    def fire(self) -> None:
        if not self.loses_fire or self.starts:
            self.said, self.started = "firing", self.clock.now()
        if self.loses_fire:
            raise OutcomeUnknown("fire was sent")

    def state(self) -> str:
        if self.said == "firing" and self.clock.now() >= self.started + self.gives * RECIPE.period:
            self.said = self.ends
        return self.said

    def pulses_done(self) -> int:
        if not self.answers:
            raise Timeout("silence")
        since = self.clock.now() - self.started
        return min(self.gives, int(since / RECIPE.period) + 1) if since >= 0 else 0


class Log:
    def __init__(self) -> None:
        self.flight = SimpleNamespace(done=0)
        self.events: list[str] = []

    def tell(self, code: str, severity: str, text: str) -> None:
        self.events.append(code)

    def count(self, *pulse: Any, at: float) -> None:
        self.flight.done += 1


class Rig(Led):
    """A tool, its board and a train on it; a plan renews the train's lease as long as it lives. was_done: its end."""

    def __init__(self) -> None:
        self.clock, self.board, self.log = ManualClock(), Board(), Log()
        self.tool = Tool(self.clock, self.board)
        self.machine: Any = LampMachine("lamp", TABLE)
        self.lives, self.was_done = True, False
        for state in (LampState.SAFE, LampState.CHARGING):
            self.machine.go(state)
        arming: Any = SimpleNamespace(grant=lambda deed: None, end=lambda: None)
        told: Any = SimpleNamespace(publish=lambda lasting=False: None)
        clock: Any = self.clock
        tool: Any = self.tool
        board: Any = self.board
        log: Any = self.log
        self.train = RemoteTrain("lamp", clock, RECIPE, tool, board, self.machine, arming, log, told)
        self._steps = self.train.poller(self._done)

    def _done(self) -> None:
        self.was_done = True


@pytest.fixture
def rig() -> Any:
    made = Rig()
    yield made
    made.train.finish(None)


def test_a_train_that_the_tool_gave_whole_is_done_and_its_loop_is_open(rig: Rig) -> None:
    rig.fly()
    assert rig.was_done
    assert rig.log.flight.done == RECIPE.pulse_count
    assert not rig.board.is_closed
    assert rig.machine.state is LampState.COOLING


@pytest.mark.parametrize(("gives", "ends"), [(4, "idle"), (5, "fault"), (4, "fault"), (6, "idle")])
def test_a_tool_that_ends_otherwise_than_idle_after_all_pulses_has_not_done_its_train(
    rig: Rig, gives: int, ends: str
) -> None:
    rig.tool.gives, rig.tool.ends = gives, ends
    with pytest.raises(InstrumentError, match=f"the tool ended after {gives} of 5 pulses"):
        rig.fly()
    assert not rig.was_done


def test_where_the_answer_to_fire_is_lost_the_tool_tells_whether_it_fires(rig: Rig) -> None:
    rig.tool.loses_fire = rig.tool.starts = True
    rig.fly()
    assert rig.was_done
    assert rig.log.events == ["reply_lost"]
    assert rig.log.flight.done == RECIPE.pulse_count


def test_where_neither_fire_nor_a_pulse_was_seen_it_is_unknown_and_not_waited_for(rig: Rig) -> None:
    rig.tool.loses_fire = True
    with pytest.raises(OutcomeUnknown):
        rig.fly()
    assert rig.log.flight.done == 0


def test_a_contact_that_was_open_between_two_looks_ends_the_train_and_feeds_no_dead_man(rig: Rig) -> None:
    rig.fly(5.0)
    rig.board.open("door")
    rig.board.close("door")
    fed = rig.board.fed
    with pytest.raises(InterlockError, match="the train was aborted") as told:
        rig.fly()
    assert told.value.permissive == "door"
    assert rig.board.fed == fed


def test_the_dead_man_of_a_train_of_which_no_live_plan_was_heard_is_not_fed(rig: Rig) -> None:
    rig.fly(1.0)
    rig.lives = False
    rig.train.renew_lease()
    silent = rig.clock.now()
    rig.tool.gives = 100
    with pytest.raises(InterlockError, match="no live plan was heard of"):
        rig.fly()
    assert rig.clock.now() - silent == pytest.approx(LEASE, abs=0.5)


def test_how_many_pulses_a_silent_tool_gave_is_unknown_and_what_it_counted_at_its_end_is_not(
    rig: Rig,
) -> None:
    rig.fly(5.0)
    rig.train.end()
    rig.clock.sleep(2 * RECIPE.period)
    rig.train.settle()
    assert not rig.train.unknown
    assert rig.log.flight.done == rig.tool.pulses_done()
    rig.tool.answers = False
    rig.train.settle()
    assert rig.train.unknown
    assert rig.log.events == ["reply_lost"]
