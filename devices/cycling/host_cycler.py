"""A channel whose program lives in the host: begins steps, fetches rows, judges ends, keeps the records.

For an instrument that measures into a buffer of its own and opens its output by itself when what it was set to
is over. A silent link costs time and no rows: every phase may be tried again, and none acts twice.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

from devices.clock import Clock, Handle, Poller
from devices.cycling.cycler import (
    ElementBegan,
    ElementEnded,
    InstrumentAlarm,
    Job,
    Mark,
    Page,
    RunStopped,
)
from devices.cycling.ends import EndReason
from devices.cycling.host_book import HostBook
from devices.cycling.host_flight import HostFlight, Sourcing, Tally
from devices.cycling.host_run import Ended, HostRun, Reading, StepWatch
from devices.cycling.presence import HOST_LAPSE, is_gone
from devices.cycling.programs import Step
from devices.errors import InstrumentError, LabError, OutcomeUnknown, Timeout, WireError

TRIES = 3
"""How often the instrument is asked whether a start whose reply was lost had come through."""

HASTE = 1.0
"""Seconds between questions for records, which are in the host's memory alone once their step is over; guess."""

RETRY = 1.0
"""Seconds between tries on a silent link; guess."""


class HostCycler:
    """Flies one job after the other. Nothing runs beside its poller: callers of other threads wait their turn."""

    def __init__(self, instrument: Sourcing, clock: Clock, *, name: str, lane: str) -> None:
        self._instrument, self._clock, self._name, self._lane = instrument, clock, name, lane
        self._lock = threading.RLock()
        self._book = HostBook(name)
        self._job: Job | None = None
        self._started: str | None = None
        self._started_at = 1
        self._flight: HostFlight | None = None
        self._poller: Handle | None = None
        self._lost: WireError | None = None
        self._asked = 0.0

    @property
    def flies(self) -> bool:
        """Whether a job is under way, a step or the moment between two."""
        return self._flight is not None and not self._flight.is_doubtful

    def upload(self, job: Job) -> bool:
        """Keep the job for its start; return whether it is new, and the instrument to be set up for it.

        Raises InstrumentError while another flies.
        """
        with self._lock:
            if job.token == self._started or job.token == self._doubtful:
                return False
            if self.flies:
                raise InstrumentError(
                    self._name, "busy", f"{job.name} was not taken: another program is running"
                )
            if self._flight is not None:
                self._forget()
            self._job = job
            return True

    def start(self, token: str) -> int:
        """Begin the first step, once; return the number of the first record, for the same token the same.

        Raises InstrumentError when the token is unknown, Timeout when nothing runs, OutcomeUnknown when nobody says
        whether it does.
        """
        with self._lock:
            if token == self._started:
                return self._started_at
            self._asked = self._clock.now()
            if token == self._doubtful and self._flight is not None:
                self._resolve(self._flight)
            else:
                self._take_off(token)
            self._started, self._job = token, None
            flight = self._flight
            if flight is not None:
                flight.is_doubtful = False
                self._poller = self._clock.spawn(self._lane, self._fly(flight), self._fail)
            return self._started_at

    def trace(self) -> Mapping[str, Any]:
        """Return what a later session needs to find the step under way."""
        with self._lock:
            flight, whose = self._flight, {"token": self._started}
            if flight is None or flight.step is None:
                return whose
            rest = None if math.isnan(flight.rest) else flight.rest
            measured = self._instrument.measured() if flight.phase in ("measure", "open") else {}
            return {**whose, "begun": flight.begun, "rest": rest, **measured}

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with the step that a session before had begun, then with those behind it.

        Of a start that nobody heard the end of it is the first, with every row.
        Raises InstrumentError when that step's measurement is not there any more; the output is opened then.
        """
        with self._lock:
            self._book.rows, self._asked = max(self._book.rows, mark.row), self._clock.now()
            if mark.over:
                return self._book.next
            run, trace = HostRun(job.nodes, job.limits, job.longest), mark.trace
            is_unheard = not mark.elements and trace.get("token") != job.token
            begun = 1 if is_unheard else mark.elements
            step = next((step for step in [run.next() for _ in range(begun)][-1:]), None)
            is_booked = is_unheard or trace.get("begun") == begun
            known = {} if is_unheard else trace
            if step is None or not is_booked or not self._instrument.resume(job, step, known):
                self._instrument.open()
                raise InstrumentError(
                    self._name,
                    "gone",
                    f"the step of {job.name} that was booked last is not measured any more, or another had begun: the"
                    " output is off, no further step begins, and rows that were not collected are lost",
                )
            rest = known.get("rest")
            rest = math.nan if rest is None else rest
            watch = run.watch(step, self._instrument.meter_of(step), rest)
            flight = self._flight = HostFlight(
                job, run, self._tally(), "measure", step, watch, begun=begun, rest=rest, known=mark.time
            )
            flight.time = max(mark.time, 0.0)
            self._started, self._started_at, self._lost = job.token, self._book.next, None
            if is_unheard:
                self._book.note(ElementBegan(step.run.technique))
            self._poller = self._clock.spawn(self._lane, self._fly(flight), self._fail)
            return self._started_at

    def leave(self) -> None:
        """Hear that the host is gone: the step under way goes on, no other begins."""
        self._asked = -HOST_LAPSE

    def stop(self) -> bool:
        """Open the output, whoever closed it; return whether a job was flying.

        Raises WireError on a silent link: the job does not go on, and the output is opened when the link is back.
        """
        with self._lock:
            flight = self._flight
            self._job = None
            if flight is None or flight.is_doubtful:
                self._instrument.open()
                if flight is not None:
                    self._forget()
                return flight is not None
            flight.ended = Ended(EndReason.OPERATOR, flight.time, 0.0)
            flight.phase = "open" if flight.phase in ("go", "measure", "open") else "shut"
            self._instrument.open()
            try:
                self._turn(flight)
            except WireError as error:
                self._lost = error  # the cell is open; the poller fetches the last rows when it can
            except LabError as error:
                self._fail(error)
            return True

    def records(self, since: int, most: int) -> Page:
        """Return at most `most` records from `since` on; forget those before.

        Raises the WireError of a link that is silent at present, when there is nothing new.
        """
        with self._lock:
            self._asked = self._clock.now()
            page = self._book.page(since, most)
            if not page.records and self._lost is not None:
                raise self._lost
            return page

    @property
    def _doubtful(self) -> str | None:
        """The token of a start that nobody confirmed."""
        flight = self._flight
        return flight.job.token if flight is not None and flight.is_doubtful else None

    def _take_off(self, token: str) -> None:
        """Bring the first step to run, or know that it does not."""
        job = self._job
        if job is None or job.token != token:
            raise InstrumentError(
                self._name, "not_uploaded", f"{token} was not uploaded; nothing was started"
            )
        if self.flies:
            raise InstrumentError(self._name, "busy", f"{token} was not started: another program is running")
        if self._flight is not None:
            self._forget()
        self._started_at, self._lost = self._book.next, None
        flight = self._flight = HostFlight(job, HostRun(job.nodes, job.limits, job.longest), self._tally())
        try:
            self._turn(flight)
        except WireError as lost:
            if flight.phase != "go":
                self._forget()
                raise Timeout(
                    f"{self._name}: the start did not reach the instrument ({lost}); nothing runs and the cell"
                    " is open, start again"
                ) from lost
            self._resolve(flight)
        except LabError:
            self._forget()
            raise

    def _forget(self) -> None:
        """Take back what was noted of a start that failed."""
        self._flight = None
        self._book.take_back(self._started_at)

    def _resolve(self, flight: HostFlight) -> None:
        """Ask until it is known that the first step runs: going on with a step that has begun changes nothing."""
        lost: WireError | None = None
        for _ in range(TRIES):
            self._clock.sleep(RETRY, self._lane)
            try:
                self._turn(flight)
            except WireError as error:
                lost = error
                continue
            except LabError:
                self._forget()
                raise
            return
        flight.is_doubtful = True
        raise OutcomeUnknown(
            f"{self._name}: the start of {flight.job.token} was sent and its reply lost; the first step may be"
            " running, and opens the cell at its own duration. Start it again with the same token when the"
            " instrument answers: that asks, and starts nothing twice; or make it safe"
        ) from lost

    def _fly(self, flight: HostFlight) -> Poller:
        yield self._wait(flight)
        while self._flight is flight:
            with self._lock:
                if self._flight is not flight:
                    return
                if flight.job.on_host_loss == "open" and self._is_alone:
                    self._open_alone(flight)
                try:
                    self._turn(flight)
                    self._lost = None
                except WireError as error:
                    self._lost = error
                    delay = RETRY
                else:
                    delay = self._wait(flight)
            yield delay

    @property
    def _is_alone(self) -> bool:
        return is_gone(self._asked, self._clock.now())

    def _open_alone(self, flight: HostFlight) -> None:
        """Let the step under way end, since nobody asks any more."""
        if flight.phase == "measure":
            flight.ended, flight.phase = Ended(EndReason.LINK_LOST, flight.time, 0.0), "open"

    def _wait(self, flight: HostFlight) -> float:
        if self._flight is not flight:
            return 0.0
        due = self._instrument.next_row()
        if flight.phase != "measure" or flight.watch is None:
            return due
        return max(due, min(flight.pace, flight.watch.left(flight.time)))

    def _fail(self, error: Exception) -> None:
        """Open the cell and end the job with what went wrong."""
        with self._lock:
            if self._flight is None:
                return
            opened = "the cell is open"
            try:
                self._instrument.open()
            except LabError as worse:
                opened = f"whether the cell is open is unknown ({worse})"
            code = error.code if isinstance(error, InstrumentError) else type(error).__name__
            self._book.note(InstrumentAlarm(code, f"{error}; {opened}"))
            self._land(str(error), EndReason.INSTRUMENT_ERROR)

    def _turn(self, flight: HostFlight) -> None:
        """Do what is due, up to the next row of a running step. A WireError leaves the phase to be repeated."""
        while self._flight is flight:
            if flight.phase == "next":
                self._begin(flight)
            elif flight.phase == "look":
                self._look(flight)
            elif flight.phase == "arm":
                step, watch = _under_way(flight)
                self._instrument.arm(step, watch.left(flight.time))
                flight.phase = "go"
            elif flight.phase == "go":
                self._instrument.go()
                flight.phase = "measure"
                return
            elif flight.phase == "measure":
                if self._measure(flight):
                    return
            else:
                self._end(flight)

    def _begin(self, flight: HostFlight) -> None:
        flight.step = flight.run.next()
        flight.ended, flight.watch, flight.has_failed = None, None, False
        flight.pace, flight.seen = 0.0, None
        flight.begun += flight.step is not None
        flight.tally = self._tally()
        if flight.step is None:
            self._land("all steps are through", None)
            return
        self._book.note(ElementBegan(flight.step.run.technique))
        flight.phase = "look"

    def _look(self, flight: HostFlight) -> None:
        """Look before anything is driven; a step whose end is reached already takes one row and no charge."""
        rest = flight.rest = self._instrument.look()
        assert flight.step is not None
        flight.watch = flight.run.watch(flight.step, self._instrument.meter_of(flight.step), rest)
        flight.ended = flight.watch.at_once(flight.time)
        flight.phase = "arm"
        if flight.ended is not None:
            self._book.add(Reading(flight.time, rest, 0.0), flight)
            flight.phase = "end"

    def _measure(self, flight: HostFlight) -> bool:
        """Take the new rows; return whether the step goes on by itself."""
        _, watch = _under_way(flight)
        fetched = self._instrument.fetch()
        flight.look_again(fetched.rows)
        for row in fetched.rows:
            self._book.add(row, flight)
            if flight.ended is None:
                flight.ended = watch.row(row)
                if flight.ended is not None:
                    self._book.tell(flight)
        if flight.ended is None and not fetched.running:
            flight.ended = watch.finished(flight.time)
            if flight.ended is None and self._is_alone:
                flight.ended = Ended(EndReason.LINK_LOST, flight.time, 0.0)
            elif flight.ended is None:
                flight.phase = "arm"  # the buffer was full before the step was over
                return False
        if flight.ended is None:
            return True
        flight.phase = "open"
        return False

    def _end(self, flight: HostFlight) -> None:
        """Open the output, book what was measured since, and go on or land."""
        if flight.phase in ("open", "shut"):
            self._instrument.open()
        if flight.phase == "open":
            for row in self._instrument.fetch().rows:
                self._book.add(row, flight)
        self._book.tell(flight)
        flight.phase = "end"
        ended = flight.ended
        assert ended is not None
        self._book.note(ElementEnded(ended.reason))
        if ended.goes_on and not (self._is_alone and flight.run.goes_on):
            flight.phase = "next"
        elif ended.goes_on or ended.reason is EndReason.LINK_LOST:
            self._land("nobody asked for the rows any more: no further step was begun", EndReason.LINK_LOST)
        else:
            self._land(f"{ended.reason}, judged by the host; the output is off", ended.reason)

    def _tally(self) -> Tally:
        return Tally(self._instrument.row_time)

    def _land(self, reason: str, cause: EndReason | None) -> None:
        self._book.note(RunStopped(reason, cause))
        self._flight = None


def _under_way(flight: HostFlight) -> tuple[Step, StepWatch]:
    assert flight.step is not None
    assert flight.watch is not None
    return flight.step, flight.watch
