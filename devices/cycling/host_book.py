"""The records of a channel whose program lives in the host: rows are told where they are due, and taken back."""

from __future__ import annotations

import math

from devices.cycling.cycler import InstrumentAlarm, Record, RowTaken
from devices.cycling.host_flight import HostFlight
from devices.cycling.host_run import Reading
from devices.cycling.record_book import RecordBook
from devices.cycling.verdict import READING_FAILED

EARLY = 0.01
"""Part of its interval by which a row may come early and is told all the same: a hundredth, more than clocks differ."""

SAME = 1e-6
"""Seconds by which the time of a row may differ when it is calculated again."""


class HostBook(RecordBook):
    """Records of a run that is led from here; what was noted of a start that failed is taken back."""

    def note(self, record: Record) -> None:
        """Keep a record."""
        self.add([record])

    def take_back(self, since: int) -> None:
        """Forget the records from a number on, and the numbers of their rows."""
        while self._records and self.next > since:
            self.rows -= isinstance(self._records.pop(), RowTaken)

    def take(self, row: Reading, flight: HostFlight) -> None:
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
        self.note(RowTaken(self.next_row(), row.time, row.voltage, row.current, math.nan, *tally.passed(row)))
        tally.clear(row)
        if not row.is_valid and not flight.has_failed:
            flight.has_failed = True
            self.note(InstrumentAlarm("reading_failed", READING_FAILED))
