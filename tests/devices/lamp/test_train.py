"""A train on fakes that answer at once: what is asked before each pulse, and what keeps one from being fired."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError
from devices.flown.underway import LEASE
from devices.lamp.permissives import FRESH
from devices.lamp.records import Pulse
from devices.lamp.states import TABLE, LampMachine, LampState
from devices.lamp.temperatures import Base
from devices.lamp.train import LONGEST_HOLD, Train
from devices.recipes import AnnealRecipe
from tests.support.lamp import BLEEDS, Board, Charger, Gate, Led, Meter
from tests.support.lane_clock import ManualClock

RECIPE = AnnealRecipe("r", 850.0, 1.8e-3, 3, 0.4)
MOST_QUESTIONS = 100
"""To a charger, in one train of RECIPE; more than there are."""


class Witnesses:
    """Sees one temperature, when it is looked at; not there unless a test says so."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock, self.there, self.at = clock, False, -math.inf

    def age(self) -> float | None:
        return self.clock.now() - self.at if self.there else None

    def look(self) -> Base:
        self.at = self.clock.now()
        return Base(self.at, base=300.0)

    judged_look = look

    def hold_against(self, before: Base, after: Base) -> None:
        """Believe them."""


class Log:
    def __init__(self) -> None:
        self.flight = SimpleNamespace(done=0)
        self.events: list[str] = []
        self.gaps = 0

    def tell(self, code: str, severity: str, text: str) -> None:
        self.events.append(code)

    def count(self, pulse: Pulse, energy: float | None, exposure: float) -> None:
        self.flight.done += 1

    def interrupted(self) -> None:
        self.gaps += 1


class Rig(Led):
    """A lamp of fakes with a train of RECIPE; a plan renews the train's lease as long as it lives.

    fires: how many triggers were sent; ages: how old the base temperature was at each [s]; cooling: what was safe when
    the lamp said that it cools: high voltage off, gate shut, loop open.
    """

    def __init__(self) -> None:
        self.clock, self.log = ManualClock(), Log()
        self.charger, self.gate, self.board = Charger(self.clock), Gate(), Board()
        self.witnesses = Witnesses(self.clock)
        self.machine = LampMachine("lamp", TABLE, self._changed)
        self.fires, self.lives = 0, True
        self.ages: list[float | None] = []
        self.cooling: list[tuple[bool, bool, bool]] = []
        self.gate.fires = self._fired
        parts: Any = SimpleNamespace(
            charger=self.charger, trigger=self.gate, meter=Meter(), board=self.board, recorder=None
        )
        crew: Any = SimpleNamespace(
            name="lamp",
            lane="lamp",
            clock=self.clock,
            built=SimpleNamespace(meter_calibration=1.0, aperture_area=1e-4, bleed_time_constant=BLEEDS),
            machine=self.machine,
            arming=SimpleNamespace(grant=lambda deed: None, end=lambda: None),
            log=self.log,
            witnesses=self.witnesses,
            residual=SimpleNamespace(base=lambda number, base: None, energy=lambda number, energy: None),
            looks=SimpleNamespace(saw=lambda state, verdicts: None),
            report=lambda lasting: None,
        )
        self.machine.go(LampState.SAFE)
        self.machine.go(LampState.CHARGING)
        self.train = Train(RECIPE, parts, crew)
        self._steps = self.train.poller(lambda: None)

    def _changed(self) -> None:
        if self.machine.state is LampState.COOLING:
            self.cooling.append((not self.charger.on, not self.gate.lets_pass, not self.board.is_closed))

    def _fired(self) -> None:
        self.fires += 1
        self.board.count += 1
        self.ages.append(self.witnesses.age())

    def fly_until_fired(self, number: int) -> None:
        """Let the train go on until so many pulses were fired and recorded."""
        while self.log.flight.done < number:
            self.fly(0.0)


@pytest.fixture
def rig() -> Any:
    made = Rig()
    yield made
    made.train.finish(None)


def hold(rig: Rig) -> None:
    rig.train.pause()


def lose_high_voltage(rig: Rig) -> None:
    rig.charger.off()


def fail_charger(rig: Rig) -> None:
    rig.charger.faulted = True


