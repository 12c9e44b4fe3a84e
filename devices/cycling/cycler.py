"""What a cycler of any make takes, offers and says: its driver translates. `PotentiostatStation` flies it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Loop, Program, Step

LONGEST_STEP = 30 * 86400.0
"""Seconds that stand for a duration a program leaves open, where a bench file says nothing else; C/500 (guess)."""

Nodes: TypeAlias = tuple[Step | Loop, ...]


@dataclass(frozen=True)
class Job:
    """What is uploaded: nodes that the instrument runs by itself, under the cell's limits, started once by token.

    longest [s] stands for the duration of steps that leave it open. No loop in it has a condition. on_host_loss
    "open": an instrument (or its bridge) that can notice that its client is gone opens the cell then; one that
    cannot says so in its remarks.
    """

    name: str
    nodes: Nodes
    limits: CellLimits
    token: str
    longest: float
    on_host_loss: Literal["keep", "open"] = "keep"


@dataclass(frozen=True)
class ElementBegan:
    """The next step of the job begins."""

    name: str


@dataclass(frozen=True)
class ElementEnded:
    """The step ended, and the instrument (or the driver, where it judges the ends itself) says why."""

    reason: EndReason


@dataclass(frozen=True)
class RowTaken:
    """One measured row: number on the channel, s since the job's start, V, A, degC; NaN for a failed reading.

    charge [C] and energy [J] that passed in the step since the row before, where finer samples than rows tell; NaN:
    the rows themselves do.
    """

    number: int
    time: float
    voltage: float
    current: float
    temperature: float
    charge: float = math.nan
    energy: float = math.nan


@dataclass(frozen=True)
class SpectrumPoint:
    """One frequency of a spectrum: number on the channel, s since the job's start, Hz, ohm as measured (z_imag is
    negative when capacitive), the mean V and A meanwhile, peak of the driven sine [V or A], distortion [1]."""

    number: int
    time: float
    frequency: float
    z_real: float
    z_imag: float
    voltage: float
    current: float
    amplitude: float
    distortion: float


@dataclass(frozen=True)
class RunStopped:
    """The job is over and the cell open, for a reason in the instrument's words, and in ours where it is known.

    named: the cell's limit that the words name; the rows tell what was behind it. completed: the words say that the job
    ran to its end, which is believed where the rows of its last step do not tell.
    """

    reason: str
    cause: EndReason | None = None
    named: EndReason | None = None
    completed: bool = False


@dataclass(frozen=True)
class InstrumentAlarm:
    """The instrument reports an error, or that it lost its host."""

    code: str
    text: str


@dataclass(frozen=True)
class Mark:
    """How far an earlier session came with a job.

    next: the number of the next record; elements begun in the job; row: number of the last row, time [s] of it on the
    job's axis; trace: what the driver of then said that a later session needs to know; over: the job's end was booked.
    """

    next: int
    elements: int
    row: int
    time: float
    trace: Mapping[str, Any]
    over: bool = False


Record: TypeAlias = ElementBegan | ElementEnded | RowTaken | SpectrumPoint | RunStopped | InstrumentAlarm


@dataclass(frozen=True)
class Page:
    """Records from `first` on, and the number that the newest record plus one has."""

    first: int
    records: Sequence[Record]
    next: int


class Cycler(Protocol):
    """What a channel's driver offers, of whatever make; `channel` is its number on the instrument, from 0."""

    channel: int
    without_host: str
    """What becomes of a started job when its host is gone, as the end of a sentence that begins with "the"."""
    haste: float
    """Seconds between questions for records at the most: those of a driver that keeps them in the host's own memory."""

    def check(self, program: Program) -> None:
        """Refuse what the channel cannot do. Raises LimitError, ProgramError."""

    def remarks(self, program: Program) -> Sequence[str]:
        """Return what the instrument does otherwise than the program says."""

    def range_of(self, step: Step) -> int:
        """Return a step's current range as a number, -1 where there is none."""

    def read_busy(self) -> int:
        """Return 1 while something runs."""

    def read_cell(self) -> float:
        """Return the voltage [V] of what is on the idle channel's leads, without a current; NaN: no reading."""

    def upload(self, job: Job) -> None:
        """Set the channel's own limits, upload the job; nothing flows yet. May be repeated with one token."""

    def start(self, token: str) -> int:
        """Start what was uploaded under this token; return the number of its first record.

        The same token again starts nothing: it asks what became of it, and answers as the first time. Raises
        Timeout when nothing runs and it may be tried again, OutcomeUnknown when nobody answers.
        """

    def stop(self) -> bool:
        """Open the cell; return whether something was running."""

    def leave(self) -> None:
        """Begin nothing more by itself: whoever started it looks no longer. What the instrument runs goes on."""

    def records(self, since: int, most: int) -> Page:
        """Return records from `since` on; those before are ours and may go where they are kept."""

    def keeps(self, token: str, trace: Mapping[str, Any]) -> bool:
        """Return whether a job of an earlier session runs, or its rows are still kept; nothing is changed by it."""

    def trace(self) -> Mapping[str, Any]:
        """Return in plain JSON values what a later session needs to know to adopt the job that was started last."""

    def adopt(self, job: Job, mark: Mark) -> int:
        """Go on with a job that an earlier session started, running or over; return the number of its next record.

        Nothing is sent that acts. The job's records behind the mark come as if this session had started it; behind one
        that is over none do, and rows are numbered on. Raises InstrumentError when the job or its rows are not there.
        """
