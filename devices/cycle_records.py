"""What a cycler of any make says while a program runs, in order; its driver translates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from devices.techniques import Program


@dataclass(frozen=True)
class ElementBegan:
    """The next step of the program begins."""

    name: str


@dataclass(frozen=True)
class RowTaken:
    """One measured row: number on the channel, s since the start, V, A, degC; NaN for a failed reading."""

    number: int
    time: float
    voltage: float
    current: float
    temperature: float


@dataclass(frozen=True)
class RunStopped:
    """The program is over and the cell open, for a reason in the instrument's words."""

    reason: str


@dataclass(frozen=True)
class InstrumentAlarm:
    """The instrument reports an error, or that it lost its host."""

    code: str
    text: str


Record = ElementBegan | RowTaken | RunStopped | InstrumentAlarm


@dataclass(frozen=True)
class Page:
    """Records from `first` on, and the number that the newest record plus one has."""

    first: int
    records: Sequence[Record]
    next: int


@dataclass(frozen=True)
class Job:
    """A program under the token by which it is started once; longest [s] stands for durations left open."""

    program: Program
    token: str
    longest: float