@pytest.mark.parametrize("lose", [hold, lose_high_voltage, fail_charger])
def test_whatever_is_lost_in_any_question_to_the_charger_no_pulse_is_fired_after_it(
    lose: Callable[[Rig], None],
) -> None:
    for number in range(1, MOST_QUESTIONS):
        rig = Rig()
        fired: list[int] = []

        def hears(asked: int, rig: Rig = rig, fired: list[int] = fired, number: int = number) -> None:
            if asked == number and rig.machine.state is not LampState.COOLING:
                fired.append(rig.fires)
                lose(rig)

        rig.charger.hears = hears
        try:
            rig.fly(60.0)
        except (InstrumentError, InterlockError):
            assert lose is not hold
        rig.train.finish(None)
        if not fired:
            assert number > 2 * RECIPE.pulse_count
            assert rig.log.flight.done == RECIPE.pulse_count
            return
        assert [rig.fires] == fired
    raise AssertionError("no train came to its end")


def test_a_train_of_which_no_live_plan_was_heard_fires_no_pulse_after_its_lease(rig: Rig) -> None:
    rig.fly_until_fired(1)
    rig.lives = False
    silent = rig.clock.now()
    rig.train.pause()
    rig.train.renew_lease()
    with pytest.raises(InterlockError, match="no live plan was heard of"):
        rig.fly()
    assert LEASE <= rig.clock.now() - silent <= LEASE + 1.0
    assert rig.fires == 1


def test_a_flash_that_somebody_else_triggers_is_the_last_one(rig: Rig) -> None:
    rig.fly_until_fired(1)
    rig.board.count += 1
    with pytest.raises(InterlockError, match="somebody else triggers the lamp"):
        rig.fly()
    assert rig.fires <= 2


def test_no_pulse_is_fired_by_a_base_temperature_that_grew_old_in_any_question() -> None:
    for number in range(1, MOST_QUESTIONS):
        rig = Rig()
        rig.witnesses.there = True

        def hears(asked: int, rig: Rig = rig, number: int = number) -> None:
            rig.clock.sleep(1.5 * FRESH if asked == number else 0.0)

        rig.charger.hears = hears
        with suppress(InterlockError):
            rig.fly()
        rig.train.finish(None)
        assert all(age is not None and age <= FRESH for age in rig.ages)


def test_a_hold_ends_the_train_after_ten_minutes_though_its_plan_lives(rig: Rig) -> None:
    rig.fly_until_fired(1)
    rig.train.pause()
    held = rig.clock.now()
    with pytest.raises(InterlockError, match="held longer than 600 s"):
        rig.fly()
    assert LONGEST_HOLD == 600.0
    assert LONGEST_HOLD < rig.clock.now() - held <= LONGEST_HOLD + 3.0
    assert rig.fires == 1


def test_at_the_end_of_a_train_high_voltage_gate_and_loop_are_off_before_the_bank_is_waited_for(
    rig: Rig,
) -> None:
    rig.fly()
    assert rig.fires == RECIPE.pulse_count
    assert rig.cooling == [(True, True, True)]
    assert rig.log.events == ["discharged"]


def test_a_bank_that_lacks_more_than_a_two_hundredth_of_its_voltage_fires_nothing(rig: Rig) -> None:
    rig.charger.share = 0.994
    with pytest.raises(InstrumentError, match="bank below 850 V after 30 s"):
        rig.fly()
    assert rig.fires == 0


def test_a_bank_that_lacks_less_than_that_fires_all(rig: Rig) -> None:
    rig.charger.share = 0.996
    rig.fly()
    assert rig.fires == RECIPE.pulse_count


@pytest.mark.parametrize(("after", "gaps"), [(0, 0), (1, 1), (2, 1)])
def test_a_pulse_that_comes_late_leaves_a_gap_and_the_first_one_cannot(
    rig: Rig, after: int, gaps: int
) -> None:
    rig.fly(0.0)
    rig.fly_until_fired(after)
    rig.train.pause()
    rig.fly(5.0)
    rig.train.resume()
    rig.fly()
    assert rig.fires == RECIPE.pulse_count
    assert rig.log.gaps == rig.log.events.count("gap") == gaps
