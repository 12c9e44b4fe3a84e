"""From what a cycler says to the rows of a cycling run: which step, how often, which cycle, how much charge.

Charge and energy are integrated here, trapezoids between the rows of a step, exact for a constant current; where a
cycler sampled more finely than it tells rows, it says what passed between them. At rest the cell is disconnected,
and nothing is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from devices.base import RowStream
from devices.cycling.books import (
    Execution,
    Offsets,
    OpenCycle,
    OpenStep,
    Plain,
    seen_as_json,
    seen_from_json,
)
from devices.cycling.cells import SECONDS_PER_HOUR
from devices.cycling.columns import CycleFlag
from devices.cycling.cycler import ElementBegan, ElementEnded, RowTaken, SpectrumPoint
from devices.cycling.ends import OWN_ENDS, EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.sequence import Part, Seen, Turn
from devices.cycling.techniques import Impedance, OpenCircuit
from devices.cycling.verdict import current_is_lost, cut_cause, is_beyond, own_end
from devices.errors import InstrumentError


class CycleLedger:
    """The books of one run. Takes records in order, appends rows to the streams `primary`, `steps`, ...

    began [s] is the time label of the start; longest_step [s] was uploaded where a step has no duration; range_of gives
    a step's current range as a number; counts_cycles: the program has a loop that does. `done` counts steps that were
    not cut short, `offsets` is what was counted before these books.
    """

    def __init__(
        self,
        streams: Mapping[str, RowStream],
        *,
        limits: CellLimits,
        began: float,
        longest_step: float,
        range_of: Callable[[Step], int],
        counts_cycles: bool,
    ) -> None:
        self.done = 0
        self.offsets = Offsets()
        self._counts_cycles = counts_cycles
        self._streams, self._limits = streams, limits
        self._began, self._longest_step, self._range_of = began, longest_step, range_of
        self._plan: Iterator[Turn] = iter(())
        self._walked = 0
        self._offset = self._last_time = 0.0
        self._count = self._cycle_number = self._spectra = 0
        self._charge = self._energy = 0.0
        self._step: OpenStep | None = None
        self._cycle: OpenCycle | None = None
        self._seen, self._fresh = Seen(), False

    def begin(self, part: Part, offset: float) -> None:
        """Expect the steps of a part, whose times count from `offset` [s] after the run's start."""
        # The instrument's clock may be ahead of ours: time does not go back at a border.
        self._plan, self._offset = part.walk(), max(offset, self._last_time)
        self._fresh, self._walked = part.fresh, 0

    def go_on(self, part: Part, over: int, offset: float) -> None:
        """Expect the steps of a part behind the first `over`, whose times count from `offset` [s] on.

        A step under way goes on as the one it was; a spectrum in it begins anew.
        """
        self._plan, self._walked = part.walk(), over
        for _ in range(over):
            next(self._plan)
        step = self._step
        latest = self._last_time
        if step is not None:
            next(self._plan)
            self._walked += 1
            if step.last is not None:
                latest = max(latest, self._offset + step.last.time)
        offset = max(offset, latest)
        if step is not None:
            self._spectra += isinstance(step.execution.step.run, Impedance)
            step.was_broken_off(offset - self._offset)
            step.move(offset - self._offset)
        self._offset, self._fresh = offset, part.fresh and not self._walked

    def close_step(self) -> None:
        """Close the step under way: it came to its end."""
        self._close_step(None)

    @property
    def step(self) -> OpenStep | None:
        """The step under way."""
        return self._step

    @property
    def count(self) -> int:
        """How many steps have begun."""
        return self._count

    @property
    def passed(self) -> tuple[float, float]:
        """Charge [C] and energy [J] since the beginning."""
        return self._charge * SECONDS_PER_HOUR, self._energy * SECONDS_PER_HOUR

    @property
    def axis(self) -> float:
        """From when [s] after the run's start the times of rows count."""
        return self._offset

    def as_json(self) -> Plain:
        """Return where the books stand, in plain values."""
        return {
            **{name: getattr(self, f"_{name}") for name in NUMBERS},
            "done": self.done,
            "seen": seen_as_json(self._seen),
            "step": None if self._step is None else self._step.as_json(),
            "cycle": None if self._cycle is None else self._cycle.as_json(),
        }

    def restore(self, kept: Mapping[str, Any], part: Part) -> None:
        """Stand where the books of a run before this one stood in a part; what comes counts from there.

        Steps, and the cycle under way, are booked whole.
        """
        for name in NUMBERS:
            setattr(self, f"_{name}", kept[name])
        self.done, self._seen = kept["done"], seen_from_json(kept["seen"])
        self._plan = part.walk()
        # Between two parts the books are those of the one before, which may have been longer.
        turns = list(islice(self._plan, self._walked))
        if kept["step"] is not None:
            self._step = OpenStep.restored(self._execution(turns[-1]), kept["step"])
        if kept["cycle"] is not None:
            self._cycle = OpenCycle.restored(kept["cycle"])
        self.offsets = offsets_of(kept)

    def _execution(self, turn: Turn) -> Execution:
        counted = turn.counted or not self._counts_cycles
        return Execution(turn.step, turn.step_index, self._count, max(self._cycle_number, 1), counted)

    def element(self, record: ElementBegan) -> None:
        """Close the step before, open the next; InstrumentError when the part has no further step."""
        self._close_step(None)
        turn = next(self._plan, None)
        if turn is None:
            raise self._unexplained(f"{record.name} begins although the program has no step left")
        self._count += 1
        self._walked += 1
        self._cycle_number += turn.opens
        step, execution = turn.step, self._execution(turn)
        if self._cycle is not None and self._cycle.number != execution.cycle:
            self._close_cycle(False)
        if self._fresh:
            self._seen, self._fresh = replace(self._seen, first_discharge_capacity=None), False
        if self._cycle is None:
            self._cycle = OpenCycle(execution.cycle)
        self._step = OpenStep(execution)
        if isinstance(step.run, Impedance):
            self._spectra += 1

    def ended(self, record: ElementEnded) -> None:
        """Keep the instrument's own reason for the end of the step under way."""
        if self._step is not None:
            self._step.said = record.reason

    def row(self, record: RowTaken) -> None:
        """Book one row; InstrumentError when no step is open."""
        step, cycle = self._step, self._cycle
        if step is None or cycle is None:
            raise self._unexplained(f"row {record.number} came before any step began")
        flags = _judged(record, step.execution.step)
        if not flags & (CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID):
            self._integrate(record, step, cycle)
            step.before, step.good = step.good, record
        step.first = step.first or record
        step.last = record
        step.flags |= flags
        self._append(
            "primary",
            self._offset + record.time,
            step.execution,
            {
                "test_time": self._offset + record.time - self.offsets.test_time,
                "unix_time": self._began + self._offset + record.time,
                "voltage": record.voltage,
                "current": record.current,
                "charge": self._charge - self.offsets.charge,
                "energy": self._energy - self.offsets.energy,
                "record": record.number,
                "ambient_temperature": record.temperature,
                "range": self._range_of(step.execution.step),
                "flags": int(flags),
            },
        )

    def spectrum(self, point: SpectrumPoint) -> None:
        """Book one frequency of a spectrum; InstrumentError when no step is open."""
        step = self._step
        if step is None:
            raise self._unexplained(f"spectrum point {point.number} came before any step began")
        step.points += 1
        self._pass_charge(point, step)
        failed = math.isnan(point.z_real) or math.isnan(point.z_imag)
        flags = CycleFlag.SATURATED if failed else CycleFlag.OK
        step.flags |= flags
        self._append(
            "impedance",
            self._offset + point.time,
            step.execution,
            {
                "spectrum": self._spectra,
                "record": point.number,
                "test_time": self._offset + point.time - self.offsets.test_time,
                "frequency": point.frequency,
                "z_real": point.z_real,
                "z_imag": point.z_imag,
                "dc_voltage": point.voltage,
                "dc_current": point.current,
                "amplitude": point.amplitude,
                "distortion": point.distortion,
                "flags": int(flags),
            },
        )
        self._last_time = self._offset + point.time

    def part_ended(self, cause: EndReason | None, *, acted: bool = False) -> EndReason | None:
        """Hear that the instrument stopped; return None when the part had run to its end, else what cut it.

        `cause` is the instrument's own reason, where it has one; acted: a stop of ours ended something.
        """
        step = self._step
        seen = None if step is None else step.measured()
        beyond = step is not None and step.said is None and seen is not None and is_beyond(seen, self._limits)
        left = next(self._plan, None) is not None
        if acted and cause is None and not beyond:
            cause = EndReason.OPERATOR
        if step is not None and cause is None and not left and not beyond and self._end_of(step) in OWN_ENDS:
            self._close_step(None)
            return None
        if cause is None:
            cause = EndReason.UNCLEAR
            if step is not None and seen is not None:
                cause = cut_cause(step.execution.step, seen, self._limits)
        self._close_step(cause)
        if self._cycle is not None:
            self._cycle.fragment = True
        return cause

    def finish(self, cut: EndReason | None) -> None:
        """Close what is open; `cut` says why when it was cut short."""
        self._close_step(cut)
        self._close_cycle(cut is not None)

    def seen(self) -> Seen:
        """Return what was measured so far, the cycle under way counted as whole."""
        seen, cycle = self._seen, self._cycle
        return seen if cycle is None or cycle.fragment else _with_cycle(seen, cycle)

    def _pass_charge(self, point: SpectrumPoint, step: OpenStep) -> None:
        """Count the charge of a spectrum's bias, from the step's beginning on."""
        if math.isnan(point.voltage) or math.isnan(point.current) or self._cycle is None:
            return
        row = RowTaken(point.number, point.time, point.voltage, point.current, math.nan)
        if step.good is None:
            step.good = replace(row, time=max(self._last_time - self._offset, 0.0))
            step.first = step.first or step.good
        self._integrate(row, step, self._cycle)
        step.good = step.last = row

    def _append(self, stream: str, at: float, execution: Execution, row: dict[str, object]) -> None:
        place = {
            "step_index": execution.step_index,
            "step_count": execution.step_count - self.offsets.step_count,
            "cycle": execution.cycle - self.offsets.cycle,
        }
        self._streams[stream].append(self._began + at, {**row, **place})

    def _unexplained(self, text: str) -> InstrumentError:
        name = self._streams["primary"].name
        return InstrumentError(name, "records", f"{text}; it runs not what was uploaded")

    def _integrate(self, record: RowTaken, step: OpenStep, cycle: OpenCycle) -> None:
        before = step.good
        if isinstance(step.execution.step.run, OpenCircuit) or (before is None and math.isnan(record.charge)):
            return
        charge, energy = record.charge / SECONDS_PER_HOUR, record.energy / SECONDS_PER_HOUR
        if before is not None and math.isnan(record.charge):
            hours = (record.time - before.time) / SECONDS_PER_HOUR
            charge = 0.5 * (record.current + before.current) * hours
            energy = 0.5 * (record.current * record.voltage + before.current * before.voltage) * hours
        self._charge += charge
        self._energy += energy
        step.charge += charge
        step.energy += energy
        if step.execution.counted:
            cycle.add(charge, energy)

    def _end_of(self, step: OpenStep) -> EndReason:
        """Return why a step ended by itself."""
        if step.said is not None:
            return step.said
        if step.points:
            return EndReason.SWEPT
        seen = step.measured()
        reason = None if seen is None else own_end(step.execution.step, seen, self._longest_step)
        return reason or EndReason.UNCLEAR

    def _close_step(self, cut: EndReason | None) -> None:
        step, self._step = self._step, None
        if step is None:
            return
        reason, flags = cut or self._end_of(step), step.flags
        flags |= CycleFlag.STOPPED_EARLY if cut is not None else CycleFlag.OK
        if reason is EndReason.UNCLEAR:
            flags |= CycleFlag.END_UNCLEAR
        elif reason is EndReason.LONGEST_STEP:
            flags |= CycleFlag.LONGEST_REACHED
        self.done += cut is None
        execution, first, last = step.execution, step.first, step.last
        axis = self._offset - self.offsets.test_time
        if last is not None:
            self._last_time = self._offset + last.time
        rested = isinstance(execution.step.run, OpenCircuit) and execution.counted
        if rested and self._cycle is not None and step.good is not None:
            self._cycle.end_voltage_rest = step.good.voltage
        v_end = None if step.good is None else step.good.voltage
        self._seen = Seen(
            reason,
            v_end,
            self._seen.cycle,
            self._seen.discharge_capacity,
            self._seen.first_discharge_capacity,
            self._seen.efficiency,
        )
        self._append(
            "steps",
            self._last_time,
            execution,
            {
                "technique": execution.step.run.technique,
                "end_reason": str(reason),
                "t_start": math.nan if first is None else axis + first.time,
                "t_end": math.nan if last is None else axis + last.time,
                "v_start": math.nan if first is None else first.voltage,
                "v_end": math.nan if last is None else last.voltage,
                "charge": step.charge,
                "energy": step.energy,
                "flags": int(flags),
            },
        )

    def _close_cycle(self, early: bool) -> None:
        cycle, self._cycle = self._cycle, None
        if cycle is None:
            return
        early = early or cycle.fragment
        flags = CycleFlag.STOPPED_EARLY if early else CycleFlag.OK
        if math.isnan(cycle.efficiency):
            flags |= CycleFlag.NO_EFFICIENCY
        if math.isnan(cycle.end_voltage_rest):
            flags |= CycleFlag.NO_REST
        if not early:
            self._seen = _with_cycle(self._seen, cycle)
        self._streams["cycles"].append(
            self._began + self._last_time,
            {
                "cycle": cycle.number - self.offsets.cycle,
                "charge_capacity": cycle.charge_capacity,
                "discharge_capacity": cycle.discharge_capacity,
                "charge_energy": cycle.charge_energy,
                "discharge_energy": cycle.discharge_energy,
                "efficiency": cycle.efficiency,
                "end_voltage_rest": cycle.end_voltage_rest,
                "flags": int(flags),
            },
        )


