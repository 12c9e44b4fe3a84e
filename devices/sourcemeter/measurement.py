"""One measurement after the other on a SourceMeter: armed, begun, fetched from its buffer, found again.

What the host's stepping asks of the instrument; every call may be repeated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from devices.clock import Clock
from devices.cycling.cycler import Job
from devices.cycling.host_flight import Fetched
from devices.cycling.host_run import Meter, Reading
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import VoltageRamp
from devices.cycling.verdict import drive_of, is_rest
from devices.errors import InstrumentError
from devices.sourcemeter.abilities import (
    CURRENT_RANGES,
    LEAST_PERIOD,
    NOISE_SHARE,
    OFFSETS,
    PROTECTIONS,
    VOLTAGE_ERROR,
    VOLTAGE_NOISE,
    levels_of,
    place,
    sampling_of,
)
from devices.sourcemeter.dialect import numbers
from devices.sourcemeter.line import Line
from devices.sourcemeter.notebook import (
    BUFFERS,
    Kept,
    is_of,
    kept,
    of_nobody,
    of_step,
    other,
    rows_in,
    stamp_of,
    step_mark,
)
from devices.sourcemeter.settings import LOOK, MARK, prepared, protected, source, voltmeter
from devices.sourcemeter.trigger import NOTHING, Plan, swept, timed

DISCONNECTED = (":OUTP:VOLT:SMOD HIMP", ":OUTP:CURR:SMOD HIMP")
"""Without these the output, when off, is a source of 0 V: a cell would be discharged by it."""

SETTLE = 0.01
"""Seconds after which a row that was measured can be fetched; guess."""

LONGEST_PERIOD = 60.0
"""Seconds after which the instrument is looked after even if no row is due."""

ROWS_PER_REQUEST = 200
"""Rows fetched at once: 14 kB, far within a wire's deadline on a LAN."""

RUNNING = frozenset({"RUNNING", "WAITING", "ABORTING"})
SAME = 1e-3
"""Volts by which a source may read otherwise than it was set: its resolution is 0.5 mV."""

POWER_ON = 128
"""Bit of *ESR? that a power-up sets [IEEE 488.2]."""


