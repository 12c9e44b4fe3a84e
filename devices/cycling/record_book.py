"""Records as a driver keeps them for whoever collects them: numbered from 1 on, until they are acknowledged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from devices.cycling.cycler import Page, Record
from devices.errors import InstrumentError


class RecordBook:
    """Records from number `first` on; those before were acknowledged and are gone. rows: number of the last row."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._records: deque[Record] = deque()
        self.first = 1
        self.rows = 0

    @property
    def next(self) -> int:
        """The number of the next record."""
        return self.first + len(self._records)

    def next_row(self) -> int:
        """Return the number of a new row."""
        self.rows += 1
        return self.rows

    def add(self, records: Iterable[Record]) -> None:
        """Keep records."""
        self._records.extend(records)

    def acknowledge(self, since: int) -> None:
        """Forget the records before a number. Raises InstrumentError when that one is gone, too."""
        while self._records and self.first < since:
            self._records.popleft()
            self.first += 1
        if since < self.first:
            raise InstrumentError(
                self._name, "records", f"record {since} was asked for, the oldest left is {self.first}"
            )

    def page(self, since: int, most: int) -> Page:
        """Return at most `most` records from a number on that was not yet acknowledged."""
        start = since - self.first
        return Page(since, tuple(islice(self._records, start, start + most)), self.next)
