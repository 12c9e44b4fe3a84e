"""What every station has on which one job at a time is prepared, begun, collected and ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from ophyd import Component
from ophyd.status import StatusBase

from devices.base import Instrument, Station, Words
from devices.clock import Clock, Handle, Poller
from devices.errors import LabError, in_words
from devices.flown.account import FlightLog
from devices.flown.preparation import Preparation
from devices.flown.underway import Underway
from devices.roles.flown import Flight
from devices.roles.hands import Bring, Confirm, Film, Hands, Heat
from devices.samples import SampleRef

log = logging.getLogger(__name__)

JobT = TypeVar("JobT")
FlightT = TypeVar("FlightT", bound=Underway)


class FlownStation(Station, Generic[JobT, FlightT]):
    """The part of a station that does not depend on what flies; subclasses fly flights of their own.

    A prepared job is good for one flight, and for none after stop(), safe() or a failure.
    """

    state = Component(Words, get="read_state", unit="1", kind="normal")
    _log: FlightLog

    def __init__(
        self, *, name: str, clock: Clock, lane: str, instruments: Mapping[str, Instrument], hands: Hands
    ) -> None:
        super().__init__(name=name, clock=clock, lane=lane, instruments=instruments)
        self._hands = hands
        self._job: JobT | None = None
        self._flight: FlightT | None = None
        self._flown: tuple[JobT, FlightT] | None = None
        self._running: Handle | None = None
        self._preparation: Preparation | None = None

    def read_state(self) -> str:
        """Return the state's word."""
        raise NotImplementedError(f"{type(self).__name__} does not say in which state it is")

    def complete(self) -> StatusBase:
        """Return the status that finishes when what was begun is over."""
        if self._flown is None:
            raise LabError(f"{self.name} was not kicked off")
        return self._flown[1].finished

    def renew_lease(self) -> None:
        """Let what is under way go on while its plan lives."""
        if self._flight is not None:
            self._flight.renew_lease()

    def hold_lease(self) -> None:
        """Let what is under way stay held while its plan is: there is one to go on with, but it does not act."""
        if self._flight is not None:
            self._flight.hold_lease()

    def pause(self) -> None:
        """Hold what is under way."""
        if self._flight is not None:
            self._flight.pause()

    def resume(self) -> None:
        """Go on with what is left; nothing of it is repeated."""
        if self._flight is not None and self._flight.paused:
            self._flight.resume()

    def flight(self) -> Flight:
        """Return what was asked and done."""
        return self._log.flight

    def stop(self, *, success: bool = False) -> None:
        """End now what is under way and make the station safe; what was done is recorded."""
        self._end("stopped", gently=True)

    def safe(self) -> None:
        """Make everything safe. Raises LabError naming what did not obey."""
        self._end("made safe")

    def close(self) -> None:
        """Make it safe: nobody would look after it."""
        self._end("closed", gently=True)

    def _prepared(
        self,
        sample: SampleRef,
        ready: Callable[[], None],
        *,
        ask: str = "",
        mask: str = "",
        then: Film | Heat | None = None,
        instead_of: str = "",
        before: Callable[[], Poller | None] = lambda: None,
    ) -> StatusBase:
        """Have the sample brought, after a person's word where one is wanted; an earlier preparation is called off.

        then: what will be done to it here. instead_of: the sample that comes out for it. before: done first, on the
        lane. ready: called when the sample is in place.
        """
        words = [Confirm(sample, self.name, ask)] if ask else []
        return self._tasked(
            [*words, Bring(sample, self.name, mask, then, instead_of)], ready=ready, before=before
        )

    def _agreed(self, sample: SampleRef, ask: str, ready: Callable[[], None]) -> StatusBase:
        """Have a person agree to what will be done beside a sample; ready is called then."""
        return self._tasked([Confirm(sample, self.name, ask)], ready=ready)

    def _tasked(
        self,
        tasks: Sequence[Bring | Confirm],
        *,
        ready: Callable[[], None],
        before: Callable[[], Poller | None] = lambda: None,
    ) -> StatusBase:
        self._call_off()
        preparation = self._preparation = Preparation(self.name, self.clock, self.lane, self._hands)
        preparation.run(before, tasks, ready)
        return preparation.status

    def _call_off(self) -> None:
        if self._preparation is not None:
            self._preparation.call_off()

    def _taken(self, consequence: str) -> JobT:
        """Return the prepared job, which is used up by that. Raises LabError where there is none."""
        job, self._job = self._job, None
        if job is None:
            raise LabError(f"{self.name} was not prepared; {consequence}")
        return job

    def _fly(self, job: JobT, flight: FlightT) -> StatusBase:
        """Begin a flight; return the status of its start."""
        self._flown, self._flight = (job, flight), flight
        self._begun(flight)

        def failed(error: Exception) -> None:
            if flight.is_over:
                # On wall time a step may still be under way when its flight is ended from another thread.
                self._failed_late(error)
            else:
                self._fail(error)

        self._running = self.clock.spawn(self.lane, flight.poller(lambda: self._completed(flight)), failed)
        return flight.started

    def _begun(self, flight: FlightT) -> None:
        """Tell that a flight is under way, before its first step."""
        self.publish(lasting=True)

    def _failed_late(self, error: Exception) -> None:
        """Tell what the last step of an ended flight raised: it matters no more."""
        log.info("%s: the last step of what was ended: %r", self.name, error)

    def _completed(self, flight: FlightT) -> None:
        """Take note that a flight did all of its work and is over; its statuses end whatever happens."""
        try:
            if self._flight is flight:
                self._flight = None
            self._log.conclude("completed")
            self._done()
        finally:
            flight.finish(None)

    def _done(self) -> None:
        """Tell that all was done."""
        self.publish(lasting=True)

    def _fail(self, error: Exception) -> None:
        self._end(in_words(error), error)

    def _end(self, reason: str, error: Exception | None = None, *, gently: bool = False) -> None:
        """Make everything safe first; then account for what was under way and finish its statuses."""
        self._call_off()
        self._job = None
        flight, self._flight = self._flight, None
        going = flight is not None and flight.end()
        if self._running is not None:
            self._running.cancel()
        failure = "" if error is None else reason
        unsafe = self._stopped(gently=gently and going)
        if flight is not None and going:
            flight.settle()
            self._log.conclude(reason)
            self._remember()
        self._rest(failure, unsafe)
        if flight is not None and going:
            try:
                self._tell_end(reason, failure, unsafe)
            finally:
                flight.finish(error)
        self.publish(lasting=True)
        if unsafe and error is None:
            raise LabError(unsafe)

    def _stopped(self, *, gently: bool) -> str:
        """Make it safe at an end; gently: there is something under way that may take a moment to be ended."""
        return self._made_safe()

    def _made_safe(self) -> str:
        """Do everything that makes it safe, whatever fails; return what failed, in words."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is safe")

    def _remember(self) -> None:
        """Keep what is to be known of the last flight, which was ended early: by default nothing."""

    def _rest(self, failure: str, unsafe: str) -> None:
        """Be in the state of an end, that of a fault where something failed or did not obey: by default none."""

    def _tell_end(self, reason: str, failure: str, unsafe: str) -> None:
        """Say how it ended: no mere information, since whoever ended it is to read what is safe now."""
        code, severity = ("fault", "alarm") if failure else ("stopped", "warning")
        self._log.tell(code, severity, unsafe or reason)


def tried(clock: Clock, actions: Iterable[Callable[[], object]]) -> str:
    """Do one thing after the other, whatever fails; return what failed, in words."""
    failures = []
    for action in actions:
        try:
            clock.call(action)
        except Exception as error:  # noqa: BLE001 - whatever fails, the next one is made safe all the same
            failures.append(
                str(error) if isinstance(error, LabError) else f"{action.__qualname__}: {error!r}"
            )
    return "; ".join(failures)
