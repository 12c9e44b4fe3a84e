"""How long a program takes at the most, what passes through the cell, and how much is written: without a twin.

The cell is as simple as can be: it holds its film's capacity (with two standard uncertainties), and its voltage
lies in the program's window. What ends a step by itself is exact; what only the cell ends is bounded by capacity
over current, or window over rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devices.cycling.cells import CellSize
from devices.cycling.cycler import LONGEST_STEP
from devices.cycling.programs import Jump, Loop, Node, Program, Step, loops
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    VoltageRamp,
    setpoint_current,
    setpoint_voltages,
)

PERIODS_PER_POINT = 3.0
"""Periods that an impedance takes at each frequency, with its settling; guess."""

LEAST_PER_POINT = 0.3
"""Seconds that any frequency takes; guess."""

JOURNAL_BYTES = 173
"""Bytes of a row in the run's journal, in pages of hundreds (measured on a twin's run of 5886 rows)."""

PAGE_BYTES = 180
"""Bytes of a page of rows in the journal beside those of its rows (measured on the format)."""

PAGES_EVERY = 60.0
"""Seconds between pages, as plans.cycle.FLUSH, which brings bluesky along."""

SPOOL_BYTES = 379
"""Bytes of a row in the device's spool, where each stands alone (measured on the same run)."""

STEP_BYTES = 690
"""Bytes of a finished step in journal and spool together (measured on the same run)."""


@dataclass(frozen=True)
class StepEstimate:
    """One step: how often it runs, and of one run the time [s], charge [C], energy [J], rows, spectrum points.

    how: what the time was taken from; exact: whether it is the time, or a bound.
    """

    index: int
    times: int
    duration: float
    how: str
    exact: bool
    charge: float
    energy: float
    rows: int
    points: int


@dataclass(frozen=True)
class Estimate:
    """All steps of a program; the totals are bounds unless every step's time is exact."""

    steps: tuple[StepEstimate, ...]
    exact: bool

    @property
    def executions(self) -> int:
        """How many steps run."""
        return sum(step.times for step in self.steps)

    @property
    def duration(self) -> float:
        """Seconds in all."""
        return math.fsum(step.times * step.duration for step in self.steps)

    @property
    def charge(self) -> float:
        """Coulombs through the cell, both ways together."""
        return math.fsum(step.times * step.charge for step in self.steps)

    @property
    def energy(self) -> float:
        """Joules through the cell, both ways together."""
        return math.fsum(step.times * step.energy for step in self.steps)

    @property
    def rows(self) -> int:
        """Rows of the stream `primary`."""
        return sum(step.times * step.rows for step in self.steps)

    @property
    def points(self) -> int:
        """Points of impedance spectra."""
        return sum(step.times * step.points for step in self.steps)

    @property
    def disk(self) -> int:
        """Bytes of journal and spool."""
        rows = self.rows + self.points
        pages = min(rows, math.ceil(self.duration / PAGES_EVERY))
        return rows * (JOURNAL_BYTES + SPOOL_BYTES) + pages * PAGE_BYTES + self.executions * STEP_BYTES


def estimate(program: Program, cell: CellSize) -> Estimate:
    """Return what a program takes at the most; a loop in it costs no more than its body."""
    simple = _SimpleCell.of(program, cell)
    steps = tuple(
        _step(index, times, step, simple)
        for index, (step, times) in enumerate(zip(program.leaves(), _times(program.steps), strict=True))
    )
    conditional = any(isinstance(node, Jump) for node in program.steps) or any(
        loop.until is not None for loop in loops(program.steps)
    )
    return Estimate(steps, not conditional and all(step.exact for step in steps))


@dataclass(frozen=True)
class _SimpleCell:
    """capacity [C] with two standard uncertainties, inf if unknown; window [V]; the largest current [A]."""

    capacity: float
    low: float
    high: float
    current: float

    @classmethod
    def of(cls, program: Program, cell: CellSize) -> _SimpleCell:
        limits = program.limits
        capacity = math.inf if cell.capacity is None else cell.capacity + 2 * cell.capacity_sd
        if limits.charge_max is not None:
            capacity = min(capacity, limits.charge_max)
        volts = [volt for step in program.leaves() for volt in _voltages(step)]
        low, high = (
            (min(volts), max(volts)) if len(set(volts)) > 1 else (limits.voltage_min, limits.voltage_max)
        )
        return cls(capacity, low, high, limits.current_max)

    @property
    def window(self) -> float:
        return self.high - self.low

    @property
    def highest(self) -> float:
        return max(abs(self.low), abs(self.high))


def _voltages(step: Step) -> Iterator[float]:
    yield from setpoint_voltages(step.run)
    yield from (volts for volts in (step.until.voltage_above, step.until.voltage_below) if volts is not None)


