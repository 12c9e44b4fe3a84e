"""What became of a pulse: counted once, by whoever saw it, and never guessed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from devices.errors import InstrumentError, InterlockError, OutcomeUnknown
from devices.lamp.fate import MOST_MISSING, Fates
from devices.lamp.records import Pulse
from devices.lamp.unfinished import COUNTER
from devices.recipes import AnnealRecipe, MicroPulse

RECIPE = AnnealRecipe("r", 850.0, 1.8e-3, 20, 0.4)
BURST = AnnealRecipe("b", 850.0, 1.8e-3, 20, 0.4, (MicroPulse(0.9e-3), MicroPulse(0.9e-3)))


class Board:
    """Counts flashes, and tells once whether it was off."""

    def __init__(self, flashes: int = 0) -> None:
        self.count, self.asked_off = flashes, 0

    def flashes(self) -> int:
        return self.count % COUNTER

    def was_off(self) -> bool:
        self.asked_off += 1
        return False


class Log:
    def __init__(self) -> None:
        self.flight = SimpleNamespace(done=0)
        self.events: list[str] = []
        self.energies: list[float | None] = []

    def tell(self, code: str, severity: str, text: str) -> None:
        self.events.append(code)

    def count(self, pulse: Pulse, energy: float | None, exposure: float) -> None:
        self.flight.done += 1
        self.energies.append(energy)


def fates(board: Board | None, recipe: AnnealRecipe = RECIPE) -> Any:
    """Return the fates of a train whose machine takes every state, begun."""
    crew: Any = SimpleNamespace(
        name="lamp",
        clock=SimpleNamespace(call=lambda action: action()),
        log=Log(),
        built=SimpleNamespace(meter_calibration=1.0, aperture_area=1e-4),
        machine=SimpleNamespace(go=lambda state: None),
    )
    made: Any = Fates(recipe, SimpleNamespace(board=board), crew, lambda: False)  # type: ignore[arg-type]
    made.begin()
    made.log = crew.log
    return made


def fired(made: Any, board: Board | None, energy: float | None = 10.0, **seen: Any) -> None:
    """Fire a pulse that the board counts, and record it."""
    number = len(made.passed) + 1
    made.in_flight = pulse = Pulse(number, made.recipe, 2.5 * number, 850.0, False, **seen)
    if board is not None:
        board.count += made.gates
    made.record(pulse, energy)


def test_a_flash_that_no_pulse_accounts_for_stops_the_train_also_where_the_counter_began_anew() -> None:
    board = Board(COUNTER - 3)
    made = fates(board)
    for _ in range(8):
        fired(made, board)
        made.hold_against_the_board()
    board.count += 1
    with pytest.raises(InterlockError, match="counted 9 flashes of this train, 8 pulses are recorded"):
        made.hold_against_the_board()


def test_the_board_is_made_to_forget_that_it_was_off_before_anything_can_fire() -> None:
    board = Board(7)
    made = fates(board)
    assert board.asked_off == 1
    assert made.flashes_before == 7


def test_a_pulse_is_recorded_once_however_many_ask_what_became_of_it() -> None:
    made = fates(None)
    made.in_flight = pulse = Pulse(1, RECIPE, 0.0, 850.0, False, confirmed=True)
    made.record(pulse, 10.0)
    made.record(pulse, 10.0)
    assert made.log.energies == [10.0]
    assert len(made.passed) == 1


def test_a_lamp_that_stays_dark_for_pulses_in_a_row_stops_the_train_and_one_dark_pulse_does_not() -> None:
    made = fates(None)
    for energy in (None, 10.0, None, 10.0):
        fired(made, None, energy, confirmed=True)
    fired(made, None, None, confirmed=True)
    with pytest.raises(InstrumentError, match=f"no energy from {MOST_MISSING} pulses in a row"):
        fired(made, None, None, confirmed=True)
    assert made.log.flight.done == 6


@pytest.mark.parametrize("recipe", [RECIPE, BURST])
def test_a_pulse_that_only_the_counter_saw_is_counted_and_one_that_nobody_saw_is_unknown(
    recipe: AnnealRecipe,
) -> None:
    board = Board(100)
    made = fates(board, recipe)
    for _ in range(2):
        fired(made, board)
    fired(made, board, None)
    assert made.log.flight.done == 3
    assert not made.unknown
    made.in_flight = unseen = Pulse(4, recipe, 10.0, 850.0, False)
    with pytest.raises(OutcomeUnknown, match="it is not repeated, 3 pulses are certain"):
        made.record(unseen, None)
    assert made.unknown
    assert made.log.flight.done == 3
    assert made.in_flight is None


@pytest.mark.parametrize(("left", "is_seen"), [(807.0, True), (808.0, False), (math.nan, False)])
def test_a_bank_that_lost_a_twentieth_of_its_voltage_has_flashed(left: float, is_seen: bool) -> None:
    made = fates(None)
    made.in_flight = pulse = Pulse(1, RECIPE, 0.0, 850.0, False, after=left)
    if is_seen:
        made.record(pulse, None)
        assert made.log.flight.done == 1
        return
    with pytest.raises(OutcomeUnknown):
        made.record(pulse, None)
