"""From what a cycler says to the rows of a cycling run: which step, how often, which cycle, how much charge.

Charge and energy are integrated here, trapezoids between the rows of a step: exact for a constant current. At
rest the cell is disconnected, and nothing is counted.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devices.base import Column, RowStream
from devices.cycle_records import ElementBegan, RowTaken
from devices.errors import InstrumentError
from devices.techniques import ConstantCurrent, Loop, OpenCircuit, Program, Step

SECONDS_PER_HOUR = 3600.0

END_TOLERANCE = 1e-3
"""Volts by which a step's last row may miss the voltage that ended it; guess, fifty times a row's noise."""

TIME_TOLERANCE = 1e-3
"""Seconds by which a step's last row may miss its duration; guess, one internal sample."""

CURRENT_TOLERANCE = 0.1
"""Part by which a measured current may miss its setpoint before control counts as lost; guess."""


class CycleFlag(enum.IntFlag):
    """What a row, a step or a cycle may have to say about itself."""

    OK = 0
    VOLTAGE_INVALID = 1  # the reading failed: NaN, charge and energy bridge to the next good row
    CURRENT_INVALID = 2  # as above
    CURRENT_LOST = 4  # the current is not the one asked for: open lead, or the cell takes no more
    STOPPED_EARLY = 8  # the step or cycle was cut short: by us, by a safety limit, or by the instrument
    END_UNCLEAR = 16  # the last row does not show which of the step's ends was reached
    LONGEST_REACHED = 32  # no end of the program's own, but the station's bound on a step
    NO_EFFICIENCY = 64  # the cycle lacks its charge or its discharge: efficiency is NaN
    NO_REST = 128  # the cycle had no rest: end_voltage_rest is NaN


CYCLER = "channels"
"""The part of the station that measures."""

PRIMARY_COLUMNS: Mapping[str, Column] = {
    "test_time": Column("s", precision=3),
    "unix_time": Column("s", precision=3),
    "voltage": Column("V", part=CYCLER),
    "current": Column("A", precision=10, part=CYCLER),
    "charge": Column("Ah", precision=12),
    "energy": Column("Wh", precision=12),
    "step_index": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "record": Column("1", "integer", part=CYCLER),
    "ambient_temperature": Column("degC", precision=2, part=CYCLER),
    "range": Column("1", "integer"),
    "flags": Column("1", "integer"),
}

STEP_COLUMNS: Mapping[str, Column] = {
    "step_index": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "cycle": Column("1", "integer"),
    "technique": Column("1", "string"),
    "end_reason": Column("1", "string"),
    "t_start": Column("s", precision=3),
    "t_end": Column("s", precision=3),
    "v_start": Column("V"),
    "v_end": Column("V"),
    "charge": Column("Ah", precision=12),
    "energy": Column("Wh", precision=12),
    "flags": Column("1", "integer"),
}

CYCLE_COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "charge_capacity": Column("Ah", precision=12),
    "discharge_capacity": Column("Ah", precision=12),
    "charge_energy": Column("Wh", precision=12),
    "discharge_energy": Column("Wh", precision=12),
    "efficiency": Column("1"),
    "end_voltage_rest": Column("V"),
    "flags": Column("1", "integer"),
}


@dataclass(frozen=True)
class Execution:
    """One execution of a step: place in path order (from 0), number in the run, cycle (both from 1).

    Steps before the first counted pass belong to cycle 1, steps after the last one to the last. Passes of
    nested counting loops that begin together are one cycle.
    """

    step: Step
    step_index: int
    step_count: int
    cycle: int


def executions(program: Program) -> Iterator[Execution]:
    """Return what a program runs, loops unrolled one by one."""
    cycle = 0
    for count, (index, step, opens) in enumerate(_walk(program.steps, 0), 1):
        cycle += opens
        yield Execution(step, index, count, max(cycle, 1))


def count_executions(program: Program) -> int:
    """Return how many steps a program runs."""
    return round(sum(_total(node, lambda _: 1.0) for node in program.steps))


def longest_duration(program: Program, longest_step: float) -> float:
    """Return seconds within which a program is over; a step without a duration counts as `longest_step`."""

    def duration(step: Step) -> float:
        return longest_step if step.until.duration is None else step.until.duration

    return sum(_total(node, duration) for node in program.steps)


