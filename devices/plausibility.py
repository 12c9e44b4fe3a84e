"""What in a program is unlikely to be meant, held against the film's capacity: milli for micro, above all."""

from __future__ import annotations

from collections.abc import Iterator

from devices.cells import SECONDS_PER_HOUR, CellSize
from devices.programs import Program, Step
from devices.techniques import ConstantPower, setpoint_current

FASTEST = 20.0
"""C-rate above which a current is doubted; the FLA paper cycles at 10C."""

SLOWEST = 1e-3
"""C-rate below which a charge or discharge is doubted; guess: six weeks one way."""

FULLEST = 3.0
"""Capacities of the film above which a charge is doubted; guess: LiCoO2 holds two of the halves that are used."""


def plausibility(program: Program, cell: CellSize) -> list[str]:
    """Return what of a program is unlikely to be meant, as sentences; nothing when the capacity is unknown.

    Nothing is refused for it.
    """
    if cell.capacity is None:
        return []
    low = max(program.limits.voltage_min, 0.1)
    return list(
        dict.fromkeys(
            f"step {index}: {doubt}"
            for index, step in enumerate(program.leaves())
            for doubt in _doubts(step, cell.capacity, low)
        )
    )


def _doubts(step: Step, capacity: float, low: float) -> Iterator[str]:
    """Yield what is odd about a step; capacity [C], low [V] the least voltage a constant power meets."""
    holds = f"the film's {_micro(capacity / SECONDS_PER_HOUR)}Ah"
    current = setpoint_current(step.run)
    if isinstance(step.run, ConstantPower):
        current = abs(step.run.power) / low
    rate = None if current is None else current * SECONDS_PER_HOUR / capacity
    if rate is not None and rate > FASTEST:
        yield f"{_micro(current or 0.0)}A is {rate:.3g}C of {holds}; was a smaller unit meant (uA, not mA)?"
    if rate is not None and 0 < rate < SLOWEST and step.until.duration is None:
        yield f"{_micro(current or 0.0)}A is {rate:.3g}C of {holds}, {1 / rate:.3g} h one way; was a larger unit meant?"
    if step.until.charge is not None and step.until.charge > FULLEST * capacity:
        times, charge = step.until.charge / capacity, step.until.charge / SECONDS_PER_HOUR
        yield f"an end at {_micro(charge)}Ah is {times:.3g} times {holds}; was a smaller unit meant (uAh, not mAh)?"
    ends = step.until.current_below
    if ends is not None and ends * SECONDS_PER_HOUR / capacity > FASTEST:
        yield f"an end below {_micro(ends)}A is {ends * SECONDS_PER_HOUR / capacity:.3g}C of {holds}; it ends at once"


def _micro(value: float) -> str:
    """Return a value with a metric prefix, to three digits."""
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6)):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value / 1e-9:.3g} n"
