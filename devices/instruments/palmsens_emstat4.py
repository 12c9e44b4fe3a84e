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

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Annotated, Any, ClassVar, TypeVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock, Poller
from devices.cycling.cycler import LONGEST_STEP, InstrumentAlarm, Job, Mark, Page, Record, RunStopped
from devices.cycling.ends import EndReason
from devices.cycling.programs import Program, Step
from devices.cycling.techniques import ConstantPower, ConstantResistance, VoltageRamp, setpoint_current
from devices.errors import InstrumentError, OutcomeUnknown, Timeout, WireError
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.checks import check_ranges
from devices.methodscript.compile import BYTES_OF_A_ROW, FILES, SETTLING, Script, compiled, file_of
from devices.methodscript.complaints import parse_complaint
from devices.methodscript.conversation import Conversation
from devices.methodscript.filing import read_back
from devices.methodscript.packages import parse_package
from devices.methodscript.reading import RunReader
from devices.methodscript.running import (
    MEASURE_VOLTAGE,
    OPEN_CELL,
    UNHEARD,
    VANISHED,
    Run,
    Skip,
    parts_of,
)
from devices.quantities import STRICT
from devices.wire import Sync, Wire

T = TypeVar("T")
log = logging.getLogger(__name__)

LISTENING = (0.1, 10.0)
"""Seconds between two looks at what the instrument sends, shortest and longest; a serial line keeps 4096 bytes."""

ROWS_AHEAD = 20
"""Rows that may wait between two looks; guess: 20 rows have about 1 kB."""

OUTPUT_BUFFER = 16384
"""Bytes that the instrument keeps until they are read; guess."""

PATIENCE = 2.0
"""How many times its longest silence a script may be silent before it is asked for, and so many seconds more."""

STOPPING = 5.0
"""Seconds within which an aborted script must have ended; guess."""

LEAST_ROOM = 86400 * BYTES_OF_A_ROW
"""Bytes that must be free for a script's file: a day of rows, one a second."""

ROOM_SHARE = 0.9
"""Part of what is free that a file may take; guess."""

IDENTIFYING = 10.0
"""Seconds for which a script that is taken over is listened to until it says whose it is; guess."""

ANOTHER = (
    "the script that is running is not that of {}, which somebody else must have stopped; nothing was changed. When it"
    " is over, what is in the file of this one can be collected"
)

