"""The run of a script, as whoever started it or took it over knows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devices.cycling.cycler import ElementBegan, Record, RowTaken, RunStopped, SpectrumPoint
from devices.cycling.ends import EndReason
from devices.methodscript.reading import RunReader

PATIENCE = 2.0
"""How many times its longest silence a script may be silent before it is asked for, and so many seconds more."""

VANISHED = {
    False: (
        "no script runs any more although nothing was lost on the link: the instrument was switched off and on, or its"
        " firmware restarted",
        EndReason.INSTRUMENT_ERROR,
    ),
    True: (
        "no script runs any more, and how this one ended was not heard: the link was silent meanwhile",
        EndReason.UNCLEAR,
    ),
}
"""What is said of a run that is not there any more, by whether the link was silent."""


@dataclass
class Skip:
    """Records that were booked by an earlier session: so many steps begun, rows up to this number."""

    elements: int
    row: int

    def new(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield what was not booked; it begins behind the last of the steps begun and of the rows."""
        for record in records:
            known = self.elements > 0 or self.row > 0
            if isinstance(record, ElementBegan):
                self.elements -= 1
            elif isinstance(record, RowTaken | SpectrumPoint) and record.number >= self.row:
                known, self.row = known and record.number == self.row, 0
            if not known or isinstance(record, RunStopped):
                yield record


@dataclass
class Run:
    """A run: its token and reader, when it began and was last heard of [s], the number of its first record.

    rows: of the channel before it. suspect: after a broken link; doubtful: whether it began at all is not known.
    skips: what another session had of it already, where it was taken over. dropped: nothing more is expected of it,
    although it was not heard to end.
    """

    token: str
    reader: RunReader
    began: float
    heard: float
    first: int
    rows: int
    suspect: bool = False
    doubtful: bool = False
    skips: Skip | None = None
    dropped: bool = False

    @property
    def file(self) -> str:
        """The path of its file; empty where there is none."""
        return self.reader.script.file

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.dropped or self.reader.over

    @property
    def is_heard_out(self) -> bool:
        """Whether it sends nothing more: what it has yet to tell is in its file."""
        return self.reader.over or self.reader.awaits_file

    @property
    def is_anothers(self) -> bool:
        """Whether it was taken over, and the script that runs is another's."""
        return self.skips is not None and self.reader.is_foreign

    def is_overdue(self, now: float) -> bool:
        """Return whether it ought to have been heard of by `now` [s]."""
        if self.doubtful:
            return False
        return self.suspect or now - self.heard > PATIENCE * self.reader.script.silence + PATIENCE

    def hear(self, line: str, now: float) -> list[Record]:
        """Return the records that a line makes which came at `now` [s]."""
        self.heard = now
        return self.reader.feed(line, now - self.began)

    def vanish(self, *, silent: bool, now: float) -> list[Record]:
        """Hear that no script runs at `now` [s], after a silence of the link or without one.

        Return its last records; none where a file has them.
        """
        why, cause = VANISHED[silent]
        if self.file:
            self.reader.vanish(why, cause)
            return []
        ended = self.reader.ended_unheard(now - self.began) if silent else []
        return ended or self.reader.lost(why, cause)

    def new(self, records: Iterable[Record]) -> Iterable[Record]:
        """Return those of its records that no session has booked."""
        return records if self.skips is None else self.skips.new(records)
