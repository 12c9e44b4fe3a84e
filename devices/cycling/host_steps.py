"""The steps of a flight one after the other: look at the cell, arm, go, measure, end; what came of it is booked.

A WireError leaves a flight in its phase, which is then tried again; none acts twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from devices.cycling.cycler import ElementBegan, ElementEnded, RunStopped
from devices.cycling.ends import EndReason
from devices.cycling.host_book import HostBook
from devices.cycling.host_flight import HostFlight, Sourcing
from devices.cycling.host_run import Ended, Reading, StepWatch
from devices.cycling.programs import Step
from devices.cycling.tally import Tally

ALONE = "nobody asked for the rows any more: no further step was begun"


class HostSteps:
    """Steps flights on an instrument; is_alone says whether nobody asks for the records any more."""

    def __init__(self, instrument: Sourcing, book: HostBook, is_alone: Callable[[], bool]) -> None:
        self._instrument, self._book, self._is_alone = instrument, book, is_alone

    def tally(self) -> Tally[Reading]:
        """Return the sums of a step that begins."""
        return Tally(self._instrument.row_time)

    def land(self, flight: HostFlight, reason: str, cause: EndReason | None) -> None:
        """End a flight, whose output is off."""
        self._book.note(RunStopped(reason, cause))
        flight.phase = "over"

    def turn(self, flight: HostFlight) -> None:
        """Do what is due, up to the next row of a running step. A WireError leaves the phase to be repeated."""
        while not flight.is_over:
            if self.take(flight):
                continue
            if flight.phase in ("next", "again") and not self._may_arm(flight):
                return
            if flight.phase == "next":
                self.begin(flight)
            elif flight.phase == "look":
                self._look(flight)
            elif flight.phase in ("arm", "again"):
                self._arm(flight)
            elif flight.phase == "go":
                self._instrument.go()
                flight.phase = "measure"
                return
            elif flight.phase == "measure":
                if self._measure(flight):
                    return
            else:
                self._end(flight)

    def begin(self, flight: HostFlight) -> None:
        """Go to the next step, or land when there is none."""
        flight.step = flight.run.next()
        flight.ended, flight.watch, flight.has_failed = None, None, False
        flight.pace, flight.seen = 0.0, None
        flight.tally = self.tally()
        if flight.step is None:
            self.land(flight, "all steps are through", None)
            return
        flight.begun += 1
        flight.rest, flight.known, flight.over = math.nan, -math.inf, None
        self._book.note(ElementBegan(flight.step.run.technique))
        flight.firsts = (flight.firsts[1], self._book.next)
        flight.phase = "look"

    def _look(self, flight: HostFlight) -> None:
        """Look before anything is driven; a step whose end is reached already takes one row and no charge."""
        rest = flight.rest = self._instrument.look()
        assert flight.step is not None
        flight.watch = flight.run.watch(flight.step, self._instrument.meter_of(flight.step), rest)
        flight.ended = flight.watch.at_once(flight.time)
        flight.phase = "arm"
        if flight.ended is not None:
            self._book.take(Reading(flight.time, rest, 0.0), flight)
            # In no buffer, and so to be written down, with its end, before anything is armed.
            flight.phase, flight.behind = "end", self._book.next + 1

    def _arm(self, flight: HostFlight) -> None:
        step, watch = _under_way(flight)
        self._instrument.arm(step, flight.begun, watch.left(flight.time))
        flight.phase, flight.behind = "go", self._book.next

    def _measure(self, flight: HostFlight) -> bool:
        """Take the new rows; return whether the step goes on by itself."""
        _, watch = _under_way(flight)
        fetched = self._instrument.fetch()
        flight.look_again(fetched.rows)
        for row in fetched.rows:
            self._book.take(row, flight)
            if flight.ended is None:
                flight.ended = watch.row(row)
                if flight.ended is not None:
                    self._book.tell(flight)
        if flight.ended is None and not fetched.running:
            flight.ended = watch.finished(flight.time)
            if flight.ended is None and self._is_alone():
                flight.ended = Ended(EndReason.LINK_LOST, flight.time, 0.0)
            elif flight.ended is None:
                flight.phase = "again"  # the buffer was full before the step was over
                return False
        if flight.ended is None:
            return True
        # Where a step behind it was begun, this one is over, and the output that one's.
        is_over = self._instrument.is_ahead and flight.ended.goes_on
        flight.phase = "end" if is_over else "open"
        return False

    def _end(self, flight: HostFlight) -> None:
        """Open the output, book what was measured since, and go on or land."""
        if flight.phase in ("open", "shut"):
            self._instrument.open()
        if flight.phase == "open":
            for row in self._instrument.fetch().rows:
                self._book.take(row, flight)
        self._book.tell(flight)
        flight.phase = "end"
        ended = flight.ended
        assert ended is not None
        self._book.note(ElementEnded(ended.reason))
        flight.over = self._book.next if ended.goes_on else None
        if ended.goes_on and not (self._is_alone() and flight.run.goes_on):
            flight.phase = "next"
        elif ended.goes_on or ended.reason is EndReason.LINK_LOST:
            self.land(flight, ALONE, EndReason.LINK_LOST)
        else:
            self.land(flight, f"{ended.reason}, judged by the host; the output is off", ended.reason)

    def _may_arm(self, flight: HostFlight) -> bool:
        """Return whether a step may be armed, whose rows take the place of others: those are written down by now."""
        ends = flight.phase == "next" and not flight.run.goes_on
        if ends or self._instrument.is_ahead or self._book.first >= flight.behind:
            return True
        if self._is_alone():
            self.land(flight, ALONE, EndReason.LINK_LOST)
        return False

    def take(self, flight: HostFlight) -> bool:
        """Go on with what a session before had begun of the step; return False where there is nothing of it."""
        step = flight.step
        if step is None or flight.phase not in ("look", "again") or not self._instrument.is_ahead:
            return False
        watch = flight.watch or flight.run.watch(step, self._instrument.meter_of(step), flight.rest)
        self._instrument.take(step, flight.begun, watch.left(flight.time))
        flight.watch, flight.phase, flight.behind = watch, "measure", self._book.next
        return True


def _under_way(flight: HostFlight) -> tuple[Step, StepWatch]:
    assert flight.step is not None
    assert flight.watch is not None
    return flight.step, flight.watch
