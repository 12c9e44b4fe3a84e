"""The records of a channel whose program lives in the host: numbered, kept until they are acknowledged, taken back."""

from __future__ import annotations

import math

from devices.cycling.cycler import InstrumentAlarm, Page, Record, RowTaken
from devices.cycling.host_flight import HostFlight
from devices.cycling.host_run import Reading
from devices.cycling.verdict import READING_FAILED
from devices.errors import InstrumentError

EARLY = 0.01
"""Part of its interval by which a row may come early and is told all the same: a hundredth, more than clocks differ."""

SAME = 1e-6
"""Seconds by which the time of a row may differ when it is calculated again."""


class HostBook:
    """Records from number 1 on, of which the first may be gone; `rows` is the number of the last row."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._records: list[Record] = []
        self._first = 1
        self.rows = 0

    @property
    def first(self) -> int:
        """The number of the oldest record; those before were written down by whoever asked for these."""
        return self._first

    @property
    def next(self) -> int:
        """The number of the next record."""
        return self._first + len(self._records)

    def note(self, record: Record) -> None:
        """Keep a record."""
        self._records.append(record)

    def take_back(self, since: int) -> None:
        """Forget the records from a number on, and the numbers of their rows."""
        taken = self._records[since - self._first :]
        self.rows -= sum(isinstance(each, RowTaken) for each in taken)
        del self._records[since - self._first :]

    def page(self, since: int, most: int) -> Page:
        """Return at most `most` records from a number on; forget those before. Raises InstrumentError."""
        if since < self._first:
            raise InstrumentError(
                self._name, "records", f"record {since} was asked for, the oldest left is {self._first}"
            )
        del self._records[: since - self._first]
        self._first = since
        return Page(since, tuple(self._records[:most]), self.next)

    def add(self, row: Reading, flight: HostFlight) -> None:
        """Take a row; tell it where one is due."""
        step, tally = flight.step, flight.tally
        assert step is not None
        tally.add(row)
        flight.time = row.time
        if row.time <= flight.known + SAME:
            tally.clear(row)
        elif (
            tally.told is None
            or not row.is_valid
            or row.time - tally.told >= step.record.interval - EARLY * step.record.interval
        ):
            self.tell(flight)

    def tell(self, flight: HostFlight) -> None:
        """Keep the row that is held, if there is one, with what passed since the one before."""
        tally, row = flight.tally, flight.tally.held
        if row is None:
            return
        self.rows += 1
        self.note(RowTaken(self.rows, row.time, row.voltage, row.current, math.nan, *tally.passed(row)))
        tally.clear(row)
        if not row.is_valid and not flight.has_failed:
            flight.has_failed = True
            self.note(InstrumentAlarm("reading_failed", READING_FAILED))
