"""What in a program is unlikely to be meant: milli for micro, above all. Nothing is refused for it.

Each case has a name, and a function that says what is odd about a step in its place, or nothing. What a case
needs and nobody knows (a film's capacity, its materials) is NaN or has no window, which no comparison exceeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from devices.cycling.cells import SECONDS_PER_HOUR, CellSize
from devices.cycling.doubts.amounts import (
    charge_of_another_cell,
    energy_of_another_cell,
    fast_current,
    load_of_another_cell,
    power_of_another_cell,
    slow_current,
)
from devices.cycling.doubts.ends import (
    already_there,
    cutoff_at_once,
    cutoff_never,
    end_at_rest,
    endless_rest,
    limit_at_the_current,
    limit_at_the_end,
    wrong_direction,
)
from devices.cycling.doubts.materials import (
    lithium_at_an_end,
    over_discharge,
    sweep_of_another_cathode,
    temperature_of_another_cell,
    voltage_of_another_cathode,
    voltage_of_another_electrolyte,
)
from devices.cycling.doubts.measuring import (
    fast_sweep,
    few_rows,
    long_spectrum,
    loud_spectrum,
    many_rows,
    slow_sweep,
)
from devices.cycling.doubts.seen import Seen, micro
from devices.cycling.programs import Program

ANOTHER = 0.1
"""Relative difference from which a file's capacity is another cell's; guess: film thicknesses are known better."""

CASES: Mapping[str, Callable[[Seen], str]] = {
    case.__name__: case
    for case in (
        fast_current,
        slow_current,
        power_of_another_cell,
        load_of_another_cell,
        charge_of_another_cell,
        energy_of_another_cell,
        cutoff_at_once,
        cutoff_never,
        wrong_direction,
        already_there,
        voltage_of_another_cathode,
        voltage_of_another_electrolyte,
        sweep_of_another_cathode,
        lithium_at_an_end,
        over_discharge,
        fast_sweep,
        slow_sweep,
        endless_rest,
        end_at_rest,
        many_rows,
        few_rows,
        limit_at_the_end,
        limit_at_the_current,
        long_spectrum,
        loud_spectrum,
        temperature_of_another_cell,
    )
}
"""What is looked for in each step, by name."""


def plausibility(program: Program, cell: CellSize) -> list[str]:
    """Return what of a program is unlikely to be meant, as sentences."""
    steps = program.leaves()
    said = [] if program.rates_on is None else _another_capacity(program.rates_on, cell)
    for index, (before, step) in enumerate(zip((None, *steps), steps, strict=False)):
        seen = Seen(step, before, program.limits, cell)
        said += [f"step {index}: {doubt}" for case in CASES.values() if (doubt := case(seen))]
    return said


def _another_capacity(reckoned: CellSize, cell: CellSize) -> list[str]:
    """Say that the C-rates are those of another cell than this one."""
    if reckoned.capacity is None or cell.capacity is None:
        return []
    if abs(reckoned.capacity - cell.capacity) <= max(ANOTHER * cell.capacity, 2 * cell.capacity_sd):
        return []
    own, film = (micro(each / SECONDS_PER_HOUR) for each in (reckoned.capacity, cell.capacity))
    return [f"its C-rates are those of {own}Ah ({reckoned.basis}), and the film should hold {film}Ah"]
