"""The account of what flies: asked and done, why it ended, its rows and what happened beside them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devices.base import RowStream
from devices.clock import Clock
from devices.roles.flown import Flight


class FlightLog:
    """Counts what is done and writes rows and events.

    flight: asked and done in the station's unit of work. began: bench's time [s]. columns: names of those of a row.
    """

    def __init__(self, clock: Clock, rows: RowStream, events: RowStream) -> None:
        self._clock, self._rows, self._events = clock, rows, events
        self.columns = frozenset(rows.columns)
        self._lock = threading.RLock()
        self.began = 0.0
        self.flight = Flight("never started", 0, 0, False)

    @property
    def elapsed(self) -> float:
        """Seconds since it began."""
        return self._clock.now() - self.began

    def begin(self, asked: int) -> None:
        """Begin the account."""
        with self._lock:
            self.began, self.flight = self._clock.now(), Flight("running", asked, 0, False)

    def tell(self, code: str, severity: str, text: str) -> None:
        """Write an event."""
        row = {"t": self.elapsed, "code": code, "severity": severity, "text": text}
        self._events.append(self._clock.time(), row)

    def row(self, row: Mapping[str, Any], at: float | None = None) -> None:
        """Write a row, all keys of which are declared; at: its time label [s], where it is not of now."""
        self._rows.append(self._clock.time() if at is None else at, row)

    def reached(self, done: int) -> None:
        """Take note of how much is done."""
        with self._lock:
            self.flight = replace(self.flight, done=done)

    def interrupted(self) -> None:
        """Note that it was not done in one go."""
        with self._lock:
            self.flight = replace(self.flight, interrupted=True)

    def conclude(self, reason: str) -> None:
        """End the account: interrupted when something is missing, or was not done in one go."""
        with self._lock:
            flight = self.flight
            gap = flight.interrupted or flight.done < flight.asked
            self.flight = replace(flight, end_reason=reason, interrupted=gap)
