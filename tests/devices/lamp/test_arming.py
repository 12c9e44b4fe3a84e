"""A token lets one train fire: once, soon, for its own session, sample and recipe."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from devices.errors import InterlockError, OwnershipError, TokenExpired
from devices.lamp.arming import TOKEN_LIFE, Arming, LampOwner, Nobody, Watch
from devices.recipes import AnnealRecipe
from devices.roles.lamp import AnnealJob
from devices.samples import Layer, SampleRef

SAMPLE = SampleRef("s", (Layer("Al", 1e-4), Layer("LiCoO2", 0.7e-6)))
RECIPE = AnnealRecipe("r", 850.0, 1.8e-3, 20, 0.4)
JOB = AnnealJob(SAMPLE, RECIPE)


class Due:
    def __init__(self, at: float, action: Callable[[], None]) -> None:
        self.at, self.action, self.cancelled = at, action, False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Time that a test moves; what is due then is done, or not (`late`): a machine that was suspended."""

    def __init__(self, *, late: bool = False) -> None:
        self.moment, self.late = 0.0, late
        self.dues: list[Due] = []

    def now(self) -> float:
        return self.moment

    def time(self) -> float:
        return 1.75e9 + self.moment

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Due:
        self.dues.append(Due(self.moment + dt, action))
        return self.dues[-1]

    def move(self, dt: float) -> None:
        self.moment += dt
        if not self.late:
            for due in [each for each in self.dues if each.at <= self.moment and not each.cancelled]:
                due.cancelled = True
                due.action()


def arming(clock: Any = None, owner: Any = None, session: str = "here") -> Arming:
    return Arming("lamp", clock or Clock(), session, owner or Nobody())


def test_a_token_permits_until_the_end_and_never_again() -> None:
    armed = arming()
    with pytest.raises(InterlockError, match="not armed"):
        armed.permit("trigger")
    token = armed.issue(JOB)
    with pytest.raises(InterlockError, match="not armed"):
        armed.permit("trigger")
    armed.redeem(token, JOB)
    with pytest.raises(InterlockError, match="no pulse of a train is due"):
        armed.permit("trigger")
    armed.grant("trigger")
    armed.permit("trigger")
    with pytest.raises(InterlockError, match="no pulse of a train is due"):
        armed.permit("trigger")
    armed.grant("trigger")
    armed.end()
    with pytest.raises(InterlockError, match="not armed"):
        armed.permit("trigger")
    with pytest.raises(InterlockError, match="used before"):
        armed.redeem(token, JOB)


def test_what_was_granted_before_a_token_was_used_passes_nothing() -> None:
    armed = arming()
    for prepare in (lambda: None, lambda: armed.issue(JOB)):
        prepare()
        armed.grant("trigger")
        with pytest.raises(InterlockError, match="not armed"):
            armed.permit("trigger")


def test_a_board_forgets_nothing_from_the_token_to_the_end_of_its_train() -> None:
    armed = arming()
    armed.permit_board("forget")
    token = armed.issue(JOB)
    with pytest.raises(InterlockError, match="nothing was forgotten"):
        armed.permit_board("forget")
    armed.redeem(token, JOB)
    with pytest.raises(InterlockError, match="nothing was forgotten"):
        armed.permit_board("forget")
    armed.end()
    armed.permit_board("forget")


def test_a_token_is_used_once() -> None:
    armed = arming()
    token = armed.issue(JOB)
    armed.redeem(token, JOB)
    with pytest.raises(InterlockError, match="used before"):
        armed.redeem(token, JOB)


@pytest.mark.parametrize(
    "other",
    [
        AnnealJob(replace(SAMPLE, id="other"), RECIPE),
        AnnealJob(SAMPLE, replace(RECIPE, pulse_count=21)),
        AnnealJob(SAMPLE, replace(RECIPE, voltage=851.0)),
    ],
)
def test_a_token_is_for_its_own_sample_and_recipe(other: AnnealJob) -> None:
    armed = arming()
    token = armed.issue(JOB)
    with pytest.raises(InterlockError, match="another session, sample or recipe"):
        armed.redeem(token, other)
    assert not armed.permitted


