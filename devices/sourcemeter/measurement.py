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
    buffer_of,
    lasts_of,
    levels_of,
    place,
    sampling_of,
)
from devices.sourcemeter.dialect import numbers
from devices.sourcemeter.line import Line
from devices.sourcemeter.settings import MARK, prepared, source, voltmeter
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
        self._aborted = self._waiting = False
        self._asked_to_go = False
        self._went = 0.0
        self._epoch: tuple[float, ...] | None = None
        self._first_row: tuple[float, ...] = ()
        self._before: list[float] | None = None
        self._offset: float | None = None

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
        for group in prepared(limits, buffer_of(job.token)):
            self._line.settle(*group)
        for function in ("VOLT", "CURR"):
            if not self._line.ask(f":OUTP:{function}:SMOD?").upper().startswith("HIMP"):
                raise InstrumentError(
                    self._name, "output_off", "the output, when off, does not disconnect the cell"
                )
        self._limits, self._epoch = limits, None

    def look(self) -> float:
        """Return the voltage [V] of the cell without current; the output is off before and after."""
        self.open()
        if self._limits is None:
            self._line.settle(f":SOUR:VOLT:PROT PROT{PROTECTIONS[-1]:g}")
        self._line.settle(*voltmeter(self._limits, self._ranges))
        reading = self._line.ask(':OUTP ON;:READ? "defbuffer2";:OUTP OFF', patience=2.0)
        self._line.settle(":OUTP OFF")
        return numbers(reading.encode())[0]

    def arm(self, step: Step, left: float) -> None:
        """Set a step that may last `left` more seconds; nothing flows."""
        limits = self._limits
        assert limits is not None
        self.open()
        self._line.settle(':TRAC:CLE "defbuffer1"')
        self._before = list(self._first_row) or None
        self._fetched, self._offset, self._asked_to_go, self._aborted = 0, None, False, False
        self._as_voltmeter = is_rest(step)
        if is_rest(step):
            self._line.settle(*voltmeter(self._limits, self._ranges))
        else:
            (volts, *_), most = levels_of(step, limits)
            self._line.settle(*source(volts, most, self._ranges))
        self._plan(self._plan_of(step, limits, left))
        # What was set up goes with the power, and the blocks just set would go as well: INIT then finds none.
        if not self._line.ask(':TRAC:FILL:MODE? "defbuffer1"').upper().startswith(MARK):
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
        while self._fetched < count:
            rows += self._rows(self._fetched + 1, min(self._fetched + ROWS_PER_REQUEST, count))
        self._follow(bool(rows))
        running = state in RUNNING
        if not running and not self._aborted and count < self._planned.rows:
            raise self._gone(state)
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
        planned = [plan.rows, plan.first, plan.period, plan.lasts]
        stamp = None if self._offset is None else list(self._first_row)
        epoch = None if self._epoch is None else list(self._epoch)
        return {"stamp": stamp, "before": self._before, "epoch": epoch, "plan": planned}

    def resume(self, job: Job, step: Step, trace: Mapping[str, Any]) -> bool:
        """Take the measurement of a step that another session armed for one's own; False when it is not there.

        One that had no row when that session told of it is known by not being the one before.
        """
        if not trace:
            if not (self.is_begun(job.token) and self._is_set_to(step, job.limits)):
                self._line.settle(':TRAC:CLE "defbuffer1"')
                return False
            self._epoch, self._planned = None, self._plan_of(step, job.limits, lasts_of(step, job.longest))
        elif self.is_of(trace):
            self._epoch = None if trace["epoch"] is None else (*trace["epoch"],)
            self._planned = Plan((), *trace["plan"])
        else:
            return False
        self._limits, self._as_voltmeter = job.limits, is_rest(step)
        self._fetched, self._offset = 0, None
        self._asked_to_go, self._aborted, self._waiting = True, False, False
        self._went = self._clock.now()
        return True

    def is_of(self, trace: Mapping[str, Any]) -> bool:
        """Return whether what is in the buffer is what a session before told of."""
        stamp, known = self._stamp(), trace.get("stamp")
        if stamp is None or "plan" not in trace:
            return False
        return bool(stamp == known or (known is None and stamp != trace["before"]))

    def is_begun(self, token: str) -> bool:
        """Return whether a job's first step began: its buffer is there, and fills or holds rows."""
        if int(self._line.numbers(':TRAC:POIN? "defbuffer1"')[0]) != buffer_of(token):
            return False
        return bool(self._rows_in_buffer()) or self.trigger_state() in RUNNING

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

    def _stamp(self) -> list[float] | None:
        """Return when, by the instrument's clock, the first row of the buffer was taken; None without a row."""
        if not self._rows_in_buffer():
            return None
        return self._line.numbers(':TRAC:DATA? 1, 1, "defbuffer1", SEC, FRAC', 2)

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
            return swept(step, step.run, left, self.row_time)
        return timed(sampling_of(step, limits.charge_max), left, self.row_time)

    def _plan(self, plan: Plan) -> None:
        """Set a trigger model."""
        for group in plan.groups:
            self._line.settle(*group)
        self._planned = plan

    def _rows(self, first: int, last: int) -> Sequence[Reading]:
        offset = self._offset_of_buffer()
        values = self._line.numbers(
            f':TRAC:DATA? {first}, {last}, "defbuffer1", SOUR, READ, REL', 3 * (last - first + 1)
        )
        self._fetched = last
        voltage, current = (1, 0) if self._as_voltmeter else (0, 1)
        return [
            Reading(offset + row[2], row[voltage], row[current])
            for row in (values[start : start + 3] for start in range(0, len(values), 3))
        ]

    def _offset_of_buffer(self) -> float:
        """Return when [s] of the job the buffer's first row was taken, by the instrument's own clock."""
        if self._offset is None:
            self._first_row = (*self._line.numbers(':TRAC:DATA? 1, 1, "defbuffer1", SEC, FRAC', 2),)
            self._epoch = self._epoch or self._first_row
            self._offset = sum(late - early for late, early in zip(self._first_row, self._epoch, strict=True))
        return self._offset

    def trigger_state(self) -> str:
        """Return the state of the trigger model."""
        return self._line.ask(":TRIG:STAT?").partition(";")[0].strip().upper()

    def _rows_in_buffer(self) -> int:
        return int(self._line.numbers(':TRAC:ACT:END? "defbuffer1"')[0])

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
