"""What a lamp remembers of a train that was ended early, and what a board's counter may say of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InterlockError, Timeout
from devices.lamp.memory import LampMemory
from devices.lamp.unfinished import Unfinished
from devices.recipes import AnnealRecipe
from devices.roles.lamp import AnnealJob
from devices.samples import Layer, SampleRef
from tests.support.lane_clock import ManualClock

JOB = AnnealJob(SampleRef("s", (Layer("Al", 1e-4),)), AnnealRecipe("r", 850.0, 1.8e-3, 20, 0.4))
LEFT = Unfinished("s", "hash", asked=20, done=5, began=0.0, flashes_before=100)


class Board:
    """Counts flashes, and tells once whether it was off."""

    def __init__(self, count: int, *, off: bool = False) -> None:
        self.count, self.off, self.answers = count, off, True

    def was_off(self) -> bool:
        was, self.off = self.off, False
        return was

    def flashes(self) -> int:
        if not self.answers:
            raise Timeout("silence")
        return self.count


def memory(board: Board | None, left: Unfinished = LEFT) -> LampMemory:
    clock: Any = ManualClock()
    made = LampMemory("lamp", clock, board)  # type: ignore[arg-type]
    made.unfinished = left
    return made


def ended(board: Board | None, *, done: int = 5, unknown: bool = False) -> Unfinished:
    """Return what is remembered of a train that was ended after so many pulses."""
    before = None if board is None else 100
    train: Any = SimpleNamespace(
        began=0.0, fates=SimpleNamespace(flashes_before=before, gates=1, unknown=unknown)
    )
    flight: Any = SimpleNamespace(asked=20, done=done)
    made = memory(board)
    made.ended(JOB, train, flight)
    assert made.unfinished is not None
    return made.unfinished


@pytest.mark.parametrize("counted", [5, 6, 20])
def test_a_count_of_what_was_asked_at_the_most_is_believed(counted: int) -> None:
    assert memory(Board(100 + counted)).asked() == replace(LEFT, done=counted)


@pytest.mark.parametrize("counted", [4, 21, 65535])
def test_a_count_that_cannot_be_right_is_for_a_person(counted: int) -> None:
    left = memory(Board((100 + counted) % 65536))
    with pytest.raises(InterlockError, match="somebody else triggered, or it was switched off"):
        left.asked()
    left.accounted()
    assert left.asked() == replace(LEFT, accounted=True)


def test_a_board_that_was_off_stays_void_though_it_tells_so_only_once() -> None:
    left = memory(Board(107, off=True))
    for _ in range(2):
        with pytest.raises(InterlockError, match="its board was switched off since"):
            left.asked()


def test_a_train_whose_board_was_never_looked_at_fired_nothing_and_one_whose_board_was_off_may_have() -> None:
    untouched = replace(LEFT, done=0, flashes_before=None)
    assert memory(Board(100), untouched).asked() == untouched
    with pytest.raises(InterlockError, match="no board counted its flashes"):
        memory(None, untouched).asked()
    with pytest.raises(InterlockError, match="its board was switched off since"):
        memory(Board(100, off=True), replace(LEFT, done=0)).asked()


@pytest.mark.parametrize(("counted", "is_known"), [(5, True), (6, False), (4, False)])
def test_a_train_is_accounted_for_where_its_board_counted_what_is_recorded(
    counted: int, is_known: bool
) -> None:
    for unknown in (False, True):
        assert ended(Board(100 + counted), unknown=unknown).accounted is is_known


def test_without_a_count_a_train_is_accounted_for_where_every_pulse_was_seen() -> None:
    assert ended(None).accounted
    assert not ended(None, unknown=True).accounted
    silent = Board(105)
    silent.answers = False
    assert not ended(silent).accounted


@pytest.mark.parametrize("done", [0, 5])
def test_the_next_train_waits_for_one_that_nobody_accounted_for(done: int) -> None:
    left = memory(Board(100), replace(LEFT, done=done))
    with pytest.raises(InterlockError, match="was cut off, and it may have had more"):
        left.require_known()
    left.accounted()
    left.require_known()
    left.forget()
    left.require_known()
