"""A potentiostat channel as plans see it: prepare a program, start it once, collect its rows to the end.

The program runs on the instrument: nothing here keeps it alive, and a lost host, a pause or close() leave it
running (`on_host_loss = "keep"`, the default) or open the cell ("open"). Rows wait in the instrument's bridge
until they are fetched, so a lost link costs time and no rows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, cast

from ophyd.status import StatusBase
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import EVENT_COLUMNS, Instrument, Station
from devices.cells import CellSize
from devices.clock import Clock, Handle, Poller
from devices.contact import contact_fault
from devices.cycle_columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS
from devices.cycle_ends import EndReason
from devices.cycle_ledger import CycleLedger
from devices.cycler import (
    Cycler,
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    Record,
    RowTaken,
    RunStopped,
    SpectrumPoint,
)
from devices.errors import InterlockError, LabError, LimitError, OutcomeUnknown, ProgramError, WireError
from devices.limits import ChannelLimits
from devices.plausibility import plausibility
from devices.programs import Program
from devices.quantities import STRICT, Unit
from devices.roles import Bring, CellRecords, CycleJob, Flight, Hands
from devices.samples import SampleRef
from devices.sequence import Course, Part, Seen
from devices.techniques import setpoint_current

log = logging.getLogger(__name__)

HANDS_DEADLINE = 24 * 3600.0
"""Seconds a person may take to bring a cell."""

START_DEADLINE = 60.0
"""Seconds within which a start is acknowledged or known to be lost; some wire deadlines."""

RECORDS_PER_PAGE = 1000
"""Records asked for at once: about 60 kB, and 24 h at 1 Hz come in 87 pages."""

STOP_DEADLINE = 10.0
"""Seconds within which the instrument must say that it stopped; guess."""

STOP_PERIOD = 0.1
"""Seconds between questions whether it has."""

DECISION_PERIOD = 5.0
"""Seconds between questions where the host has to go on at the end of a part; the cell rests that long at most."""


@plain_dataclass
class _Run:
    """One flight: what was asked, where in it we are, and how it ended."""

    program: Program
    job: Job
    part: Part
    course: Course
    began: float
    deadline: float
    ledger: CycleLedger
    next_record: int | None = None
    part_number: int = 1
    part_over: bool = False
    passing_on: bool = False
    end_reason: str = "running"
    over: bool = False
    interrupted: bool = False
    stop_reason: str | None = None
    failure: Exception | None = None
    silent_since: float | None = None


@plain_dataclass(frozen=True)
class _Prepared:
    """What was uploaded and not yet started."""

    program: Program
    job: Job
    part: Part
    course: Course
    doubts: Sequence[str]


class PotentiostatStation(Station):
    """A potentiostat channel with a cell on it.

    Control: prepare(job), kickoff(), stop(), safe().
    Get: flight().
    Measure: streams `primary` (rows), `impedance`, `steps`, `cycles`, `events`.
    Set: change_times(times) of the loop that runs; programs hold every setpoint.
    """

    role = "Potentiostat"
    parts = ("channels",)

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """What the bench file says of a channel.

        poll_period [s] between questions for rows. longest_step [s] stands for durations that a program
        leaves open (default 30 days: C/500). longest_run [s] bounds the deadline of a whole run. patience [s]
        with a silent link before the run counts as failed; the instrument keeps the rows meanwhile.
        voltage_tolerance [V]: how far a cell may be from the rest voltage its record says (guess: a day's rest).
        """

        poll_period: Annotated[float, Field(gt=0, le=3600), Unit("s")] = 60.0
        longest_step: Annotated[float, Field(gt=0, le=3.2e7), Unit("s")] = 30 * 86400.0
        longest_run: Annotated[float, Field(gt=0, le=3.2e8), Unit("s")] = 3.2e7
        patience: Annotated[float, Field(gt=0, le=1e6), Unit("s")] = 3600.0
        voltage_tolerance: Annotated[float, Field(gt=0, le=10), Unit("V")] = 0.1

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: Parameters,
        limits: ChannelLimits,
        hands: Hands,
        records: CellRecords | None = None,
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self._cycler = cast(Cycler, instruments["channels"])
        self.parameters, self.limits = parameters, limits
        self._hands, self._records = hands, records
        self.add_stream("primary", PRIMARY_COLUMNS)
        self.add_stream("impedance", IMPEDANCE_COLUMNS)
        self.add_stream("steps", STEP_COLUMNS)
        self.add_stream("cycles", CYCLE_COLUMNS)
        self._events = self.add_stream("events", EVENT_COLUMNS)
        self._lock = threading.RLock()
        self._collecting = threading.RLock()
        self._prepared = 0
        self._uploaded: _Prepared | None = None
        self._run: _Run | None = None
        self._poller: Handle | None = None
        self._started: StatusBase | None = None
        self._completed: StatusBase | None = None

    @property
    def channel(self) -> int:
        """The channel it is, from 0."""
        return self._cycler.channel

    def check(self, program: Program) -> None:
        """Refuse a program beyond the channel's limits; nothing is sent. Raises LimitError, ProgramError."""
        low, high, most = self.limits.voltage_min, self.limits.voltage_max, self.limits.current
        for name, volts in (
            ("voltage_min", program.limits.voltage_min),
            ("voltage_max", program.limits.voltage_max),
        ):
            if not low <= volts <= high:
                raise LimitError(f"{self.name}: {program.name} limits.{name}", volts, "V", low, high)
        if program.limits.current_max > most:
            what = f"{self.name}: {program.name} limits.current_max"
            raise LimitError(what, program.limits.current_max, "A", 0.0, most)
        for index, step in enumerate(program.leaves()):
            where = f"{self.name}: {program.name} step {index}"
            asked = setpoint_current(step.run)
            if asked is not None and asked > most:
                raise LimitError(f"{where} |current|", asked, "A", 0.0, most)
            if step.temperature is not None:
                raise ProgramError(
                    f"{where} asks for {step.temperature:g} K, and this bench has no chamber; leave it out"
                )
        self._cycler.check(program)

    def prepare(self, job: CycleJob) -> StatusBase:
        """Check the program, have the cell wired, look at its voltage, upload; no current flows yet.

        The status fails with InterlockError when the channel is busy or the contact is not good.
        """
        self._refuse_while_running()
        self.check(job.program)
        self._uploaded = None
        self._prepared += 1
        token = f"{self.name}/{self.clock.time():.3f}/{self._prepared}"
        status = self.clock.status(f"prepare {self.name}", HANDS_DEADLINE)

        def bring() -> Poller:
            # Before hands are called: what runs on the channel must keep its cell.
            self._refuse_while_busy()
            brought = self._hands.set(Bring(job.sample, f"{self.name}/{self._cycler.channel}"))
            brought.add_callback(lambda _: self.clock.spawn(self.lane, upload(brought), fail))
            yield from ()

        def upload(brought: StatusBase) -> Poller:
            failure = brought.exception(timeout=0)
            if failure is not None:
                raise failure
            self._refuse_while_busy()
            self._look_at_the_cell(job.sample, job.program)
            course = Course(job.program)
            part = course.next(Seen())
            if part is None:
                raise ProgramError(f"{job.program.name} jumps past all its steps; nothing was uploaded")
            first = self._job(job.program, part, token)
            self._cycler.upload(first)
            doubts = plausibility(job.program, CellSize.of(job.sample))
            self._uploaded = _Prepared(job.program, first, part, course, doubts)
            status.set_finished()
            yield from ()

        def fail(error: Exception) -> None:
            if not status.done:
                status.set_exception(error)

        self.clock.spawn(self.lane, bring(), fail)
        return status

    def kickoff(self) -> StatusBase:
        """Start what was uploaded; the status finishes when the instrument has taken the start."""
        self._refuse_while_running()
        prepared, self._uploaded = self._uploaded, None
        if prepared is None:
            raise InterlockError(
                f"{self.name} prepared",
                "nothing is uploaded, nothing was started; a program starts once, prepare it",
            )
        ledger = CycleLedger(
            self.streams,
            limits=prepared.program.limits,
            began=self.clock.time(),
            longest_step=prepared.job.longest,
            range_of=self._cycler.range_of,
        )
        now = self.clock.now()
        deadline = now + self.parameters.longest_run + self.parameters.patience
        self._run = _Run(
            prepared.program, prepared.job, prepared.part, prepared.course, now, deadline, ledger
        )
        self._completed = None
        self._started = self.clock.status(f"start {self.name}", START_DEADLINE)
        for doubt in prepared.doubts:
            self._say(self._run, "doubt", "warning", doubt)
        self._poller = self.clock.spawn(self.lane, self._fly(self._run, self._started), self._fail)
        return self._started

    def change_times(self, times: int) -> int:
        """Let the counting loop that runs now run `times` passes in all; return how many it will be.

        The pass under way is finished; what was measured stays one history. Raises InterlockError when nothing
        runs, or no counting loop.
        """
        run = self._run
        if run is None or run.over:
            raise InterlockError(f"{self.name} running", "nothing runs; nothing was changed")
        self.clock.call(lambda: self._collect(run))
        with self._lock:
            passes = run.course.change_times(times)
            self._say(run, "times_changed", "info", f"the loop that runs ends after {passes} passes")
        return passes

    def complete(self) -> StatusBase:
        """Return a status that finishes when the program is over, however it ended: flight() tells how."""
        run = self._run
        if run is None:
            raise InterlockError(f"{self.name} started", "nothing was started, so nothing can be completed")
        with self._lock:
            if self._completed is None or self._completed.done:
                left = max(run.deadline - self.clock.now(), START_DEADLINE)
                self._completed = self.clock.status(f"complete {self.name}", left)
                self._settle(run)
            return self._completed

    def stop(self, *, success: bool = False) -> None:
        """End the flight as the program says: `keep` leaves the cell cycling and says so, `open` opens it."""
        self.clock.call(self._stop)

    def _stop(self) -> None:
        run = self._run
        if run is None or (run.over and run.failure is None):
            return
        keep = run.program.on_host_loss == "keep"
        if run.over:
            if not keep:
                self._open_after_failure(run)
        elif self._called_off(run, "stopped"):
            return
        elif keep:
            self._leave(run)
        else:
            self._open(run, "stopped")

    def renew_lease(self) -> None:
        """Do nothing: the program runs on the instrument, under its limits, without a keep-alive."""

    def flight(self) -> Flight:
        """Return how many step executions were planned and finished, and how it ended."""
        run = self._run
        if run is None:
            return Flight("never started", 0, 0, False)
        return Flight(run.end_reason, run.course.asked, run.ledger.done, run.interrupted)

    def safe(self) -> None:
        """Open the cell, whoever started what runs on it."""
        self.clock.call(self._make_safe)

    def _make_safe(self) -> None:
        run = self._run
        if run is None or run.over:
            self._cycler.stop()
        elif not self._called_off(run, "made safe"):
            self._open(run, "made safe")

    def close(self) -> None:
        """Stop looking; what was uploaded and started goes on, which the events and the log say."""
        self.clock.call(self._close)

    def _close(self) -> None:
        run = self._run
        if run is not None and not run.over and not self._called_off(run, "closed"):
            self._leave(run)

    def _refuse_while_running(self) -> None:
        if self._run is not None and not self._run.over:
            raise InterlockError(
                f"{self.name} idle",
                f"{self._run.program.name} is running; stop it first, nothing was sent",
            )

    def _look_at_the_cell(self, sample: SampleRef, program: Program) -> None:
        """Refuse to start on leads whose voltage at rest is not the cell's."""
        expected = None if self._records is None else self._records.rest_voltage(sample)
        fault = contact_fault(
            self._cycler.read_cell(), program.limits, expected, self.parameters.voltage_tolerance
        )
        if fault is not None:
            raise InterlockError(f"{self.name} contact", f"{fault}; nothing was uploaded, look at the leads")

    def _job(self, program: Program, part: Part, token: str) -> Job:
        return Job(program.name, part.nodes, program.limits, token, self.parameters.longest_step)

    def _refuse_while_busy(self) -> None:
        if self._cycler.read_busy():
            raise InterlockError(
                f"{self.name} idle",
                "an experiment is running on the channel, from an earlier session perhaps; nothing was"
                " uploaded, wait for its end or make the channel safe",
            )

    def _fly(self, run: _Run, started: StatusBase) -> Poller:
        with self._collecting:
            if run.over:
                return
            run.next_record = self._cycler.start(run.job.token)
            run.ledger.begin(run.part, 0.0)
        self._say(run, "started", "info", f"{run.program.name}, {run.course.asked} steps")
        for remark in self._cycler.remarks(run.program):
            self._say(run, "remark", "info", remark)
        if not started.done:
            started.set_finished()
        self._look(run)
        while not run.over:
            if not run.part_over:
                yield self._period(run)
                self._look(run)
                continue
            with self._lock:
                part = run.course.next(run.ledger.seen())
            if part is None:
                run.ledger.finish(None)
                self._say(run, "completed", "info", f"{run.ledger.done} steps")
                self._end(run, "completed", interrupted=False)
                return
            yield from self._pass_on(run, part)
            self._look(run)

    def _period(self, run: _Run) -> float:
        """Return how long to wait before the next look; short where the host has to go on afterwards."""
        period = self.parameters.poll_period
        return min(period, DECISION_PERIOD) if run.course.goes_on else period

    def _pass_on(self, run: _Run, part: Part) -> Poller:
        """Upload and start the next part; a silent link is borne for as long as patience says."""
        run.part_number += 1
        token = f"{run.job.token.partition('#')[0]}#{run.part_number}"
        run.job, run.part = self._job(run.program, part, token), part
        while not run.over:
            try:
                self._cycler.upload(run.job)
                with self._collecting:
                    if run.over:
                        return
                    run.next_record = self._cycler.start(run.job.token)
                    run.ledger.begin(part, self.clock.now() - run.began)
                    run.part_over = False
            except WireError as error:
                self._bear(run, error, "the cell is open until the next part begins")
                yield self._period(run)
            else:
                self._link_is_back(run)
                return

    def _look(self, run: _Run) -> None:
        """Collect; a silent link is borne for as long as patience says."""
        try:
            self._collect(run)
        except WireError as error:
            self._bear(run, error, "the instrument goes on and keeps the rows")
        else:
            self._link_is_back(run)

    def _bear(self, run: _Run, error: WireError, meanwhile: str) -> None:
        """Note that the link is silent; raise when it has been so for longer than patience says."""
        now = self.clock.now()
        if run.silent_since is None:
            run.silent_since = now
            self._say(run, "link_lost", "warning", f"{error}; {meanwhile}")
        if now - run.silent_since >= self.parameters.patience:
            raise error

    def _link_is_back(self, run: _Run) -> None:
        if run.silent_since is not None:
            silent, run.silent_since = self.clock.now() - run.silent_since, None
            self._say(run, "link_back", "info", f"after {silent:.0f} s; the rows of that time were fetched")

    def _collect(self, run: _Run) -> None:
        """Fetch and book everything there is; one caller at a time, since to ask on is to acknowledge."""
        with self._collecting:
            while not run.over and not run.part_over and run.next_record is not None:
                page = self._cycler.records(run.next_record, RECORDS_PER_PAGE)
                with self._lock:
                    for number, record in enumerate(page.records, page.first):
                        if not run.over:
                            self._book(run, record)
                            run.next_record = number + 1
                if page.first + len(page.records) >= page.next:
                    return

    def _book(self, run: _Run, record: Record) -> None:
        match record:
            case RowTaken():
                run.ledger.row(record)
            case SpectrumPoint():
                run.ledger.spectrum(record)
            case ElementBegan():
                run.ledger.element(record)
                if run.course.began() and not run.passing_on:
                    run.passing_on = True
                    self._cycler.stop()
            case ElementEnded():
                run.ledger.ended(record)
            case InstrumentAlarm():
                self._say(run, record.code, "alarm", record.text)
            case RunStopped():
                self._conclude(run, record)

    def _conclude(self, run: _Run, stopped: RunStopped) -> None:
        """Book the end of a part that the instrument tells of."""
        asked_for = run.stop_reason
        ours = EndReason.OPERATOR if asked_for is not None or run.passing_on else None
        cut = run.ledger.part_ended(stopped.cause or ours) if not run.passing_on else None
        if run.passing_on:
            run.ledger.part_ended(EndReason.OPERATOR)
            run.passing_on = False
        if asked_for is None and cut is None:
            run.part_over = True
            return
        run.ledger.finish(cut)
        if asked_for is not None:
            self._say(run, "stopped", "info", f"{asked_for}: {stopped.reason}; the cell is open")
            self._end(run, asked_for, interrupted=True)
        else:
            self._say(run, "safety", "alarm", f"{cut}: {stopped.reason}; the cell is open")
            self._end(run, f"{cut}: {stopped.reason}", interrupted=True)

    def _called_off(self, run: _Run, reason: str) -> bool:
        """End a flight whose start was not yet sent, or not yet answered; return whether that was so."""
        with self._collecting:
            if run.next_record is not None and not run.part_over:
                return False
            self._cycler.stop()
            where = "between two parts" if run.part_over else "before it ran"
            run.ledger.finish(EndReason.OPERATOR)
            self._say(run, "stopped", "info", f"{reason} {where}; the cell is open")
            self._end(run, f"{reason} {where}", interrupted=True)
            return True

    def _open(self, run: _Run, reason: str) -> None:
        """Open the cell first, then fetch what the instrument has to say of it."""
        with self._lock:
            run.stop_reason = reason
        self._cycler.stop()
        until = self.clock.now() + STOP_DEADLINE
        while not run.over and self.clock.now() < until:
            self._look(run)
            if not run.over:
                self.clock.sleep(STOP_PERIOD, self.lane)
        with self._lock:
            if not run.over:
                run.ledger.finish(EndReason.OPERATOR)
                self._say(run, "stopped", "warning", "the cell is open, but the last rows did not come")
                self._end(run, reason, interrupted=True)

    def _open_after_failure(self, run: _Run) -> None:
        """Open the cell of a flight that was lost; when nobody answers, say that it may be running."""
        try:
            was_running = self._cycler.stop()
        except LabError as error:
            self._say(run, "not_opened", "alarm", f"{error}; the cell may be running under its own limits")
            return
        if was_running:
            self._say(run, "stopped", "info", "the cell is open")

    def _leave(self, run: _Run) -> None:
        """Fetch what there is, then leave the instrument to itself."""
        try:
            self._collect(run)
        except LabError as error:
            self._say(run, "link_lost", "warning", str(error))
        with self._lock:
            if run.over:
                return
            run.ledger.finish(EndReason.LEFT_RUNNING)
            text = (
                f"{run.program.name}, {run.ledger.done} of {run.course.asked} steps done: the"
                f" {self._cycler.without_host}; safe() opens the cell"
            )
            if run.course.goes_on:
                text += "; what comes after the part that runs needs a host and does not begin"
            self._say(run, "left_running", "warning", text)
            self._end(run, "left running under the instrument's own limits", interrupted=True)
        log.warning("%s: %s", self.name, text)

    def _fail(self, error: Exception) -> None:
        """Fail the flight; the rows so far stay."""
        run = self._run
        if run is None or run.over:
            return
        running = "nothing runs" if run.next_record is None else "the instrument may still be running it"
        running = "it is unknown whether it runs" if isinstance(error, OutcomeUnknown) else running
        with self._lock:
            run.failure = error
            try:
                lost = isinstance(error, WireError)
                run.ledger.finish(EndReason.LINK_LOST if lost else EndReason.INSTRUMENT_ERROR)
                self._say(run, "failed", "alarm", f"{error}; {running}")
            finally:
                self._end(run, f"failed: {type(error).__name__}: {error}", interrupted=True)

    def _end(self, run: _Run, reason: str, *, interrupted: bool) -> None:
        run.end_reason, run.interrupted, run.over = reason, interrupted, True
        if self._poller is not None:
            self._poller.cancel()
        self._settle(run)

    def _settle(self, run: _Run) -> None:
        """Bring the statuses to where the flight is."""
        for status in (self._started, self._completed):
            if status is None or status.done or not run.over:
                continue
            if run.failure is None:
                status.set_finished()
            else:
                status.set_exception(run.failure)

    def _say(self, run: _Run, code: str, severity: str, text: str) -> None:
        t = self.clock.now() - run.began
        self._events.append(self.clock.time(), {"t": t, "code": code, "severity": severity, "text": text})