NUMBERS = (
    *("walked", "offset", "last_time", "count", "cycle_number", "spectra", "charge", "energy", "fresh"),
)
"""What of the books is a plain number."""


def offsets_of(kept: Mapping[str, Any]) -> Offsets:
    """Return what was counted where books stood: the step and the cycle under way count once more, whole."""
    step = kept["step"]
    last = None if step is None else step["last"]
    return Offsets(
        cycle=max(kept["cycle_number"], 1) - 1,
        step_count=kept["count"] - (step is not None),
        charge=kept["charge"],
        energy=kept["energy"],
        test_time=kept["last_time"] if last is None else kept["offset"] + last[1],
    )


def _judged(record: RowTaken, step: Step) -> CycleFlag:
    flags = CycleFlag.OK
    if math.isnan(record.voltage):
        flags |= CycleFlag.VOLTAGE_INVALID
    if math.isnan(record.current):
        flags |= CycleFlag.CURRENT_INVALID
    elif current_is_lost(step, record.current):
        flags |= CycleFlag.CURRENT_LOST
    return flags


def _with_cycle(seen: Seen, cycle: OpenCycle) -> Seen:
    """Return what was seen with a cycle added that has a discharge."""
    if cycle.discharge_capacity <= 0:
        return seen
    capacity = cycle.discharge_capacity * SECONDS_PER_HOUR
    first = seen.first_discharge_capacity if seen.first_discharge_capacity is not None else capacity
    efficiency = None if math.isnan(cycle.efficiency) else cycle.efficiency
    return Seen(seen.ended_by, seen.voltage, cycle.number, capacity, first, efficiency)
