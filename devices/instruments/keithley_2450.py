"""Keithley 2450 or 2461 SourceMeter as a battery cycler (SCPI; raw socket, VISA or serial).

Control: output, trigger model (start, abort); programs, which the host steps.
Get:     identity, command language, output, trigger state, error queue, buffer.
Measure: voltage and current, by the instrument itself into its buffer, on the grid of its own timer.
Set:     source voltage up to +-20 V, current limit up to 1 A, over-voltage protection.

A constant current is the limit of a voltage source that is set to the step's end voltage (or the cell's limit):
the instrument rides the limit until the voltage is reached, then holds it, and never exceeds either. A hold is
the same source with the cell's largest current as its limit. A rest is a source of 0 A with the output on, read
as a voltmeter. A voltage ramp is the staircase of the instrument's own sweep, sampled in the middle of each stair. The
sense is 4-wire, readback is on, and the output when off is of high impedance: the cell is disconnected.

A lost host: the trigger model of the step under way measures on and switches the output off by itself at the
step's duration (the station's longest step where it has none), at the end of its sweep, or when the buffer
holds BUFFER_ROWS rows, whichever is first. Until then the cell stays inside its limits, at the voltage of the
step's end if that was reached. No further step begins; the same when the host's process lives and nobody asked it
for rows for HOST_LAPSE seconds. A power-up is known by the buffer's filling mode, which is asked once everything of a
step is set: what was set goes with the power, and a trigger model without blocks does not start.

Safe is: trigger model aborted, output off and of high impedance. After a power-up the instrument's own off state
is a source of 0 V that discharges the cell until this driver has spoken to it: keep HIMP in its power-on setup.

Every group of settings is one line that ends with SYST:ERR?, so its reply acknowledges all of it; a lost group
is sent again. Sources: Model 2450 reference manual 2450-901-01 Rev. B (September 2013) and 2461-901-01, section
6; specifications SPEC-2450 Rev. A; the vendor's battery examples (quick start guide; github tektronix/keithley).
`TRIG:LOAD "Empty"` is as later firmware has it (Rev. B: TRIG:LOAD:EMPT).

Not yet seen on hardware: everything; above all that settings, ABOR and SYST:ERR? may share a line, that ABOR
leaves the buffer whole, that a WAIT block passes an event that came while a row was measured, that a row takes two
apertures and its current is that of their end, that a trigger model of ours may walk through a sweep's list of levels
(SWEEP_LIST), the reply of TRAC:ACT:END? on an empty buffer (taken as 0) and that REL counts from the buffer's first
row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock
from devices.cycling.cycler import Job, Mark, Page
from devices.cycling.host_cycler import HASTE, HostCycler
from devices.cycling.host_flight import Fetched
from devices.cycling.host_run import Meter, Reading
from devices.cycling.presence import HOST_LAPSE
from devices.cycling.programs import CellLimits, Program, Step
from devices.cycling.techniques import ConstantVoltage, VoltageRamp
from devices.cycling.verdict import drive_of, is_rest
from devices.errors import Garbled, InstrumentError, LimitError
from devices.quantities import STRICT, Unit
from devices.sourcemeter.abilities import (
    BUFFER_ROWS,
    CURRENT_RANGES,
    LEAST_CURRENT,
    LEAST_PERIOD,
    NOISE_SHARE,
    OFFSETS,
    POWER_LINE,
    PROTECTION_MARGIN,
    PROTECTIONS,
    RAIL_SHARE,
    VOLTAGE_ERROR,
    VOLTAGE_NOISE,
    VOLTAGE_RANGE,
    buffer_of,
    check_step,
    lasts_of,
    levels_of,
    place,
    protection,
    sampling_of,
    stairs_remark,
)
from devices.sourcemeter.dialect import LINE, MAKER, error, identity, numbers, printable, text
from devices.sourcemeter.line import Line
from devices.sourcemeter.remarks import remarks_on
from devices.sourcemeter.settings import prepared, source, voltmeter
from devices.sourcemeter.trigger import NOTHING, Plan, swept, timed
from devices.wire import Sync, Wire

DISCONNECTED = (":OUTP:VOLT:SMOD HIMP", ":OUTP:CURR:SMOD HIMP")
"""Without these the output, when off, is a source of 0 V: a cell would be discharged by it."""

SETTLE = 0.01
"""Seconds after which a row that was measured can be fetched; guess."""

LONGEST_PERIOD = 60.0
"""Seconds after which the instrument is looked after even if no row is due."""

ROWS_PER_REQUEST = 200
"""Rows fetched at once: 14 kB, far within a wire's deadline on a LAN."""

