"""A SourceMeter's reading buffers: rows by index, what they are asked for, and how numbers are written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from sim.twins.keithley_2450_scpi import (
    CONFLICT,
    ILLEGAL,
    NAME_TAKEN,
    OUT_OF_RANGE,
    Refused,
    choice,
    quoted,
    whole,
)
from sim.twins.keithley_2450_settings import Settings

EPOCH = 1_750_000_000
"""Seconds since 1970 at the bench's zero, by the instrument's clock; arbitrary."""

DEFAULT_BUFFERS = ("defbuffer1", "defbuffer2")

MOST_ROWS = 250_000
"""Of one buffer [SPEC-2450]."""


@dataclass(frozen=True)
class Row:
    """One reading: when [s of the bench], the source's value and the measured one, status bits."""

    time: float
    source: float
    reading: float
    status: int


@dataclass
class Buffer:
    """Readings by index from 1; full, it either stops or begins to overwrite its oldest."""

    points: int = 100_000
    once: bool = False
    rows: list[Row] = field(default_factory=list)
    taken: int = 0

    def add(self, row: Row) -> bool:
        """Take a row; return whether there was room."""
        if len(self.rows) < self.points:
            self.rows.append(row)
        elif self.once:
            return False
        else:
            self.rows[self.taken % self.points] = row
        self.taken += 1
        return True

    def clear(self) -> None:
        """Forget all."""
        self.rows.clear()
        self.taken = 0

    @property
    def last(self) -> int:
        """The index of the newest row, 0 when there is none."""
        return (self.taken - 1) % self.points + 1 if self.taken else 0

    @property
    def oldest(self) -> int:
        """The index of the oldest row, 0 when there is none."""
        return 0 if not self.taken else (self.taken % self.points + 1 if self.taken > self.points else 1)


class Buffers:
    """All buffers by name, as they are after a power-up, and what is said to them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """Be as after a power-up."""
        self._buffers = {name: Buffer() for name in DEFAULT_BUFFERS}

    def __getitem__(self, name: str) -> Buffer:
        """Return one."""
        return self._buffers[name]

    def clear(self) -> None:
        """Forget all rows."""
        for buffer in self._buffers.values():
            buffer.clear()

    def named(self, words: list[str]) -> str:
        """Return the name that stands first among words, or what is meant without one. Raises Refused."""
        name = quoted(words[0]) if words else DEFAULT_BUFFERS[0]
        if name not in self._buffers:
            raise Refused(ILLEGAL)
        return name

    def offer(self, action: Callable[..., None]) -> None:
        """Enter the commands into a table."""
        action("TRACe:MAKE", self._make, 2)
        action("TRACe:DELete", self._delete, 1)
        action("TRACe:CLEar", lambda words: self._buffer(words).clear(), 0, 1)
        action("TRACe:POINts", self._set_points, 1, 2)
        action("TRACe:POINts?", lambda words: str(self._buffer(words).points), 0, 1)
        action("TRACe:FILL:MODE", self._set_fill, 1, 2)
        action("TRACe:FILL:MODE?", lambda words: "ONCE" if self._buffer(words).once else "CONT", 0, 1)
        action("TRACe:ACTual?", lambda words: str(len(self._buffer(words).rows)), 0, 1)
        action("TRACe:ACTual:STARt?", lambda words: str(self._buffer(words).oldest), 0, 1)
        action("TRACe:ACTual:END?", lambda words: str(self._buffer(words).last), 0, 1)
        action("TRACe:DATA?", self._data, 2, 17)

    def listed(self, rows: list[Row], elements: list[str], began: float) -> str:
        """Return what is asked of rows; began [s]: from when their relative time counts."""
        names = [
            choice(each, "SOURce", "READing", "RELative", "SEConds", "FRACtional", "SOURSTATus")
            for each in elements or ["READ"]
        ]
        return ",".join(self._element(row, name, began) for row in rows for name in names)

    def shown(self, value: float) -> str:
        """Return a number as it is written."""
        digits = self._settings["precision"] or 7
        return f"{value:.{digits - 1}E}"

    def _element(self, row: Row, name: str, began: float) -> str:
        seconds = math.floor(row.time)
        match name:
            case "SOUR":
                return self.shown(row.source)
            case "READ":
                return self.shown(row.reading)
            case "REL":
                return self.shown(round(row.time - began, 9))
            case "SEC":
                return str(EPOCH + seconds)
            case "FRAC":
                return self.shown(round(row.time - seconds, 9))
        return str(row.status)

    def _buffer(self, words: list[str]) -> Buffer:
        return self._buffers[self.named(words)]

    def _make(self, words: list[str]) -> None:
        name, points = quoted(words[0]), whole(words[1], 10, MOST_ROWS)
        if name in self._buffers:
            raise Refused(NAME_TAKEN)
        self._buffers[name] = Buffer(points, once=True)

    def _delete(self, words: list[str]) -> None:
        name = self.named(words)
        if name in DEFAULT_BUFFERS:
            raise Refused(ILLEGAL)
        del self._buffers[name]

    def _set_points(self, words: list[str]) -> None:
        buffer = self._buffer(words[1:])
        buffer.points = whole(words[0], 10, MOST_ROWS)
        buffer.clear()

    def _set_fill(self, words: list[str]) -> None:
        buffer = self._buffer(words[1:])
        if buffer.rows:
            raise Refused(CONFLICT)
        buffer.once = choice(words[0], "ONCE", "CONTinuous") == "ONCE"

    def _data(self, words: list[str]) -> str:
        buffer = self._buffer(words[2:3])
        count = len(buffer.rows)
        first, last = whole(words[0], 1, 2**31), whole(words[1], 1, 2**31)
        if not first <= last <= count:
            raise Refused(OUT_OF_RANGE)
        began = buffer.rows[buffer.oldest - 1].time
        return self.listed(buffer.rows[first - 1 : last], words[3:], began)
