"""What callers of a station wait for: that its flight has started, and that it is over."""

from __future__ import annotations

from ophyd.status import StatusBase

from devices.clock import Clock
from devices.cycling.flight import CycleFlight

START_DEADLINE = 60.0
"""Seconds within which a start is acknowledged or known to be lost; some wire deadlines."""


class FlightStatuses:
    """The statuses of one flight, which is to be over in `longest` seconds; `started` is that of its start."""

    def __init__(self, clock: Clock, name: str, longest: float) -> None:
        self._clock, self._name, self._deadline = clock, name, clock.now() + longest
        self.started = clock.status(f"start {name}", START_DEADLINE)
        self._completed: StatusBase | None = None

    def completed(self) -> StatusBase:
        """Return a status that finishes when the flight is over."""
        if self._completed is None or self._completed.done:
            left = max(self._deadline - self._clock.now(), START_DEADLINE)
            self._completed = self._clock.status(f"complete {self._name}", left)
        return self._completed

    def settle(self, flight: CycleFlight) -> None:
        """Bring them to where the flight is."""
        for status, reached in ((self.started, flight.started), (self._completed, False)):
            if status is None or status.done or not (flight.over or reached):
                continue
            if flight.failure is None:
                status.set_finished()
            else:
                status.set_exception(flight.failure)
