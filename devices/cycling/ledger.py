"""From what a cycler says to the rows of a cycling run: which step, how often, which cycle, how much charge.

Where a cycler sampled more finely than it tells rows, it says what passed between them: so do all where the cell
decides the current. Else charge and energy are integrated here, by trapezoids between the rows of a step. The charge of
a constant current and of a current ramp is exact by that; an energy is off by half of what the voltage moves between
two rows times the charge between them, at the most. At rest the cell is disconnected, and nothing is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from devices.base import RowStream
from devices.cycling.books import (
    Counts,
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
from devices.cycling.rows import CycleRows
from devices.cycling.sequence import Part, Seen, Turn
from devices.cycling.techniques import Impedance, OpenCircuit
from devices.cycling.verdict import (
    FAR,
    RATES,
    current_is_lost,
    cut_cause,
    held_voltage,
    is_beyond,
    limit_reached,
    may_have_ended,
    own_end,
)
from devices.errors import InstrumentError


class CycleLedger:
    """The books of one run. Takes records in order, appends rows to the streams `primary`, `steps`, ...

    began [s] is the time label of the start; longest_step [s] was uploaded where a step has no duration; range_of gives
    a step's current range as a number; counts_cycles: the program has a loop that does. `done` counts steps that were
    not cut short. `closed` hears why each step ended, and the last voltage [V] that was measured in it.
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
        self.closed: Callable[[EndReason, float | None], None] = lambda _reason, _voltage: None
        self._rows = CycleRows(streams, began, range_of)
        self._limits, self._longest_step, self._counts_cycles = limits, longest_step, counts_cycles
        self._plan: Iterator[Turn] = iter(())
        self._counts, self._seen = Counts(), Seen()
        self._step: OpenStep | None = None
        self._cycle: OpenCycle | None = None

    @property
    def offsets(self) -> Offsets:
        """What was counted before these books."""
        return self._rows.offsets

    def begin(self, part: Part, offset: float) -> None:
        """Expect the steps of a part, whose times count from `offset` [s] after the run's start."""
        # The instrument's clock may be ahead of ours: time does not go back at a border.
        counts = self._counts
        self._plan, counts.offset = part.walk(), max(offset, counts.last_time)
        counts.walked = 0

    def go_on(self, part: Part, over: int, offset: float) -> None:
        """Expect the steps of a part behind the first `over`, whose times count from `offset` [s] on.

        A step under way goes on as the one it was; a spectrum in it begins anew.
        """
        counts, step = self._counts, self._step
        self._plan, counts.walked = part.walk(), over + (step is not None)
        for _ in range(counts.walked):
            next(self._plan)
        offset = max(offset, counts.last_time)
        if step is not None:
            if step.last is not None:
                offset = max(offset, counts.offset + step.last.time)
            counts.spectra += isinstance(step.execution.step.run, Impedance)
            step.was_broken_off(offset - counts.offset)
            step.move(offset - counts.offset)
        counts.offset = offset

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
        return self._counts.count

    @property
    def passed(self) -> tuple[float, float]:
        """Charge [C] and energy [J] since the beginning."""
        return self._counts.charge * SECONDS_PER_HOUR, self._counts.energy * SECONDS_PER_HOUR

    @property
    def axis(self) -> float:
        """From when [s] after the run's start the times of rows count."""
        return self._counts.offset

    def as_json(self) -> Plain:
        """Return where the books stand, in plain values."""
        return {
            **vars(self._counts),
            "done": self.done,
            "seen": seen_as_json(self._seen),
            "step": None if self._step is None else self._step.as_json(),
            "cycle": None if self._cycle is None else self._cycle.as_json(),
        }

    def restore(self, kept: Mapping[str, Any], part: Part) -> None:
        """Stand where the books of a run before this one stood in a part; what comes counts from there.

        Steps, and the cycle under way, are booked whole.
        """
        self._counts = Counts.restored(kept)
        self.done, self._seen = kept["done"], seen_from_json(kept["seen"])
        self._plan = part.walk()
        # Between two parts the books are those of the one before, which may have been longer.
        turns = list(islice(self._plan, self._counts.walked))
        if kept["step"] is not None:
            self._step = OpenStep.restored(self._execution(turns[-1]), kept["step"])
        if kept["cycle"] is not None:
            self._cycle = OpenCycle.restored(kept["cycle"])
        self._rows.offsets = offsets_of(kept)

    def _execution(self, turn: Turn) -> Execution:
        counted = turn.counted or not self._counts_cycles
        return Execution(
            turn.step, turn.step_index, self._counts.count, max(self._counts.cycle_number, 1), counted
        )

    def element(self, record: ElementBegan) -> None:
        """Close the step before, open the next; InstrumentError when the part has no further step."""
        self._close_step(None)
        turn = next(self._plan, None)
        if turn is None:
            raise self._unexplained(f"{record.name} begins although the program has no step left")
        self._counts.count += 1
        self._counts.walked += 1
        self._counts.cycle_number += turn.opens
        step, execution = turn.step, self._execution(turn)
        if self._cycle is not None and self._cycle.number != execution.cycle:
            self._close_cycle(False)
        if self._cycle is None:
            self._cycle = OpenCycle(execution.cycle)
        self._step = OpenStep(execution)
        if isinstance(step.run, Impedance):
            self._counts.spectra += 1

    def ended(self, record: ElementEnded) -> None:
        """Keep the instrument's own reason for the end of the step under way."""
        if self._step is not None:
            self._step.said = record.reason

    def row(self, record: RowTaken) -> None:
        """Book one row; InstrumentError when no step is open."""
        step, cycle = self._step, self._cycle
        if step is None or cycle is None:
            raise self._unexplained(f"row {record.number} came before any step began")
        flags = _judged(record, step.execution.step, self._limits)
        if not flags & (CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID):
            self._integrate(record, step, cycle)
            step.before, step.good = step.good, record
        step.first = step.first or record
        step.last = record
        step.flags |= flags
        self._rows.row(record, step.execution, self._counts, flags)

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
        self._rows.point(point, step.execution, self._counts, flags)
        self._counts.last_time = self._counts.offset + point.time

    def part_ended(
        self,
        cause: EndReason | None,
        *,
        named: EndReason | None = None,
        acted: bool = False,
        completed: bool = False,
    ) -> EndReason | None:
        """Hear that the instrument stopped; return None when the part had run to its end, else what cut it.

        `cause` is the instrument's own reason, where it has one, named: the limit in its words; acted: a stop of ours
        ended something. completed: its words say that all is through. They count where every step has begun, and the
        last one has no row or may have ended since; why it ended is then unclear.
        """
        step = self._step
        seen = None if step is None else step.measured()
        says = step is not None and step.said is None
        beyond = says and (named is not None or (seen is not None and is_beyond(seen, self._limits)))
        left = next(self._plan, None) is not None
        if acted and cause is None and not beyond:
            cause = EndReason.OPERATOR
        if step is not None and cause is None and not left and not beyond and self._ends_itself(step):
            self._close_step(None)
            return None
        if cause is None:
            cause = named or EndReason.UNCLEAR
            if step is not None and seen is not None:
                cause = cut_cause(step.execution.step, seen, self._limits, named)
            open_to_words = cause is EndReason.UNCLEAR and completed and not left
            if step is not None and open_to_words and may_have_ended(step.execution.step, seen):
                self._close_step(None)
                return None
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
        return seen if cycle is None or cycle.fragment else cycle.added_to(seen)

    def _pass_charge(self, point: SpectrumPoint, step: OpenStep) -> None:
        """Count the charge of a spectrum's bias, from the step's beginning on."""
        if math.isnan(point.voltage) or math.isnan(point.current) or self._cycle is None:
            return
        row = RowTaken(point.number, point.time, point.voltage, point.current, math.nan)
        if step.good is None:
            step.good = replace(row, time=max(self._counts.last_time - self._counts.offset, 0.0))
            step.first = step.first or step.good
        self._integrate(row, step, self._cycle)
        step.good = step.last = row

    def _unexplained(self, text: str) -> InstrumentError:
        return InstrumentError(self._rows.name, "records", f"{text}; it runs not what was uploaded")

    def _integrate(self, record: RowTaken, step: OpenStep, cycle: OpenCycle) -> None:
        before = step.good
        if isinstance(step.execution.step.run, OpenCircuit) or (before is None and math.isnan(record.charge)):
            return
        charge, energy = record.charge / SECONDS_PER_HOUR, record.energy / SECONDS_PER_HOUR
        if before is not None and math.isnan(record.charge):
            hours = (record.time - before.time) / SECONDS_PER_HOUR
            charge = 0.5 * (record.current + before.current) * hours
            energy = 0.5 * (record.current * record.voltage + before.current * before.voltage) * hours
        self._counts.charge += charge
        self._counts.energy += energy
        step.charge += charge
        step.energy += energy
        if step.execution.counted:
            cycle.add(charge, energy, step.execution.way)

    def _ends_itself(self, step: OpenStep) -> bool:
        """Return whether a step that nothing follows has come to an end of its own.

        A rate is the answer where nothing else fits; a limit that the row shows does.
        """
        reason, seen = self._end_of(step), step.measured()
        cut = step.said is None and seen is not None and limit_reached(seen, self._limits) is not None
        return reason in OWN_ENDS and not (reason in RATES and cut)

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
        early = cut is not None or (step.said is not None and step.said not in (*OWN_ENDS, EndReason.UNCLEAR))
        flags |= CycleFlag.STOPPED_EARLY if early else CycleFlag.OK
        if reason is EndReason.UNCLEAR:
            flags |= CycleFlag.END_UNCLEAR
        elif reason is EndReason.LONGEST_STEP:
            flags |= CycleFlag.LONGEST_REACHED
        self.done += not early
        if step.last is not None:
            self._counts.last_time = self._counts.offset + step.last.time
        run, good = step.execution.step.run, step.good
        if (
            good is not None
            and self._cycle is not None
            and isinstance(run, OpenCircuit)
            and step.execution.counted
        ):
            self._cycle.end_voltage_rest = good.voltage
        self._seen = replace(self._seen, ended_by=reason, voltage=None if good is None else good.voltage)
        self._rows.step(step, self._counts, reason, flags)
        self.closed(reason, self._seen.voltage)

    def _close_cycle(self, early: bool) -> None:
        cycle, self._cycle = self._cycle, None
        if cycle is None:
            return
        early = early or cycle.fragment
        if not early:
            self._seen = cycle.added_to(self._seen)
        self._rows.cycle(cycle, self._counts, early=early)


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


def _judged(record: RowTaken, step: Step, limits: CellLimits) -> CycleFlag:
    flags = CycleFlag.OK
    if math.isnan(record.voltage):
        flags |= CycleFlag.VOLTAGE_INVALID
    if math.isnan(record.current):
        flags |= CycleFlag.CURRENT_INVALID
    elif current_is_lost(step, record.current) and not _is_at_its_end(record, step, limits):
        flags |= CycleFlag.CURRENT_LOST
    return flags


def _is_at_its_end(record: RowTaken, step: Step, limits: CellLimits) -> bool:
    """Return whether a constant current is where some instruments hold the voltage, until a row shows it."""
    return abs(record.voltage - held_voltage(step, limits)[0]) <= FAR
