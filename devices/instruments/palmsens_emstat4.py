"""PalmSens EmStat4 HR, spoken to in MethodSCRIPT: a job becomes one script, which the instrument runs by itself.

Control: upload (the script is written here), start (`e`, the script, an empty line), stop (`Z`, which runs what
         stands under the script's `on_finished:`).
Get:     firmware and serial number (`t`, `i`), busy, records (element begins, row, frequency, element ended,
         stopped, alarm), free storage and files.
Measure: voltage and current of a running script, impedance, the voltage of an idle cell.
Set:     programs within +-6 V and +-200 mA, spectra from 1 mHz to 200 kHz; every end and the cell's limits are
         judged by the script itself, at each of its samples (devices.methodscript).

The instrument streams while a script runs; a poller of this driver listens. All packages are numbered, and a script
writes them into a file on the instrument, too: when one is missing, all from there on is read from the file as soon as
the script is over (an instrument gives no files while it runs one), so that each row comes once, in its order. The file
is deleted when its rows were acknowledged. An instrument without files reports what is missing as `rows_gap`. There is
no thermometer: temperatures are NaN.

A script keeps the cell open for its first three seconds: whether one whose reply was lost runs is known before it acts;
after a longer silence in which nothing of it was heard, one that does not run is taken as never begun. The instrument
cannot notice that its host is gone. After an error in a run it leaves the cell as it is [MethodSCRIPT manual 10.1]:
this driver opens it as soon as it hears of the error.

Sources: PalmSens/MethodSCRIPT_Examples, the documents of pypalmsens 1.11 and labmcp-palmsens 0.1.3, which cites the
MethodSCRIPT manual v1.8 and the EmStat4 communication protocol v1.3. 921600 baud, 8N1. Not yet seen on hardware:
everything; above all that `e` is answered by 0006 during a run, that positive current charges, and all of its files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock
from devices.cycling.cycler import LONGEST_STEP, Job, Mark, Page
from devices.cycling.programs import Program, Step
from devices.cycling.techniques import ConstantPower, ConstantResistance, VoltageRamp, setpoint_current
from devices.errors import InstrumentError
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.checks import check_ranges, looks, unseen
from devices.methodscript.compile import BYTES_OF_A_ROW, SETTLING, Script, compiled, file_of, parts_of
from devices.methodscript.packages import parse_package
from devices.methodscript.scripts import Scripts
from devices.methodscript.small import MEASURE_VOLTAGE
from devices.methodscript.watch import ScriptWatch
from devices.quantities import STRICT
from devices.wire import Sync, Wire

LISTENING = (0.1, 10.0)
"""Seconds between two looks at what the instrument sends, shortest and longest; a serial line keeps 4096 bytes."""

ROWS_AHEAD = 20
"""Rows that may wait between two looks; guess: 20 rows have about 1 kB."""

OUTPUT_BUFFER = 16384
"""Bytes that the instrument keeps until they are read; guess."""

IDENTITY = "es4_hr"


def script_of(job: Job, room: int | None = None) -> Script:
    """Return the script of a job whose file may have so many bytes; None: it has no file.

    Raises LimitError, ProgramError.
    """
    return compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD, room)


def scripts_of(program: Program) -> list[Script]:
    """Return the scripts that a program takes. Raises LimitError, ProgramError."""
    jobs = (Job(program.name, nodes, program.limits, "", LONGEST_STEP) for nodes in parts_of(program))
    return [script_of(job) for job in jobs]


class EmStat4(Instrument):
    """An EmStat4 HR; it has one channel, 0."""

    @pydantic_dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Its one channel."""

        channel: Annotated[int, Field(ge=0, le=0)] = 0

    kind_name = "PalmSens EmStat4 HR"
    without_host = "instrument goes on to the end of its script and keeps its rows in a file"
    haste = math.inf
    sync: ClassVar[Sync | None] = None  # tell() and listen() alone are used, and replies name their command

    busy = Component(Quantity, get="read_busy", unit="1", precision=0, kind="normal")

    def __init__(self, wire: Wire, clock: Clock, *, name: str, channel: int = 0, **kwargs: Any) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.channel = channel
        self._watch = ScriptWatch(wire, clock, name)
        self._scripts = Scripts(self._watch, clock, name)
        self._alone = self._watch.alone

    # What a program may ask for.

    def check(self, program: Program) -> None:
        """Refuse what the instrument cannot do. Raises LimitError, ProgramError."""
        check_ranges(program, EMSTAT4_HR, self.name)
        scripts_of(program)

    def remarks(self, program: Program) -> tuple[str, ...]:
        """Return what this instrument does otherwise than the program says."""
        runs = [step.run for step in program.leaves()]
        said = [
            "ends and limits are judged at samples: 1 s apart at most, 1 ms where the voltage moves fast",
            f"every script waits {SETTLING:g} s with the cell open first: so much longer does each start take",
        ]
        fastest = min(script.fastest for script in scripts_of(program))
        silence = OUTPUT_BUFFER / BYTES_OF_A_ROW * fastest
        if math.isfinite(silence):
            said.append(
                f"when the link was silent for more than {silence:.3g} s (its output buffer has {OUTPUT_BUFFER} bytes,"
                " a guess), rows are read from the instrument's file when the script is over, and shown then"
            )
        if program.on_host_loss == "open":
            said.append(
                "it cannot notice that its host is gone: a started script goes on to its end, whatever on_host_loss"
                " says"
            )
        for step in program.leaves():
            said += (*looks(step, EMSTAT4_HR), *unseen(step, program.limits))
        if any(isinstance(run, ConstantPower | ConstantResistance) for run in runs):
            said.append("constant power and resistance: the current is set anew at every sample")
        if any(isinstance(run, VoltageRamp) for run in runs):
            said.append(
                f"voltage ramps are staircases, in steps of {1e3 * EMSTAT4_HR.voltage_step:g} mV or more"
            )
        return tuple(dict.fromkeys(said))

    def range_of(self, step: Step) -> int:
        """Return the place of a step's current range in the instrument's; -1 at rest and where it is chosen."""
        amperes = setpoint_current(step.run)
        if not amperes:
            return -1
        return EMSTAT4_HR.current_ranges.index(EMSTAT4_HR.range_for(amperes))

    # What it is and does.

    def identify(self) -> str:
        """Return firmware and serial number; InstrumentError when it is not an EmStat4 HR."""
        return self._alone(self._identify)

    def read_busy(self) -> int:
        """Return 1 while a script runs, whoever started it."""
        return int(self._alone(self._watch.is_busy))

    def read_cell(self) -> float:
        """Return the voltage [V] of what is on the idle leads, without a current; NaN: no reading."""
        said = self._alone(lambda: self._watch.line.execute(MEASURE_VOLTAGE))
        packages = [line for line in said if line.startswith("P")]
        return parse_package(packages[-1])[0].number if packages else math.nan

    def upload(self, job: Job) -> None:
        """Write the job's script; the instrument takes it with the start.

        Raises LimitError, ProgramError, InstrumentError when its storage is full.
        """
        if not self._scripts.was_started(job.token):
            self._scripts.prepare(job.token, script_of(job, self._alone(self._scripts.room)))

    def start(self, token: str) -> int:
        """Send the script, once; return the number of its first record, for the same token the same.

        Raises InstrumentError when it is refused, Timeout when it did not arrive (nothing runs), OutcomeUnknown when
        nobody says; the same token again then asks first, and sends the script only where nothing runs.
        """
        return self._alone(lambda: self._scripts.start(token))

    def stop(self) -> bool:
        """Abort the script, whoever started it, and open the cell; return whether one was running."""
        return self._alone(self._scripts.stop)

    def leave(self) -> None:
        """Change nothing: the instrument runs its script by itself."""

    def keeps(self, token: str, trace: Mapping[str, Any]) -> bool:
        """Return whether a script runs, whose name nobody can ask, or the file of a job is there."""
        return self._alone(lambda: self._scripts.keeps(file_of(token)))

    def trace(self) -> Mapping[str, Any]:
        """Return what a later session needs to know of the job that was started last."""
        return self._scripts.trace()

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with a job of an earlier session, from its file; see Cycler."""
        if mark.over:
            return self._alone(lambda: self._scripts.number_from(mark.row))
        script = script_of(job, 0)
        return self._alone(lambda: self._scripts.adopt(job.token, script, mark))

    def delete_files(self) -> int:
        """Delete what scripts of earlier sessions kept on the idle instrument; return how many files there were."""
        return self._alone(self._watch.files.delete_all)

    def safe(self) -> None:
        """Open the cell."""
        self.stop()

    def records(self, since: int, most: int) -> Page:
        """Return at most `most` records from number `since` on; those before are the caller's and may go."""
        return self._alone(lambda: self._watch.page(since, most))

    def _identify(self) -> str:
        line = self._watch.line
        words = [line.answer("t")]
        while not words[-1].endswith("*"):
            words.append(line.reply(""))
        firmware = " ".join(words)[1:].rstrip("*").strip()
        if not firmware.startswith(IDENTITY):
            raise InstrumentError(self.name, "identity", f"{firmware!r} is not an EmStat4 HR")
        return f"PalmSens EmStat4 HR {line.answer('i')[1:]}, firmware {firmware}"