IDENTITY = "es4_hr"


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
        self._lock = threading.RLock()
        self._line = Conversation(wire, clock, name, news=self._news, is_heard=self._is_heard)
        self._unsafe = False
        self._litter: deque[tuple[int, str]] = deque()
        self._run: Run | None = None
        self._script: tuple[Job, Script] | None = None
        self._last: Run | None = None
        self._records: deque[Record] = deque()
        self._first = 1
        self._rows = 0

    # What a program may ask for.

    def check(self, program: Program) -> None:
        """Refuse what the instrument cannot do. Raises LimitError, ProgramError."""
        check_ranges(program, EMSTAT4_HR, self.name)
        for nodes in parts_of(program):
            job = Job(program.name, nodes, program.limits, "", LONGEST_STEP)
            compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD)

    def remarks(self, program: Program) -> tuple[str, ...]:
        """Return what this instrument does otherwise than the program says."""
        runs = [step.run for step in program.leaves()]
        said = ["ends and limits are judged at samples: 1 s apart at most, 1 ms where the voltage moves fast"]
        silence = self._longest_silence(program)
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
        if any(isinstance(run, ConstantPower | ConstantResistance) for run in runs):
            said.append("constant power and resistance: the current is set anew at every sample")
        if any(isinstance(run, VoltageRamp) for run in runs):
            said.append(
                f"voltage ramps are staircases, in steps of {1e3 * EMSTAT4_HR.voltage_step:g} mV or more"
            )
        return tuple(said)

    def _longest_silence(self, program: Program) -> float:
        """Return for how long [s] nobody may listen until rows are lost."""
        jobs = (Job(program.name, nodes, program.limits, "", LONGEST_STEP) for nodes in parts_of(program))
        fastest = min(compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD).fastest for job in jobs)
        return OUTPUT_BUFFER / BYTES_OF_A_ROW * fastest

    def range_of(self, step: Step) -> int:
        """Return the place of a step's current range in the instrument's; -1 at rest and where it is chosen."""
        amperes = setpoint_current(step.run)
        if not amperes:
            return -1
        return EMSTAT4_HR.current_ranges.index(EMSTAT4_HR.range_for(amperes))

    # What it is and does.

    def identify(self) -> str:
        """Return firmware and serial number; InstrumentError when it is not an EmStat4 HR."""
        return self._do(self._identify)

    def read_busy(self) -> int:
        """Return 1 while a script runs, whoever started it."""
        return self._do(self._read_busy)

    def read_cell(self) -> float:
        """Return the voltage [V] of what is on the idle leads, without a current; NaN: no reading."""
        return self._do(self._read_cell)

    def upload(self, job: Job) -> None:
        """Write the job's script; the instrument takes it with the start.

        Raises LimitError, ProgramError, InstrumentError when its storage is full.
        """
        if self._last is not None and self._last.token == job.token:
            return
        room = self._do(self._room)
        self._script = (job, compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD, room))

    def start(self, token: str) -> int:
        """Send the script, once; return the number of its first record, for the same token the same.

        Raises InstrumentError when it is refused, Timeout when it did not arrive (nothing runs), OutcomeUnknown when
        nobody says; the same token again then asks first, and sends the script only where nothing runs.
        """
        return self._do(lambda: self._start(token))

    def stop(self) -> bool:
        """Abort the script, whoever started it, and open the cell; return whether one was running."""
        return self._do(self._stop)

    def leave(self) -> None:
        """Change nothing: the instrument runs its script by itself."""

    def keeps(self, token: str, trace: Mapping[str, Any]) -> bool:
        """Return whether a script runs, whose name nobody can ask, or the file of a job is there."""
        return self._do(lambda: self._line.is_running() or self._has_file(file_of(token)))

    def trace(self) -> Mapping[str, Any]:
        """Return what a later session needs to know of the job that was started last."""
        last = self._last
        if last is None:
            return {}
        return {"rows": last.rows, "began": self.clock.time() - (self.clock.now() - last.began)}

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with a job of an earlier session, from its file; see Cycler."""
        return self._do(lambda: self._adopt(job, mark))

    def delete_files(self) -> int:
        """Delete what scripts of earlier sessions kept on the idle instrument; return how many files there were."""
        return self._do(self._delete_files)

    def safe(self) -> None:
        """Open the cell."""
        self.stop()

    def records(self, since: int, most: int) -> Page:
        """Return at most `most` records from number `since` on; those before are the caller's and may go."""
        return self._do(lambda: self._page(since, most))

    def _do(self, action: Callable[[], T]) -> T:
        """Act where wires may be touched, one at a time."""

        def alone() -> T:
            with self._lock:
                return action()

        return self.clock.call(alone)

    def _identify(self) -> str:
        words = [self._line.answer("t")]
        while not words[-1].endswith("*"):
            words.append(self._line.reply(""))
        firmware = " ".join(words)[1:].rstrip("*").strip()
        if not firmware.startswith(IDENTITY):
            raise InstrumentError(self.name, "identity", f"{firmware!r} is not an EmStat4 HR")
        return f"PalmSens EmStat4 HR {self._line.answer('i')[1:]}, firmware {firmware}"

    def _read_busy(self) -> int:
        self._look()
        return 1 if self._run is not None and not self._run.doubtful else int(self._line.is_running())

    def _read_cell(self) -> float:
        said = self._line.execute(MEASURE_VOLTAGE)
        packages = [line for line in said if line.startswith("P")]
        return parse_package(packages[-1])[0].number if packages else math.nan

    # Start and stop.

    def _start(self, token: str) -> int:
        last = self._last
        if last is not None and last.token == token:
            if not last.doubtful or self._is_found(last):
                return last.first
            self._forget(last)
        if self._script is None or self._script[0].token != token:
            raise InstrumentError(self.name, "not_uploaded", f"{token} is not what was uploaded last")
        if self._read_busy():
            raise InstrumentError(self.name, "busy", "a script runs already; nothing was started")
        script, now = self._script[1], self.clock.now()
        first = self._first + len(self._records)
        if last is not None and last.token == token and last.doubtful:
            self._records.append(InstrumentAlarm("started_again", UNHEARD))
        reader = RunReader(script, self._next_row)
        run = self._run = self._last = Run(token, reader, now, now, first, self._rows)
        try:
            reply = self._line.ask(script.request, "e")
        except WireError as lost:
            self._find(run, lost)
        else:
            complaint = parse_complaint(reply)
            if complaint is not None:
                self._run = self._last = None
                raise self._line.complain(complaint, script.lines)
        self.clock.spawn(self.wire.lane, self._keep_listening(run), self._poller_failed)
        return first

    def _is_found(self, run: Run) -> bool:
        """Return whether a script of which nobody knew runs or ran. Raises OutcomeUnknown."""
        try:
            self._look()
            found = run.reader.started or self._line.is_running() or run.reader.started
            was_there = not found and self._has_file(run.reader.script.file)
        except WireError as lost:
            raise self._unknown(run) from lost
        if found or was_there:
            run.doubtful = False
            if was_there:
                run.reader.vanish(*VANISHED[True])
            self.clock.spawn(self.wire.lane, self._keep_listening(run), self._poller_failed)
        return found or was_there

    def _forget(self, run: Run) -> None:
        if self._run is run:
            self._run = None

    def _find(self, run: Run, lost: WireError) -> None:
        """Return when the script runs; one that does not is known so while it would still wait."""
        while self.clock.now() < run.began + SETTLING:
            try:
                running = self._line.is_running() or run.reader.started
            except WireError:
                self._line.rest()
                continue
            if running:
                return
            if self.clock.now() < run.began + SETTLING:
                self._run = self._last = None
                raise Timeout(
                    f"{self.name}: the script did not reach the instrument, or was refused; nothing runs and the"
                    " cell is open, start again"
                ) from lost
        run.doubtful = True
        raise self._unknown(run) from lost

    def _unknown(self, run: Run) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self.name}: the script of {run.token} was sent and its reply lost; it may be running under its own"
            " limits. Start it with the same token when the instrument answers again: that asks first; or make it safe"
        )

    def _stop(self) -> bool:
        run, self._script = self._run, None
        if run is not None:
            run.reader.stopping = True
        was_running = self._line.abort()
        if was_running:
            self._wait_for_end(run)
        else:
            self._line.rest()
            self._line.hear(0.0)
            if self._run is not None:
                self._give_up(self._run)
        if run is not None:
            run.doubtful = False
        self._open_idle()
        return was_running

    def _wait_for_end(self, run: Run | None) -> None:
        """Hear an aborted script out; what one that is not ours says is not kept. Raises Timeout."""
        until = self.clock.now() + STOPPING
        while self.clock.now() < until:
            over = (
                run.reader.over or run.reader.awaits_file if run is not None else not self._line.is_running()
            )
            if over:
                return
            self._line.hear(until - self.clock.now())
        raise Timeout(
            f"{self.name}: the script was aborted and does not end; the cell may be on, stop it again"
        )

    # Listening.

    def _keep_listening(self, run: Run) -> Poller:
        while self._run is run:
            yield run.reader.script.period
            try:
                self._do(self._look)
            except (WireError, InstrumentError) as error:
                log.info("%s: %s; it is listened to again", self.name, error)

    def _poller_failed(self, error: Exception) -> None:
        log.error("%s is no longer listened to between questions: %s", self.name, error)

    def _page(self, since: int, most: int) -> Page:
        while self._records and self._first < since:
            self._records.popleft()
            self._first += 1
        if since < self._first:
            raise InstrumentError(
                self.name, "records", f"record {since} was asked for, the oldest left is {self._first}"
            )
        self._look()
        try:
            self._clear_acknowledged()
        except WireError as error:
            log.info("%s: %s; the file is deleted later", self.name, error)
        start = since - self._first
        return Page(
            since, tuple(islice(self._records, start, start + most)), self._first + len(self._records)
        )

    def _look(self) -> None:
        """Hear what is there; when a script is silent for too long, ask whether it still runs."""
        run = self._run
        try:
            self._line.hear(0.0)
            if run is not None and self._run is run:
                self._look_after(run)
            if self._unsafe and self._run is None:
                self._open_idle()
        except WireError:
            if run is not None:
                run.suspect = True
            raise

    def _look_after(self, run: Run) -> None:
        reader = run.reader
        if reader.is_foreign and run.skips is not None:
            self._disown(run)
        elif reader.is_broken and not reader.awaits_file:
            self._stop()
        elif not reader.awaits_file and self._is_overdue(run):
            if self._line.is_running():
                run.heard, run.suspect = self.clock.now(), False
            elif self._run is run:
                self._give_up(run)
        if self._run is run and reader.awaits_file:
            if self._unsafe:
                self._open_idle()
            self._read_file(run)

    def _open_idle(self) -> None:
        self._line.execute(OPEN_CELL)
        self._unsafe = False

    def _is_overdue(self, run: Run) -> bool:
        silent = self.clock.now() - run.heard
        if run.doubtful:
            return False
        return run.suspect or silent > PATIENCE * run.reader.script.silence + PATIENCE

    def _give_up(self, run: Run) -> None:
        """Hear that a run is over which was not heard to end: its file tells how, or else what time it had."""
        why, cause = VANISHED[run.suspect]
        self._unsafe = True
        if run.doubtful:
            self._run = None
        elif run.reader.script.file:
            run.reader.vanish(why, cause)
        else:
            ended = run.reader.ended_unheard(self.clock.now() - run.began) if run.suspect else []
            self._book(run, ended or run.reader.lost(why, cause))

    def _disown(self, run: Run) -> None:
        """Be done with a run that another's script was taken for: it goes on, and the file of this one stays."""
        self._run = None
        text = ANOTHER.format(run.token)
        self._records.extend(
            [InstrumentAlarm("another_script", text), RunStopped(text, EndReason.INSTRUMENT_ERROR)]
        )

    def _read_file(self, run: Run) -> None:
        """Book what a script that is over kept on the instrument. Raises WireError."""
        was_read = read_back(self._line, run.reader, lambda records: self._book(run, records))
        self._book(run, run.reader.concluded(self.clock.now() - run.began, was_read=was_read))

    def _book(self, run: Run, records: Iterable[Record]) -> None:
        """Keep what is new; the run is over with its last record."""
        self._records.extend(records if run.skips is None else run.skips.new(records))
        if run.reader.over and self._run is run:
            self._run, self._unsafe = None, self._unsafe or run.reader.unsafe
            if run.reader.script.file:
                self._litter.append((self._first + len(self._records), run.reader.script.file))

    def _next_row(self) -> int:
        self._rows += 1
        return self._rows

    def _news(self, line: str) -> None:
        """Take a line of the script that runs."""
        run = self._run
        if run is not None:
            run.heard = self.clock.now()
            self._book(run, run.reader.feed(line, run.heard - run.began))
            self._unsafe = self._unsafe or run.reader.unsafe

    def _is_heard(self) -> bool:
        return self._run is not None and self._run.reader.started

    # Files.

    def _room(self) -> int | None:
        """Return the bytes that a script's file may have, None where there are no files.

        Raises InstrumentError when there are too few.
        """
        if self._run is not None:
            raise InstrumentError(self.name, "busy", "a script runs already; nothing was prepared")
        self._clear_acknowledged()
        free = self._line.free()
        if free is not None and free < LEAST_ROOM:
            kept = [each.path for each in self._line.files() if each.path.startswith(FILES)]
            raise InstrumentError(
                self.name,
                "storage",
                f"{free} bytes are free on the instrument, and a day of rows needs {LEAST_ROOM}; it keeps"
                f" {len(kept)} files of earlier sessions. Take their jobs over, or delete_files()",
            )
        return None if free is None else int(ROOM_SHARE * free)

    def _clear_acknowledged(self) -> None:
        """Delete the files of scripts whose last record was acknowledged."""
        while self._litter and self._litter[0][0] <= self._first and self._run is None:
            with suppress(InstrumentError):  # it is gone already
                self._line.delete(self._litter[0][1])
            self._litter.popleft()

    def _has_file(self, path: str) -> bool:
        return bool(path) and path in [each.path for each in self._line.files()]

    def _delete_files(self) -> int:
        kept = [each.path for each in self._line.files() if each.path.startswith(FILES)]
        for path in kept:
            self._line.delete(path)
        return len(kept)

    # What another session left.

    def _adopt(self, job: Job, mark: Mark) -> int:
        first = self._first + len(self._records)
        if mark.over:
            self._rows = max(self._rows, mark.row)
            return first
        running = self._line.is_running()
        script = compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD, 0)
        if not running and not self._has_file(script.file):
            raise InstrumentError(
                self.name, "gone", f"{job.token} does not run, and there is no file of it on the instrument"
            )
        now, began = self.clock.now(), self.clock.now()
        self._rows = mark.row
        if mark.elements:
            self._rows = int(mark.trace["rows"])
            began = now - (self.clock.time() - float(mark.trace["began"]))
        skips = Skip(mark.elements, mark.row if mark.row > self._rows else 0)
        reader = RunReader(script, self._next_row)
        reader.started = True
        reader.hold()
        run = self._run = self._last = Run(job.token, reader, began, now, first, self._rows, skips=skips)
        if not running:
            reader.vanish(*VANISHED[True])
        self._refuse_another(run)
        self.clock.spawn(self.wire.lane, self._keep_listening(run), self._poller_failed)
        return first

    def _refuse_another(self, run: Run) -> None:
        """Hear whose script is running, where it says so in time. Raises InstrumentError for another's."""
        until = self.clock.now() + IDENTIFYING
        while not (run.reader.is_known or run.reader.awaits_file) and self.clock.now() < until:
            self._line.hear(until - self.clock.now())
            if run.reader.is_foreign:
                self._run = self._last = None
                raise InstrumentError(self.name, "another_script", ANOTHER.format(run.token))
