"""How far the records of a flight were booked, and the numbers that their rows have in the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from devices.cycling.cycler import Mark, RowTaken, SpectrumPoint
from devices.cycling.position import NOWHERE

R = TypeVar("R", RowTaken, SpectrumPoint)


@dataclass
class Bookmark:
    """Where the books of a flight are. mark: as a later session hears of it.

    next: the number of the next record; shift: what is added to the numbers of rows, which may be another from the next
    row on where it renumbers.
    """

    mark: Mark = NOWHERE
    shift: int = 0
    next: int = 0
    renumbers: bool = False

    def begin(self) -> None:
        """Go to the beginning of a part."""
        self.mark = replace(self.mark, elements=0, time=NOWHERE.time)

    def element(self) -> None:
        """Go past the beginning of a step."""
        self.mark = replace(self.mark, elements=self.mark.elements + 1)

    def row(self, record: R) -> R:
        """Go past a row and return it with its number in the run."""
        if self.renumbers and record.number + self.shift <= self.mark.row:
            # An instrument that lost its power begins to count anew.
            self.shift = self.mark.row
        self.renumbers = False
        number = record.number + self.shift
        self.mark = replace(self.mark, row=number, time=record.time)
        return replace(record, number=number)

    def note(self, trace: Mapping[str, Any]) -> None:
        """Note what was asked for, and what the driver says that a later session needs to know."""
        self.mark = replace(self.mark, next=self.next, trace=trace)