RUNNING = frozenset({"RUNNING", "WAITING", "ABORTING"})
MARK = "ONCE"
"""How the buffer fills in a job, and CONT after a power-up: asked before a step begins, it tells of one."""

SAME = 1e-3
"""Volts by which a source may read otherwise than it was set: its resolution is 0.5 mV."""

POWER_ON = 128
"""Bit of *ESR? that a power-up sets [IEEE 488.2]."""


class Keithley2450(Instrument):
    """One SourceMeter with one cell on it; `channel` is always 0."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Which model it is; the power line [Hz] decides how long a row takes."""

        model: Literal["2450", "2461"] = "2450"
        power_line: Annotated[float, Field(ge=50.0, le=60.0), Unit("Hz")] = POWER_LINE

    kind_name = "Keithley 2450"
    without_host = (
        f"instrument goes on with the step under way to its duration or {BUFFER_ROWS} rows and switches off; after"
        f" {HOST_LAPSE:g} s without a question for rows no further step begins"
    )
    haste = HASTE
    sync: ClassVar[Sync | None] = Sync(b"*IDN?\n", LINE, lambda reply: reply.startswith(MAKER))

    busy = Component(Quantity, get="read_busy", unit="1", precision=0, kind="normal")
    output = Component(Quantity, get="read_output", unit="1", precision=0, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        model: str = "2450",
        power_line: float = POWER_LINE,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.channel = 0
        self._line = Line(self.name, wire)
        self.model, self.row_time = model, 2.0 / power_line
        self._ranges = CURRENT_RANGES[model]
        self._limits: CellLimits | None = None
        self._flight = HostCycler(self, clock, name=name, lane=wire.lane)
        self._as_voltmeter = False
        self._planned, self._fetched = NOTHING, 0
        self._aborted = self._waiting = False
        self._asked_to_go = False
        self._went = 0.0
        self._epoch: tuple[float, ...] | None = None
        self._first_row: tuple[float, ...] = ()
        self._before: list[float] | None = None
        self._offset: float | None = None

    # Who it is, and what it is doing.

    def identify(self) -> str:
        """Return the instrument's own words; raises InstrumentError for another model or command language."""
        words = self.wire.ask(b"*IDN?\n", LINE, identity, repeat=True)
        if f"MODEL {self.model}" not in words.upper():
            raise InstrumentError(
                self.name, "model", f"{words} is not the {self.model} of the bench file; correct either"
            )
        language = self._line.ask("*LANG?")
        if language.upper() != "SCPI":
            raise InstrumentError(
                self.name,
                "language",
                f"the command set is {language}; set it to SCPI (send *LANG SCPI and switch it off and on)",
            )
        return words

    def read_busy(self) -> int:
        """Return 1 while a program is under way, the trigger model runs or the output is on."""
        return int(self._flight.flies or self._trigger_state() in RUNNING or bool(self.read_output()))

    def read_output(self) -> int:
        """Return 1 while the output is on."""
        return int(self._line.numbers("OUTP?")[0])

    def read_cell(self) -> float:
        """Return the voltage [V] on the leads without a current; NaN for an overflow. Refused while busy."""
        if self._flight.flies:
            raise InstrumentError(self.name, "busy", "a program is running; its rows have the voltage")
        return self.clock.call(self.look)

    # Programs.

    def check(self, program: Program) -> None:
        """Refuse what the instrument cannot do. Raises LimitError, ProgramError."""
        limits = program.limits
        for what, volts in (("voltage_min", limits.voltage_min), ("voltage_max", limits.voltage_max)):
            most = VOLTAGE_RANGE / PROTECTION_MARGIN
            if abs(volts) > most:
                raise LimitError(f"{self.name} limits.{what}", volts, "V", -most, most)
        if not LEAST_CURRENT <= limits.current_max <= self._ranges[-1]:
            raise LimitError(
                f"{self.name} limits.current_max", limits.current_max, "A", LEAST_CURRENT, self._ranges[-1]
            )
        for index, step in enumerate(program.leaves()):
            check_step(self.name, index, step, limits, self._ranges)

    def remarks(self, program: Program) -> tuple[str, ...]:
        """Return what this instrument does otherwise than the program says."""
        return remarks_on(program, self.model)

    def range_of(self, step: Step) -> int:
        """Return the place of the step's current range among the model's; -1 at rest."""
        if is_rest(step):
            return -1
        limits = self._limits
        most = abs(drive_of(step)) or (self._ranges[-1] if limits is None else limits.current_max)
        return place(most, self._ranges)

    def upload(self, job: Job) -> None:
        """Reset the instrument, set it up for cells, with the cell's limits; nothing flows yet."""
        self.clock.call(lambda: self._upload(job))

    def start(self, token: str) -> int:
        """Begin the first step, once; return the number of the first record, the same token the same number."""
        return self.clock.call(lambda: self._flight.start(token))

    def leave(self) -> None:
        """Hear that nobody will ask for records: the step under way goes on to its end, no other begins."""
        self.clock.call(self._flight.leave)

    def keeps(self, token: str, trace: Mapping[str, Any]) -> bool:
        """Return whether the rows of the step that was under way are in the buffer still, or those of an unheard start.

        A start is known by the size of its buffer.
        """
        return self.clock.call(
            lambda: self._is_of(trace) if trace.get("token") == token else self._is_begun(token)
        )

    def trace(self) -> Mapping[str, Any]:
        """Return what a later session needs to find the step under way."""
        return self._flight.trace()

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with the step under way of a job that an earlier session started, and then with its further steps."""
        return self.clock.call(lambda: self._flight.adopt(job, mark))

    def stop(self) -> bool:
        """Abort the trigger model and switch the output off; return whether a program was running."""
        return self.clock.call(self._flight.stop)

    def safe(self) -> None:
        """Abort the trigger model and switch the output off."""
        self.stop()

    def records(self, since: int, most: int) -> Page:
        """Return records from `since` on; those before are forgotten. Raises WireError on a silent link."""
        return self.clock.call(lambda: self._flight.records(since, most))

    # What the host's stepping asks of the instrument; every call may be repeated.

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
        if self._asked_to_go and (self._trigger_state() in RUNNING or self._rows_in_buffer()):
            return
        self._asked_to_go = True
        self._went, self._waiting = self.clock.now(), False
        self._line.settle(":INIT", repeat=False)

    def fetch(self) -> Fetched:
        """Return the new rows; InstrumentError when the instrument lost them or stopped by itself."""
        state = self._trigger_state()
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
        return min(max(due - self.clock.now(), LEAST_PERIOD), LONGEST_PERIOD)

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
            if not (self._is_begun(job.token) and self._is_set_to(step, job.limits)):
                self._line.settle(':TRAC:CLE "defbuffer1"')
                return False
            self._epoch, self._planned = None, self._plan_of(step, job.limits, lasts_of(step, job.longest))
        elif self._is_of(trace):
            self._epoch = None if trace["epoch"] is None else (*trace["epoch"],)
            self._planned = Plan((), *trace["plan"])
        else:
            return False
        self._limits, self._as_voltmeter = job.limits, is_rest(step)
        self._fetched, self._offset = 0, None
        self._asked_to_go, self._aborted, self._waiting = True, False, False
        self._went = self.clock.now()
        return True

    def _is_of(self, trace: Mapping[str, Any]) -> bool:
        """Return whether what is in the buffer is what a session before told of."""
        stamp, known = self._stamp(), trace.get("stamp")
        if stamp is None or "plan" not in trace:
            return False
        return bool(stamp == known or (known is None and stamp != trace["before"]))

    def _is_begun(self, token: str) -> bool:
        """Return whether a job's first step began: its buffer is there, and fills or holds rows."""
        if int(self._line.numbers(':TRAC:POIN? "defbuffer1"')[0]) != buffer_of(token):
            return False
        return bool(self._rows_in_buffer()) or self._trigger_state() in RUNNING

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

    # Lines.

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
        now = self.clock.now()
        if came and (self._waiting or now - self._went < self._due(self._fetched - 1)):
            self._went = now - self._due(self._fetched - 1)
        self._waiting = not came and now - self._went >= self._due(self._fetched)

    def _upload(self, job: Job) -> None:
        if not self._flight.upload(job):
            return
        limits = job.limits
        self.open()
        for group in prepared(limits, buffer_of(job.token)):
            self._line.settle(*group)
        for function in ("VOLT", "CURR"):
            if not self._line.ask(f":OUTP:{function}:SMOD?").upper().startswith("HIMP"):
                raise InstrumentError(
                    self.name, "output_off", "the output, when off, does not disconnect the cell"
                )
        self._limits, self._epoch = limits, None

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

    def _trigger_state(self) -> str:
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
            self.name,
            str(code or "trigger"),
            said if code else f"the trigger model is {state} before its last row; its output may be on",
        )

    def _restarted(self) -> InstrumentError:
        return InstrumentError(
            self.name,
            "restarted",
            "it was switched off and on; its output is off, its settings and rows not fetched are lost",
        )