def test_a_token_of_another_session_or_made_up_is_refused() -> None:
    armed, elsewhere = arming(), arming(session="there")
    own = armed.issue(JOB)
    for token in (elsewhere.issue(JOB), replace(own, number="0" * 16), replace(own, session="there")):
        with pytest.raises(InterlockError, match="never issued here"):
            armed.redeem(token, JOB)
    armed.redeem(own, JOB)


def test_a_second_token_makes_the_first_void() -> None:
    armed = arming()
    first, second = armed.issue(JOB), armed.issue(JOB)
    with pytest.raises(InterlockError, match="used before"):
        armed.redeem(first, JOB)
    armed.redeem(second, JOB)


def test_nothing_watches_any_more_what_a_void_token_was_given_for() -> None:
    clock: Any = Clock()
    handles: list[Due] = []

    def spawn(lane: str, poller: Any, failed: Any) -> Due:
        handles.append(Due(0.0, lambda: None))
        return handles[-1]

    clock.spawn = spawn
    armed = arming(clock)
    armed.issue(JOB, Watch("lamp", lambda: None))
    armed.issue(JOB, Watch("lamp", lambda: None))
    assert [each.cancelled for each in handles] == [True, False]
    assert [each.cancelled for each in clock.dues] == [True, False]
    armed.end()
    assert all(each.cancelled for each in [*handles, *clock.dues])


@pytest.mark.parametrize("late", [False, True])
def test_a_token_is_good_for_thirty_seconds(late: bool) -> None:
    """Also on a machine that was suspended, whose timers come late: the clock tells."""
    assert TOKEN_LIFE == 30.0
    clock = Clock(late=late)
    armed = arming(clock)
    token = armed.issue(JOB)
    clock.move(TOKEN_LIFE - 0.001)
    armed.redeem(token, JOB)
    armed.end()
    token = armed.issue(JOB)
    clock.move(TOKEN_LIFE + 0.001)
    with pytest.raises(TokenExpired, match="Arm lamp again"):
        armed.redeem(token, JOB)
    assert not armed.permitted


def test_a_lamp_has_one_owner_who_is_named_and_gives_it_back(tmp_path: Any) -> None:
    clock: Any = Clock()
    one, other = (arming(clock, LampOwner("lamp", clock, tmp_path)) for _ in range(2))
    token = one.issue(JOB)
    with pytest.raises(OwnershipError, match="held by pid"):
        other.issue(JOB)
    assert "this session" in one.owner
    assert other.owner.startswith("pid ")
    one.redeem(token, JOB)
    with pytest.raises(OwnershipError):
        other.issue(JOB)
    one.end()
    assert one.owner == "nobody"
    other.issue(JOB)


def test_a_token_that_expires_gives_the_lamp_back(tmp_path: Any) -> None:
    clock: Any = Clock()
    one, other = (arming(clock, LampOwner("lamp", clock, tmp_path)) for _ in range(2))
    one.issue(JOB)
    clock.move(TOKEN_LIFE + 0.001)
    other.issue(JOB)


# Races of two processes that were forked from a warm parent.


def racer(directory: Any, races: int, start: Any, say: Any) -> None:
    """Arm again and again at the same moment as the other; say each time whether it was armed."""
    clock: Any = Clock()
    for number in range(races):
        armed = arming(clock, LampOwner(f"lamp-{number}", clock, directory))
        start.wait()
        try:
            armed.redeem(armed.issue(JOB), JOB)
        except OwnershipError:
            say.put((number, False))
        else:
            say.put((number, True))
        start.wait()
        armed.end()


def raced(directory: Any, races: int) -> list[int]:
    """Return how many of two processes were armed in each race; none gives back what it has meanwhile."""
    context = multiprocessing.get_context("fork")
    start, say = context.Barrier(2), context.SimpleQueue()
    both = [context.Process(target=racer, args=(directory, races, start, say)) for _ in range(2)]
    for each in both:
        each.start()
    counts = [0] * races
    for _ in range(2 * races):
        number, armed = say.get()
        counts[number] += armed
    for each in both:
        each.join()
    return counts


@pytest.mark.parametrize("races", [20, pytest.param(1000, marks=pytest.mark.slow)])
def test_two_processes_that_race_for_a_lamp_never_both_arm_it(tmp_path: Any, races: int) -> None:
    assert raced(tmp_path, races) == [1] * races
