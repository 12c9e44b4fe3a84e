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

A host that dies: steps fill two buffers in turn, and none is armed before the rows of the step before last are written
down. Whose job it is and which step each buffer holds stands in the instrument itself, in the counts of unused trigger
timers. So whoever takes over finds every row, and by them the step under way, at whatever instant the host died.

Safe is: trigger model aborted, output off and of high impedance. After a power-up the instrument's own off state
is a source of 0 V that discharges the cell until this driver has spoken to it: keep HIMP in its power-on setup.

Every group of settings is one line that ends with SYST:ERR?, so its reply acknowledges all of it; a lost group
is sent again. Sources: Model 2450 reference manual 2450-901-01 Rev. B (September 2013) and 2461-901-01, section
6; specifications SPEC-2450 Rev. A; the vendor's battery examples (quick start guide; github tektronix/keithley).
`TRIG:LOAD "Empty"` is as later firmware has it (Rev. B: TRIG:LOAD:EMPT).

Not yet seen on hardware: everything; above all that settings, ABOR and SYST:ERR? may share a line, that ABOR
leaves the buffer whole, that a WAIT block passes an event that came while a row was measured, that a row takes two
apertures and its current is that of their end, that a trigger model of ours may walk through a sweep's list of levels
(SWEEP_LIST), the reply of TRAC:ACT:END? on an empty buffer (taken as 0), that REL counts from the buffer's first
row, that a buffer is made and deleted for a look within its time, and that the counts of timers 2 to 4 stay as they are
set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock
from devices.cycling.cycler import Job, Mark, Page
from devices.cycling.host_cycler import HASTE, HostCycler
from devices.cycling.presence import HOST_LAPSE
from devices.cycling.programs import Program, Step
from devices.errors import InstrumentError, LimitError
from devices.quantities import STRICT, Unit
from devices.sourcemeter.abilities import (
    BUFFER_ROWS,
    CURRENT_RANGES,
    LEAST_CURRENT,
    POWER_LINE,
    PROTECTION_MARGIN,
    VOLTAGE_RANGE,
    check_step,
)
from devices.sourcemeter.dialect import LINE, MAKER, identity
from devices.sourcemeter.line import Line
from devices.sourcemeter.measurement import RUNNING, Measurement
from devices.sourcemeter.remarks import remarks_on
from devices.wire import Sync, Wire


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
        self._measurement = Measurement(self._line, clock, self.name, model, self.row_time)
        self._flight = HostCycler(self._measurement, clock, name=name, lane=wire.lane)

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
        return int(
            self._flight.flies or self._measurement.trigger_state() in RUNNING or bool(self.read_output())
        )

    def read_output(self) -> int:
        """Return 1 while the output is on."""
        return int(self._line.numbers("OUTP?")[0])

    def read_cell(self) -> float:
        """Return the voltage [V] on the leads without a current; NaN for an overflow. Refused while busy."""
        if self._flight.flies:
            raise InstrumentError(self.name, "busy", "a program is running; its rows have the voltage")
        return self.clock.call(self._measurement.look)

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
        return self._measurement.range_of(step)

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
        """Return whether the instrument's own notes are of this job, and its first step began where nobody heard so."""
        told = trace if trace.get("token") == token else {}
        return self.clock.call(lambda: self._measurement.keeps(token, told))

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

    def _upload(self, job: Job) -> None:
        if self._flight.upload(job):
            self._measurement.prepare(job)