def _total(node: Step | Loop, value: Callable[[Step], float]) -> float:
    if isinstance(node, Step):
        return value(node)
    return node.times * sum(_total(each, value) for each in node.body)


def _walk(nodes: tuple[Step | Loop, ...], first: int) -> Iterator[tuple[int, Step, bool]]:
    """Return each execution: step index, step, and whether a counted pass opens with it."""
    index = first
    for node in nodes:
        if isinstance(node, Step):
            yield index, node, False
            index += 1
            continue
        for _ in range(node.times):
            opens = node.counts_cycles
            for inner, step, also in _walk(node.body, index):
                yield inner, step, also or opens
                opens = False
        index += _leaf_count(node)


def _leaf_count(node: Step | Loop) -> int:
    return 1 if isinstance(node, Step) else sum(_leaf_count(each) for each in node.body)


@dataclass
class _OpenStep:
    """The step under way; charge [Ah] and energy [Wh] since it began."""

    execution: Execution
    first: RowTaken | None = None
    last: RowTaken | None = None
    good: RowTaken | None = None
    charge: float = 0.0
    energy: float = 0.0
    flags: CycleFlag = CycleFlag.OK


@dataclass
class _OpenCycle:
    """The cycle under way, as `cycles` has it."""

    number: int
    charge_capacity: float = 0.0
    discharge_capacity: float = 0.0
    charge_energy: float = 0.0
    discharge_energy: float = 0.0
    end_voltage_rest: float = math.nan

    def add(self, charge: float, energy: float) -> None:
        """Add an increment: what flows in charges, what flows out discharges."""
        if charge >= 0:
            self.charge_capacity += charge
            self.charge_energy += energy
        else:
            self.discharge_capacity -= charge
            self.discharge_energy -= energy