class Measurement:
    """The measurement under way, or the next one; row_time [s] is what a row takes."""

    def __init__(self, line: Line, clock: Clock, name: str, model: str, row_time: float) -> None:
        self._line, self._clock, self._name, self.row_time = line, clock, name, row_time
        self._ranges = CURRENT_RANGES[model]
        self._limits: CellLimits | None = None
        self._as_voltmeter = False
        self._planned, self._fetched = NOTHING, 0
        self._buffer = BUFFERS[0]
        self._aborted = self._waiting = False
        self._asked_to_go = False
        self._went = 0.0
        self._epoch: tuple[float, ...] | None = None
        self._first_row: tuple[float, ...] = ()
        self._offset: float | None = None
        self._left: Sequence[Kept] = ()
        self._told: Mapping[str, Any] = {}

    def range_of(self, step: Step) -> int:
        """Return the place of the step's current range among the model's; -1 at rest."""
        if is_rest(step):
            return -1
        limits = self._limits
        most = abs(drive_of(step)) or (self._ranges[-1] if limits is None else limits.current_max)
        return place(most, self._ranges)

    def prepare(self, job: Job) -> None:
        """Set the instrument up for a job; nothing flows."""
        limits = job.limits
        self.open()
        for group in prepared(limits, job.token):
            self._line.settle(*group)
        for function in ("VOLT", "CURR"):
            if not self._line.ask(f":OUTP:{function}:SMOD?").upper().startswith("HIMP"):
                raise InstrumentError(
                    self._name, "output_off", "the output, when off, does not disconnect the cell"
                )
        self._limits, self._epoch, self._left = limits, None, ()

    def look(self) -> float:
        """Return the voltage [V] of the cell without current; the output is off before and after."""
        self.open()
        if self._limits is None:
            self._line.settle(f":SOUR:VOLT:PROT PROT{PROTECTIONS[-1]:g}")
        self._line.settle(*voltmeter(self._limits, self._ranges))
        reading = self._line.ask(LOOK, patience=2.0)
        self._line.settle(":OUTP OFF")
        return numbers(reading.encode())[0]

    def arm(self, step: Step, count: int, left: float) -> None:
        """Set a step that may last `left` more seconds; nothing flows, and the rows of the step before stay."""
        limits = self._limits
        assert limits is not None
        self.open()
        if self._asked_to_go:
            self._buffer, self._asked_to_go = other(self._buffer), False
        self._line.settle(*of_step(self._buffer, count))
        self._fetched, self._offset, self._first_row, self._aborted = 0, None, (), False
        self._as_voltmeter = is_rest(step)
        if is_rest(step):
            self._line.settle(*voltmeter(self._limits, self._ranges))
        else:
            (volts, *_), most = levels_of(step, limits)
            # A look of a later session may have raised the protection.
            self._line.settle(protected(limits), *source(volts, most, self._ranges))
        self._plan(self._plan_of(step, limits, left))
        # What was set up goes with the power, and the blocks just set would go as well: INIT then finds none.
        if not self._line.ask(f':TRAC:FILL:MODE? "{self._buffer}"').upper().startswith(MARK):
            raise self._restarted()

    def go(self) -> None:
        """Start the trigger model, which switches the output on; nothing when it has started already."""
        if self._asked_to_go and (self.trigger_state() in RUNNING or self._rows_in_buffer()):
            return
        self._asked_to_go = True
        self._went, self._waiting = self._clock.now(), False
        self._line.settle(":INIT", repeat=False)

    def fetch(self) -> Fetched:
        """Return the new rows; InstrumentError when the instrument lost them or stopped by itself."""
        state = self.trigger_state()
        count = self._rows_in_buffer()
        if count < self._fetched:
            raise self._gone(state)
        rows: list[Reading] = []
        for first in range(self._fetched + 1, count + 1, ROWS_PER_REQUEST):
            rows += self._rows(first, min(first + ROWS_PER_REQUEST - 1, count))
        self._fetched = count
        if self.is_ahead:
            return Fetched(tuple(rows), False)
        self._follow(bool(rows))
        running = state in RUNNING
        if not running and not self._aborted and count < self._planned.rows:
            if not rows:
                raise self._gone(state)
            running = True  # what there is comes first
        return Fetched(tuple(rows), running)

    def open(self) -> None:
        """Abort the trigger model and switch the output off, in such a way that the cell is disconnected."""
        self._line.settle(":ABOR", *DISCONNECTED, ":OUTP OFF")
        self._aborted = True

    def next_row(self) -> float:
        """Return in how many seconds the next row can be fetched, or the instrument is to be looked after."""
        due = self._went + self._due(self._fetched)
        return min(max(due - self._clock.now(), LEAST_PERIOD), LONGEST_PERIOD)

    def measured(self) -> Mapping[str, Any]:
        """Return what tells the measurement under way from any other, and how it was planned."""
        plan = self._planned
        return {
            "epoch": None if self._epoch is None else list(self._epoch),
            "stamp": list(self._first_row),
            "plan": [plan.rows, plan.first, plan.period, plan.lasts],
        }

    def keeps(self, token: str, told: Mapping[str, Any]) -> bool:
        """Return whether what is in the instrument is a job's; told: nothing, when nobody heard that it began."""
        if not is_of(self._line, token):
            return False
        return bool(told) or any(each.step == step_mark(1) for each in self._kept()[0])

    def recall(self, job: Job, count: int, told: Mapping[str, Any]) -> bool:
        """Find what another session left of a job from a step on, counted from 1; False when it is not there."""
        if not self.keeps(job.token, told):
            return False
        begun, armed = self._kept()
        place = next((place for place, each in enumerate(begun) if each.step == step_mark(count)), len(begun))
        self._limits, self._told, self._left = job.limits, told, begun[place:]
        self._epoch = (*told["epoch"],) if told.get("epoch") else None
        self._asked_to_go = bool(begun)
        if begun or armed:
            self._buffer = (begun[:place] or begun or armed)[-1].buffer
        return True

    @property
    def is_ahead(self) -> bool:
        """Whether the other session had begun another measurement behind the one in hand."""
        return bool(self._left)

    def take(self, step: Step, count: int, left: float) -> None:
        """Go on with the next measurement that was recalled, as that of a step. Raises InstrumentError."""
        limits = self._limits
        assert limits is not None
        found = self._left[0]
        # Behind a step that is over, a look may have set the source otherwise.
        runs = len(self._left) == 1 and self.trigger_state() in RUNNING
        if found.step != step_mark(count) or (runs and not self._is_set_to(step, limits)):
            raise InstrumentError(
                self._name, "astray", f"another had begun than step {count} of the job, the next by its rows"
            )
        self._left = self._left[1:]
        self._buffer, self._first_row = found.buffer, found.stamp or ()
        is_told = bool(found.stamp) and list(self._first_row) == self._told.get("stamp")
        self._planned = Plan((), *self._told["plan"]) if is_told else self._plan_of(step, limits, left)
        self._as_voltmeter, self._fetched, self._offset = is_rest(step), 0, None
        self._asked_to_go, self._aborted, self._waiting = True, False, False
        self._went = self._clock.now()

    def forget(self) -> None:
        """Let what another session left be nobody's."""
        self._line.settle(*of_nobody())
        self._left = ()

    def _kept(self) -> tuple[list[Kept], list[Kept]]:
        """Return what was begun, the oldest first, and what is armed alone: no row, and no trigger model that runs."""
        found = kept(self._line)
        is_begun = not found or found[-1].stamp is not None or self.trigger_state() in RUNNING
        return (found, []) if is_begun else (found[:-1], found[-1:])

    def _is_set_to(self, step: Step, limits: CellLimits) -> bool:
        """Return whether the source is what a step sets."""
        if is_rest(step):
            return self._line.ask(":SOUR:FUNC?").upper().startswith("CURR")
        if not self._line.ask(":SOUR:FUNC?").upper().startswith("VOLT"):
            return False
        volts, most = (self._line.numbers(each)[0] for each in (":SOUR:VOLT?", ":SOUR:VOLT:ILIM?"))
        levels, limit = levels_of(step, limits)
        return min(levels) - SAME <= volts <= max(levels) + SAME and math.isclose(most, limit, rel_tol=1e-4)

    def meter_of(self, step: Step) -> Meter:
        """Return how well a step is measured."""
        full = self._ranges[max(self.range_of(step), 0)]
        return Meter(VOLTAGE_ERROR, VOLTAGE_NOISE, NOISE_SHARE * full, 4.0 * OFFSETS[full])

    def _due(self, row: int) -> float:
        """Return when a row, counted from 0, can be fetched, in seconds since the start."""
        return self._planned.due(row) + self.row_time + SETTLE

    def _follow(self, came: bool) -> None:
        """Move the start to where rows say it was: the instrument's clock and the host's are not one."""
        now = self._clock.now()
        if came and (self._waiting or now - self._went < self._due(self._fetched - 1)):
            self._went = now - self._due(self._fetched - 1)
        self._waiting = not came and now - self._went >= self._due(self._fetched)

    def _plan_of(self, step: Step, limits: CellLimits, left: float) -> Plan:
        if isinstance(step.run, VoltageRamp):
            return swept(step, step.run, left, self.row_time, self._buffer)
        return timed(sampling_of(step, limits.charge_max), left, self.row_time, self._buffer)

    def _plan(self, plan: Plan) -> None:
        """Set a trigger model."""
        for group in plan.groups:
            self._line.settle(*group)
        self._planned = plan

    def _rows(self, first: int, last: int) -> Sequence[Reading]:
        offset = self._offset_of_buffer()
        values = self._line.numbers(
            f':TRAC:DATA? {first}, {last}, "{self._buffer}", SOUR, READ, REL', 3 * (last - first + 1)
        )
        voltage, current = (1, 0) if self._as_voltmeter else (0, 1)
        return [
            Reading(offset + row[2], row[voltage], row[current])
            for row in (values[start : start + 3] for start in range(0, len(values), 3))
        ]

    def _offset_of_buffer(self) -> float:
        """Return when [s] of the job the buffer's first row was taken, by the instrument's own clock."""
        if self._offset is None:
            self._first_row = stamp_of(self._line, self._buffer)
            self._epoch = self._epoch or self._first_row
            self._offset = sum(late - early for late, early in zip(self._first_row, self._epoch, strict=True))
        return self._offset

    def trigger_state(self) -> str:
        """Return the state of the trigger model."""
        return self._line.ask(":TRIG:STAT?").partition(";")[0].strip().upper()

    def _rows_in_buffer(self) -> int:
        return rows_in(self._line, self._buffer)

    def _gone(self, state: str) -> InstrumentError:
        """Return what became of a run that ended by itself."""
        if int(self._line.numbers("*ESR?")[0]) & POWER_ON:
            return self._restarted()
        code, said = self._line.error()
        return InstrumentError(
            self._name,
            str(code or "trigger"),
            said if code else f"the trigger model is {state} before its last row; its output may be on",
        )

    def _restarted(self) -> InstrumentError:
        return InstrumentError(
            self._name,
            "restarted",
            "it was switched off and on; its output is off, its settings and rows not fetched are lost",
        )
