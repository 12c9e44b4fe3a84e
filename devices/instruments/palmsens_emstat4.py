"""PalmSens EmStat4 HR, spoken to in MethodSCRIPT: a job becomes one script, which the instrument runs by itself.

Control: upload (the script is written here, nothing is sent), start (`e`, the script, an empty line), stop (`Z`,
         which runs what stands under the script's `on_finished:`).
Get:     firmware and serial number (`t`, `i`), busy, records (element begins, row, frequency, element ended,
         stopped, alarm).
Measure: voltage and current of a running script, impedance, the voltage of an idle cell.
Set:     programs within +-6 V and +-200 mA, spectra from 1 mHz to 200 kHz; every end and the cell's limits are
         judged by the script itself, at each of its samples (devices.methodscript).

The instrument streams while a script runs; a poller of this driver listens, so that nothing is lost in buffers
that are too small. All packages are numbered: what is missing shows as an alarm `rows_gap`, what comes twice is
left out. There is no thermometer: temperatures are NaN.

Is a script running? Nothing asks for it without a side effect, so an empty script is offered: `e` and an empty
line. It runs (nothing was), is refused with 0006 (something is), or completes a script that arrived in part, which
the `e` in its middle makes one that cannot run. A script keeps the cell open for its first three seconds: whether
one whose reply was lost runs is known before it acts; after a longer silence in which nothing of it was heard, one
that does not run is taken as never begun. The instrument cannot notice that its host is gone. After an error in a run
it leaves the cell as it is [MethodSCRIPT manual 10.1]: this driver opens it as soon as it hears of the error.

Sources: PalmSens/MethodSCRIPT_Examples and labmcp-palmsens 0.1.3, which cites the MethodSCRIPT manual v1.8 and the
EmStat4 communication protocol v1.3. 921600 baud, 8N1. Not yet seen on hardware: everything; above all that `e` is
answered by 0006 during a run, and that positive current charges.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Annotated, Any, ClassVar, TypeVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass as pydantic_dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock, Poller
from devices.cycler import LONGEST_STEP, InstrumentAlarm, Job, Page, Record
from devices.errors import InstrumentError, OutcomeUnknown, Timeout, WireError
from devices.methodscript.abilities import EMSTAT4_HR
from devices.methodscript.checks import check_ranges
from devices.methodscript.compile import SETTLING, Script, compiled
from devices.methodscript.complaints import WRONG_MODE, Complaint, parse_complaint
from devices.methodscript.packages import parse_package
from devices.methodscript.reading import RunReader
from devices.methodscript.running import (
    MEASURE_VOLTAGE,
    OPEN_CELL,
    UNHEARD,
    VANISHED,
    Run,
    SmallScript,
    parts_of,
)
from devices.methodscript.stream import Lines, is_news
from devices.programs import Program, Step
from devices.quantities import STRICT
from devices.techniques import ConstantPower, ConstantResistance, VoltageRamp, setpoint_current
from devices.wire import Sync, Wire

T = TypeVar("T")
log = logging.getLogger(__name__)

LISTENING = (0.1, 10.0)
"""Seconds between two looks at what the instrument sends, shortest and longest; a serial line keeps 4096 bytes."""

ROWS_AHEAD = 20
"""Rows that may wait between two looks; guess: 20 rows have about 1 kB."""

OUTPUT_BUFFER, BYTES_OF_A_ROW = 16384, 64
"""Bytes that the instrument keeps until they are read (guess), and of a row's package: 11 a value and its status."""

PATIENCE = 2.0
"""How many times its longest silence a script may be silent before it is asked for, and so many seconds more."""

AFTER_ERROR = 0.1
"""Seconds that the instrument is left alone after an error; it does not listen for 50 ms [PalmSens's example]."""

STOPPING = 5.0
"""Seconds within which an aborted script must have ended; guess."""

SLICE = 0.1
"""Seconds of one look while something is awaited."""

TRIES = 3

IDENTITY = "es4_hr"