def _times(nodes: Sequence[Node]) -> list[int]:
    """Return how often each step runs at the most; a jump back runs what lies between once more each time."""
    again = [0] * len(nodes)
    for at, node in enumerate(nodes):
        if isinstance(node, Jump):
            back = next(
                to for to, each in enumerate(nodes) if not isinstance(each, Jump) and node.to in each.tags
            )
            for between in range(back, at):
                again[between] += node.at_most
    found: list[int] = []
    for node, more in zip(nodes, again, strict=True):
        if not isinstance(node, Jump):
            found += _nested(node, 1 + more)
    return found


def _nested(node: Step | Loop, times: int) -> list[int]:
    if isinstance(node, Step):
        return [times]
    return [count for inner in node.body for count in _nested(inner, times * node.times)]


def _step(index: int, times: int, step: Step, cell: _SimpleCell) -> StepEstimate:
    if isinstance(step.run, PotentiostaticImpedance | GalvanostaticImpedance):
        frequencies = _frequencies(step.run)
        duration = math.fsum(max(LEAST_PER_POINT, PERIODS_PER_POINT / each) for each in frequencies)
        how = f"{PERIODS_PER_POINT:g} periods a point"
        return StepEstimate(index, times, duration, how, False, 0.0, 0.0, 0, len(frequencies))
    duration, how, exact = min(_durations(step, cell), key=lambda bound: bound[0])
    charge = _charge(step, cell, duration)
    energy = charge * cell.highest
    if isinstance(step.run, ConstantPower):
        energy = min(energy, abs(step.run.power) * duration)
    return StepEstimate(index, times, duration, how, exact, charge, energy, _rows(step, cell, duration), 0)


def _durations(step: Step, cell: _SimpleCell) -> Iterator[tuple[float, str, bool]]:
    """Yield what may end a step: time [s], in words, and whether it alone ends it."""
    until, alone = step.until, len(step.until.named()) == 1
    if until.duration is not None:
        yield until.duration, "its duration", alone and not _is_sweep(step)
    if isinstance(step.run, CurrentRamp | VoltageRamp):
        yield step.run.duration, "its sweep", not step.until.named()
    current = _least_current(step, cell)
    if current > 0:
        yield cell.capacity / current, "capacity / current", False
        if until.charge is not None:
            yield (
                until.charge / current,
                "its charge / current",
                alone and isinstance(step.run, ConstantCurrent),
            )
        if until.energy is not None and cell.low > 0:
            yield until.energy / (current * cell.low), "its energy / current / voltage", False
    if until.voltage_rate_below is not None:
        yield cell.window / until.voltage_rate_below, "window / dV/dt", False
    if until.current_rate_below is not None:
        yield cell.current / until.current_rate_below, "largest current / dI/dt", False
    yield LONGEST_STEP, "nothing bounds it; the longest step of a potentiostat", False


def _is_sweep(step: Step) -> bool:
    return isinstance(step.run, CurrentRamp | VoltageRamp)


def _least_current(step: Step, cell: _SimpleCell) -> float:
    """Return the |current| [A] below which a step is over; 0 where nothing is known."""
    ends = step.until.current_below or 0.0
    match step.run:
        case ConstantCurrent(current=drive):
            return abs(drive)
        case ConstantPower(power=power):
            return max(ends, abs(power) / cell.highest if cell.highest else 0.0)
        case ConstantResistance(resistance=resistance):
            lowest = step.until.voltage_below if step.until.voltage_below is not None else cell.low
            return max(ends, lowest / resistance)
        case ConstantVoltage():
            return ends
    return 0.0


def _charge(step: Step, cell: _SimpleCell, duration: float) -> float:
    """Return the charge [C] that passes in a step at the most."""
    if isinstance(step.run, OpenCircuit):
        return 0.0
    current = setpoint_current(step.run)
    if isinstance(step.run, CurrentRamp) and step.run.start * step.run.end >= 0:
        current = 0.5 * abs(step.run.start + step.run.end)
    passed = min((cell.current if current is None else current) * duration, cell.capacity)
    return passed if step.until.charge is None else min(passed, step.until.charge)


def _rows(step: Step, cell: _SimpleCell, duration: float) -> int:
    """Return the rows of a step: its first and last, one each interval, and more when something moves."""
    rows = 2.0 + duration / step.record.interval
    if step.record.voltage_change is not None and not isinstance(step.run, ConstantVoltage):
        rows += cell.window / step.record.voltage_change
    if step.record.current_change is not None and not isinstance(step.run, ConstantCurrent | OpenCircuit):
        rows += cell.current / step.record.current_change
    return int(rows)


def _frequencies(run: PotentiostaticImpedance | GalvanostaticImpedance) -> list[float]:
    count = max(1, round(abs(math.log10(run.first / run.last)) * run.per_decade)) + 1
    return [run.first * (run.last / run.first) ** (number / (count - 1)) for number in range(count)]
