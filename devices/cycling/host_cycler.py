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
    InstrumentAlarm,
    Job,
    Mark,
    Page,
)
from devices.cycling.ends import EndReason
from devices.cycling.host_book import HostBook
from devices.cycling.host_flight import HostFlight, Sourcing
from devices.cycling.host_run import Ended, HostRun
from devices.cycling.host_steps import HostSteps
from devices.cycling.host_trace import flight_of, told_of, trace_of
from devices.cycling.presence import HOST_LAPSE, is_gone
from devices.errors import InstrumentError, LabError, OutcomeUnknown, Timeout, WireError

TRIES = 3
"""How often the instrument is asked whether a start whose reply was lost had come through."""

HASTE = 0.5
"""Seconds between questions for records; guess. The step after next waits until those of this one are written down."""

WORD_PERIOD = 0.1
"""Seconds between looks whether they are; guess."""

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
        self._flown: HostFlight | None = None
        self._poller: Handle | None = None
        self._lost: WireError | None = None
        self._asked = 0.0
        self._steps = HostSteps(instrument, self._book, self._is_alone)

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
        """Return what a later session needs to find the step under way, or the last one."""
        with self._lock:
            flown = self._flown
            if flown is None or flown.job.token != self._started:
                return {"token": self._started}
            return {**trace_of(flown), **self._instrument.measured()}

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with the step that a session before had booked last, then with those behind it.

        What that one began and did not tell of is in the instrument: rows that were not booked are, and show where
        the job stands. Of a start that nobody heard the end of it is the first step, with every row.
        Raises InstrumentError when the job is not there any more; the output is opened then.
        """
        with self._lock:
            self._book.rows, self._asked = max(self._book.rows, mark.row), self._clock.now()
            if mark.over:
                return self._book.next
            flight = flight_of(job, mark, self._steps.tally(), self._book.next)
            self._recall(flight, told_of(job, mark))
            self._started, self._started_at, self._lost = job.token, self._book.next, None
            if not mark.elements and flight.step is not None:
                self._book.note(ElementBegan(flight.step.run.technique))
            flight.behind = self._book.next
            flight.firsts = (0, flight.behind if math.isinf(flight.known) else 0)
            self._flight = self._flown = flight
            self._poller = self._clock.spawn(self._lane, self._fly(flight), self._fail)
            return self._started_at

    def _recall(self, flight: HostFlight, told: Mapping[str, Any]) -> None:
        """Find the step that was booked last in the instrument. Raises InstrumentError where there is none."""
        first = flight.begun + (flight.phase == "next")
        gone = None
        if flight.step is None or not self._instrument.recall(flight.job, first, told):
            gone = "it is not measured any more"
        elif flight.phase == "look":
            try:
                flight.known = flight.known if self._steps.take(flight) else -math.inf
            except InstrumentError as astray:
                gone = astray.text
        if gone is not None:
            self._instrument.open()
            self._instrument.forget()
            raise InstrumentError(
                self._name,
                "gone",
                f"the step of {flight.job.name} that was booked last is not there: {gone}. The output is off, no"
                " further step begins, and rows that were not collected are lost",
            )

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
            if self._instrument.is_ahead:
                self._instrument.open()
                self._turn_or_fail(flight)
            if flight.phase == "next":
                self._steps.begin(flight)
            if flight.is_over:
                self._flight = None
                return True
            flight.ended = Ended(EndReason.OPERATOR, flight.time, 0.0)
            flight.phase = "open" if flight.phase in ("go", "measure", "open") else "shut"
            self._instrument.open()
            self._turn_or_fail(flight)
            return True

    def records(self, since: int, most: int) -> Page:
        """Return at most `most` records from `since` on; forget those before.

        Raises the WireError of a link that is silent at present, when there is nothing new.
        """
        with self._lock:
            self._asked = self._clock.now()
            self._book.acknowledge(since)
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
        flight = HostFlight(job, HostRun(job.nodes, job.limits, job.longest), self._steps.tally())
        self._flight = self._flown = flight
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
                if flight.job.on_host_loss == "open" and self._is_alone():
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

    def _turn_or_fail(self, flight: HostFlight) -> None:
        """Do what is due with the output open; on a silent link the poller does it."""
        try:
            self._turn(flight)
        except WireError as error:
            self._lost = error
        except LabError as error:
            self._fail(error)

    def _is_alone(self) -> bool:
        return is_gone(self._asked, self._clock.now())

    def _open_alone(self, flight: HostFlight) -> None:
        """Let the step under way end, since nobody asks any more."""
        if flight.phase == "measure":
            flight.ended, flight.phase = Ended(EndReason.LINK_LOST, flight.time, 0.0), "open"

    def _wait(self, flight: HostFlight) -> float:
        if self._flight is not flight:
            return 0.0
        if flight.phase in ("next", "again"):
            return WORD_PERIOD
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
            self._steps.land(self._flight, str(error), EndReason.INSTRUMENT_ERROR)
            self._flight = None

    def _turn(self, flight: HostFlight) -> None:
        self._steps.turn(flight)
        if flight.is_over:
            self._flight = None