class EmStat4(Instrument):
    """An EmStat4 HR; it has one channel, 0."""

    @pydantic_dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Its one channel."""

        channel: Annotated[int, Field(ge=0, le=0)] = 0

    kind_name = "PalmSens EmStat4 HR"
    without_host = "instrument goes on to the end of its script, rows beyond its output buffer are lost"
    sync: ClassVar[Sync | None] = None  # tell() and listen() alone are used, and replies name their command

    busy = Component(Quantity, get="read_busy", unit="1", precision=0, kind="normal")

    def __init__(self, wire: Wire, clock: Clock, *, name: str, channel: int = 0, **kwargs: Any) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.channel = channel
        self._lock = threading.RLock()
        self._lines = Lines()
        self._replies: deque[str] = deque()
        self._small = SmallScript()
        self._late = self._unsafe = False
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
                f"rows of a silence of the link beyond {silence:.3g} s are lost, which is said: its output buffer has"
                f" {OUTPUT_BUFFER} bytes (guess)"
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
        """Write the job's script; the instrument takes it with the start. Raises LimitError, ProgramError."""
        if self._last is not None and self._last.token == job.token:
            return
        self._script = (job, compiled(job, EMSTAT4_HR, LISTENING, ROWS_AHEAD))

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
        words = [self._answer("t")]
        while not words[-1].endswith("*"):
            words.append(self._reply(""))
        firmware = " ".join(words)[1:].rstrip("*").strip()
        if not firmware.startswith(IDENTITY):
            raise InstrumentError(self.name, "identity", f"{firmware!r} is not an EmStat4 HR")
        return f"PalmSens EmStat4 HR {self._answer('i')[1:]}, firmware {firmware}"

    def _read_busy(self) -> int:
        self._look()
        return 1 if self._run is not None and not self._run.doubtful else int(self._is_running())

    def _read_cell(self) -> float:
        said = self._execute(MEASURE_VOLTAGE)
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
        run = self._run = self._last = Run(token, RunReader(script, self._next_row), now, now, first)
        try:
            reply = self._ask(script.request, "e")
        except WireError as lost:
            self._find(run, lost)
        else:
            complaint = parse_complaint(reply)
            if complaint is not None:
                self._run = self._last = None
                raise self._complain(complaint, script.lines)
        self.clock.spawn(self.wire.lane, self._keep_listening(run), self._poller_failed)
        return first

    def _is_found(self, run: Run) -> bool:
        """Return whether a script of which nobody knew runs or ran. Raises OutcomeUnknown."""
        try:
            self._look()
            found = run.reader.started or self._is_running() or run.reader.started
        except WireError as lost:
            raise self._unknown(run) from lost
        if found:
            run.doubtful = False
            self.clock.spawn(self.wire.lane, self._keep_listening(run), self._poller_failed)
        return found

    def _forget(self, run: Run) -> None:
        if self._run is run:
            self._run = None

    def _find(self, run: Run, lost: WireError) -> None:
        """Return when the script runs; one that does not is known so while it would still wait."""
        while (left := run.began + SETTLING - self.clock.now()) > 0.0:
            try:
                running = self._is_running() or run.reader.started
            except WireError:
                self.clock.sleep(min(AFTER_ERROR, left), self.wire.lane)
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
        was_running = parse_complaint(self._abort()) is None
        if was_running:
            self._wait_for_end(run)
        else:
            self.clock.sleep(AFTER_ERROR, self.wire.lane)
            self._hear(0.0)
            if self._run is not None:
                self._give_up(self._run)
        if run is not None:
            run.doubtful = False
        self._execute(OPEN_CELL)
        self._unsafe = False
        return was_running

    def _abort(self) -> str:
        """Send `Z` until it is answered; one that comes twice finds nothing to abort."""
        for _ in range(TRIES - 1):
            try:
                return self._ask(b"Z\n", "Z")
            except Timeout:
                self._is_running()  # ends a script that arrived in part, which would swallow a Z
        return self._ask(b"Z\n", "Z")

    def _wait_for_end(self, run: Run | None) -> None:
        """Hear an aborted script out; what one that is not ours says is not kept. Raises Timeout."""
        until = self.clock.now() + STOPPING
        while self.clock.now() < until:
            if self._run is None if run is not None else not self._is_running():
                return
            self._hear(until - self.clock.now())
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
        start = since - self._first
        return Page(
            since, tuple(islice(self._records, start, start + most)), self._first + len(self._records)
        )

    def _look(self) -> None:
        """Hear what is there; when a script is silent for too long, ask whether it still runs."""
        run = self._run
        try:
            self._hear(0.0)
            if run is not None and self._run is run and run.reader.is_broken:
                self._stop()
            if run is not None and self._run is run and self._is_overdue(run):
                if self._is_running():
                    run.heard, run.suspect = self.clock.now(), False
                elif self._run is run:
                    self._give_up(run)
            if self._unsafe and self._run is None:
                self._execute(OPEN_CELL)
                self._unsafe = False
        except WireError:
            if run is not None:
                run.suspect = True
            raise

    def _is_overdue(self, run: Run) -> bool:
        silent = self.clock.now() - run.heard
        if run.doubtful:
            return False
        return run.suspect or silent > PATIENCE * run.reader.script.silence + PATIENCE

    def _give_up(self, run: Run) -> None:
        """Book the end of a run that no longer runs and was not heard to end."""
        if not run.doubtful:
            ended = run.reader.ended_unheard(self.clock.now() - run.began) if run.suspect else []
            why, cause = VANISHED[run.suspect]
            self._records.extend(ended or run.reader.lost(why, cause))
        self._run, self._unsafe = None, True

    def _next_row(self) -> int:
        self._rows += 1
        return self._rows

    # Lines.

    def _hear(self, longest: float) -> None:
        for line in self._lines.feed(self.wire.listen(min(longest, SLICE))):
            self._take(line)

    def _take(self, line: str) -> None:
        """Give a line to whom it belongs: whoever asked, a small script under way, or the run."""
        run = self._run
        if not is_news(line):
            if line == "e" and self._small.expected:
                self._small.begins()
            self._replies.append(line)
        elif not self._small.takes(line) and run is not None:
            run.heard = self.clock.now()
            self._records.extend(run.reader.feed(line, run.heard - run.began))
            if run.reader.over:
                self._run, self._unsafe = None, run.reader.unsafe

    def _answer(self, command: str) -> str:
        reply = self._ask(f"{command}\n".encode(), command)
        complaint = parse_complaint(reply)
        if complaint is not None:
            raise self._complain(complaint, ())
        return reply

    def _ask(self, request: bytes, letter: str) -> str:
        """Send a request and return the reply that begins with its letter. Raises Timeout."""
        if self._late:
            self._hear(self.wire.deadline)
        self._replies.clear()
        self._late = True
        self.wire.tell(request)
        reply = self._reply(letter)
        self._late = False
        return reply

    def _reply(self, letter: str) -> str:
        until = self.clock.now() + self.wire.deadline
        while True:
            while self._replies:
                reply = self._replies.popleft()
                if reply.startswith(letter):
                    return reply
            left = until - self.clock.now()
            if left <= 0.0:
                raise Timeout(
                    f"{self.name}: no reply to {letter!r} in time; whether it was heard is unknown, the instrument is"
                    " asked again before anything depends on it"
                )
            self._hear(left)

    def _complain(self, complaint: Complaint, script: tuple[str, ...]) -> InstrumentError:
        self.clock.sleep(AFTER_ERROR, self.wire.lane)
        return InstrumentError(self.name, f"{complaint.code:04X}", complaint.words(script))

    # Small scripts of the idle instrument.

    def _is_running(self) -> bool:
        """Offer an empty script: it is refused when one runs, and ends one that arrived in part."""
        complaint = parse_complaint(self._begin(SmallScript(expected=True, empty=True), ()))
        if complaint is not None:
            self.clock.sleep(AFTER_ERROR, self.wire.lane)
            return complaint.code == WRONG_MODE
        until = self.clock.now() + self.wire.deadline
        while self._small.heard is None and self.clock.now() < until:
            if self._run is not None and self._run.reader.started and self._small.lines is None:
                return True  # that `e` was a late one: the run's own
            self._hear(until - self.clock.now())
        if self._small.heard is None:
            raise Timeout(f"{self.name}: an empty script did not end; whether one runs is unknown")
        return False

    def _execute(self, lines: tuple[str, ...]) -> list[str]:
        """Run a small script on the idle instrument and return what it sends."""
        complaint = parse_complaint(self._begin(SmallScript(expected=True), lines))
        if complaint is not None:
            raise self._complain(complaint, lines)
        until = self.clock.now() + self.wire.deadline
        while self._small.heard is None:
            left = until - self.clock.now()
            if left <= 0.0:
                raise Timeout(f"{self.name}: a script of {len(lines)} lines did not end in time")
            self._hear(left)
        complaint = parse_complaint(self._small.heard[-1])
        if complaint is not None:
            raise self._complain(complaint, lines)
        return self._small.heard

    def _begin(self, small: SmallScript, lines: tuple[str, ...]) -> str:
        self._small = small
        try:
            return self._ask("\n".join(("e", *lines, "", "")).encode(), "e")
        finally:
            small.expected = False