class CycleLedger:
    """The books of one run. Takes records in order, appends rows to the streams.

    began [s] is the time label of the start; longest_step [s] was uploaded where a step has no duration;
    range_of gives a step's current range as a number. `done` counts steps that were not cut short.
    """

    def __init__(
        self,
        program: Program,
        *,
        primary: RowStream,
        steps: RowStream,
        cycles: RowStream,
        began: float,
        longest_step: float,
        range_of: Callable[[Step], int],
    ) -> None:
        self.done = 0
        self._primary, self._steps, self._cycles = primary, steps, cycles
        self._began, self._longest_step, self._range_of = began, longest_step, range_of
        self._last_time = 0.0
        self._plan = executions(program)
        self._charge = self._energy = 0.0
        self._step: _OpenStep | None = None
        self._cycle: _OpenCycle | None = None

    def element(self, record: ElementBegan) -> None:
        """Close the step before, open the next; InstrumentError when the program has no further step."""
        self._close_step(None)
        execution = next(self._plan, None)
        if execution is None:
            raise self._unexplained(f"{record.name} begins although the program has no step left")
        if self._cycle is not None and self._cycle.number != execution.cycle:
            self._close_cycle(False)
        if self._cycle is None:
            self._cycle = _OpenCycle(execution.cycle)
        self._step = _OpenStep(execution)

    def row(self, record: RowTaken) -> None:
        """Book one row; InstrumentError when no step is open."""
        step, cycle = self._step, self._cycle
        if step is None or cycle is None:
            raise self._unexplained(f"row {record.number} came before any step began")
        flags = self._judge(record, step.execution.step)
        if not flags & (CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID):
            self._integrate(record, step, cycle)
            step.good = record
        step.first = step.first or record
        step.last = record
        step.flags |= flags
        execution = step.execution
        unix_time = self._began + record.time
        self._primary.append(
            unix_time,
            {
                "test_time": record.time,
                "unix_time": unix_time,
                "voltage": record.voltage,
                "current": record.current,
                "charge": self._charge,
                "energy": self._energy,
                "step_index": execution.step_index,
                "step_count": execution.step_count,
                "cycle": execution.cycle,
                "record": record.number,
                "ambient_temperature": record.temperature,
                "range": self._range_of(execution.step),
                "flags": int(flags),
            },
        )

    def finish(self, cut: str, *, certain: bool = False) -> bool:
        """Close what is open; return whether the program had run to its end.

        `cut` is the end reason of a step that was cut short; unless that is `certain`, judge by what ran.
        """
        short = certain or next(self._plan, None) is not None
        short = short or self._step is None or not self._end_of(self._step)[0]
        self._close_step(cut if short else None)
        self._close_cycle(short)
        return not short

    def _unexplained(self, text: str) -> InstrumentError:
        return InstrumentError(self._primary.name, "records", f"{text}; it runs not what was uploaded")

    def _judge(self, record: RowTaken, step: Step) -> CycleFlag:
        flags = CycleFlag.OK
        if math.isnan(record.voltage):
            flags |= CycleFlag.VOLTAGE_INVALID
        if math.isnan(record.current):
            flags |= CycleFlag.CURRENT_INVALID
        elif isinstance(step.run, ConstantCurrent):
            asked = step.run.current
            if abs(record.current - asked) > CURRENT_TOLERANCE * abs(asked):
                flags |= CycleFlag.CURRENT_LOST
        return flags

    def _integrate(self, record: RowTaken, step: _OpenStep, cycle: _OpenCycle) -> None:
        before = step.good
        if before is None or isinstance(step.execution.step.run, OpenCircuit):
            return
        hours = (record.time - before.time) / SECONDS_PER_HOUR
        charge = 0.5 * (record.current + before.current) * hours
        energy = 0.5 * (record.current * record.voltage + before.current * before.voltage) * hours
        self._charge += charge
        self._energy += energy
        step.charge += charge
        step.energy += energy
        cycle.add(charge, energy)

    def _close_step(self, cut: str | None) -> None:
        step, self._step = self._step, None
        if step is None:
            return
        reason, flags = self._end_of(step) if cut is None else (cut, CycleFlag.STOPPED_EARLY)
        self.done += cut is None
        execution, first, last = step.execution, step.first, step.last
        if last is not None:
            self._last_time = last.time
        if isinstance(execution.step.run, OpenCircuit) and self._cycle is not None and step.good is not None:
            self._cycle.end_voltage_rest = step.good.voltage
        self._steps.append(
            self._began + self._last_time,
            {
                "step_index": execution.step_index,
                "step_count": execution.step_count,
                "cycle": execution.cycle,
                "technique": execution.step.run.technique,
                "end_reason": reason or "unclear",
                "t_start": math.nan if first is None else first.time,
                "t_end": math.nan if last is None else last.time,
                "v_start": math.nan if first is None else first.voltage,
                "v_end": math.nan if last is None else last.voltage,
                "charge": step.charge,
                "energy": step.energy,
                "flags": int(step.flags | flags),
            },
        )

    def _end_of(self, step: _OpenStep) -> tuple[str, CycleFlag]:
        """Return which of a step's ends its last row shows ("" when none), as instruments do not say."""
        first, last = step.first, step.last
        if first is None or last is None:
            return "", CycleFlag.END_UNCLEAR
        end = step.execution.step.until
        if end.voltage_above is not None and last.voltage >= end.voltage_above - END_TOLERANCE:
            return "voltage_above", CycleFlag.OK
        if end.voltage_below is not None and last.voltage <= end.voltage_below + END_TOLERANCE:
            return "voltage_below", CycleFlag.OK
        lasted = last.time - first.time + TIME_TOLERANCE
        if end.duration is not None and lasted >= end.duration:
            return "duration", CycleFlag.OK
        if end.duration is None and lasted >= self._longest_step:
            return "longest_step", CycleFlag.LONGEST_REACHED
        return "", CycleFlag.END_UNCLEAR

    def _close_cycle(self, early: bool) -> None:
        cycle, self._cycle = self._cycle, None
        if cycle is None:
            return
        flags = CycleFlag.STOPPED_EARLY if early else CycleFlag.OK
        efficiency = math.nan
        if cycle.charge_capacity > 0 and cycle.discharge_capacity > 0:
            efficiency = cycle.discharge_capacity / cycle.charge_capacity
        else:
            flags |= CycleFlag.NO_EFFICIENCY
        if math.isnan(cycle.end_voltage_rest):
            flags |= CycleFlag.NO_REST
        self._cycles.append(
            self._began + self._last_time,
            {
                "cycle": cycle.number,
                "charge_capacity": cycle.charge_capacity,
                "discharge_capacity": cycle.discharge_capacity,
                "charge_energy": cycle.charge_energy,
                "discharge_energy": cycle.discharge_energy,
                "efficiency": efficiency,
                "end_voltage_rest": cycle.end_voltage_rest,
                "flags": int(flags),
            },
        )
