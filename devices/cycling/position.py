"""Where a flight of a program stands: what a later session needs to go on with it, in plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from devices.cycling.books import Offsets
from devices.cycling.cycler import Mark
from devices.cycling.ledger import offsets_of
from devices.cycling.programs import Program
from devices.recipes import canonical_hash, to_json
from devices.samples import SampleRef


class Phase(StrEnum):
    """Where a flight is."""

    STARTING = "starting"  # the start of a part is not yet answered
    RUNNING = "running"
    BETWEEN = "between"  # a part is over, the next not yet started; nothing runs
    OVER = "over"


class CellState(StrEnum):
    """Whether the cell of a channel is connected; the value is the word in which the channel's report says it."""

    RUNNING = "running"
    LEFT = "left running"  # the instrument goes on by itself, nobody looks on
    UNKNOWN = "unknown"  # the link was lost for good while it ran
    OPEN = "open"


@dataclass(frozen=True)
class Position:
    """How far a program has come: all that was booked of it before this was written down, and nothing after.

    sample: the id of its sample; program: its name and the hash of its body; began: the time label [s] of its
    kickoff; token, parts: of the part in hand and how many there were; offset: how long [s] after its kickoff this was
    written; cutting: that part is to be stopped at the next step. Of the records: see Mark. course, ledger: where
    these stood; rest: what of the part the job in hand runs; shift: what is added to the numbers of its rows.
    """

    sample: str
    program: str
    program_hash: str
    began: float
    token: str
    parts: int
    phase: str
    offset: float
    cutting: bool
    next: int
    elements: int
    row: int
    time: float
    trace: Mapping[str, Any]
    course: Mapping[str, Any]
    ledger: Mapping[str, Any]
    rest: Mapping[str, Any]
    shift: int = 0

    @property
    def mark(self) -> Mark:
        """How far the cycler's records were booked."""
        is_over = self.phase == Phase.BETWEEN
        return Mark(self.next, self.elements, self.row, self.time, self.trace, is_over)

    @property
    def offsets(self) -> Offsets:
        """What was counted up to here."""
        return offsets_of(self.ledger)

    def is_of(self, sample: SampleRef, program: Program) -> bool:
        """Return whether it is a place in this program on this cell."""
        return self.sample == sample.id and self.program_hash == canonical_hash(to_json(program))

    def as_json(self) -> dict[str, Any]:
        """Return it as a report has it."""
        return dict(vars(self))

    @classmethod
    def heard(cls, kept: object) -> Self | None:
        """Return what a report holds; None where it holds none, or one of another kind."""
        if not isinstance(kept, Mapping) or kept.keys() != {each.name for each in fields(cls)}:
            return None
        return cls(**kept)


NOWHERE = Mark(0, 0, 0, -1.0, {})
"""Before anything was booked."""
