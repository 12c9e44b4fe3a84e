"""Journals of which this labctl cannot read whose run they are: damaged there, written by a newer one, or foreign."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.fact_file import Fact, add_fact, read_facts
from labctl.journal.aside import aside_journals, put_aside
from labctl.journal.places import run_path
from labctl.runs.index import ask_index
from labctl.runs.remarks import remarks_path
from labctl.runs.states import NEVER

SET_ASIDE = "set aside"
"""The fact, beside the journal, that a person had it set aside."""


@dataclass(frozen=True)
class Unread:
    """A journal and why it is not read.

    aside: the time label [s since the epoch] at which it was set aside; None of one that stands where it stood.
    """

    path: Path
    why: str
    aside: float | None = None

    @property
    def uid(self) -> str:
        """The run's uid as its file is named; of a foreign file its name."""
        return self.path.stem

    def __str__(self) -> str:
        return self.why if self.aside is None else f"{self.path.name} was set aside: {self.why}"


def absent(data: Path, uid: str, time: float) -> Unread:
    """Return the journal of a run that began at `time` [s since the epoch], which is not there. Raises DataError."""
    path = run_path(data, uid, time)
    return Unread(path, f"{path} is {'no file' if path.exists() else 'not there'}")


def journals(index: sqlite3.Connection) -> set[str]:
    """Return the uids of all journals that stand in a data directory, as their files are named."""
    return {Path(path).stem for (path,) in index.execute("SELECT path FROM runs")}


def unread(data: Path, index: sqlite3.Connection | None = None) -> list[Unread]:
    """Return the journals that do not say whose run they are, also those that were set aside; index: as it is open."""
    rows = ask_index(data, _rows) if index is None else _rows(index)
    standing = [
        Unread(data / path, damage or f"{data / path} ends before its start document")
        for path, damage in rows
    ]
    return [*standing, *(_of(path) for path in aside_journals(data))]


def _rows(index: sqlite3.Connection) -> list[tuple[str, str]]:
    query = "SELECT path, damage FROM runs WHERE NOT listed OR (damage <> '' AND began = ?) ORDER BY path"
    return [tuple(row) for row in index.execute(query, (NEVER,))]


def _of(aside: Path) -> Unread:
    try:
        told = [fact for fact in read_facts(remarks_path(aside)) if fact["fact"] == SET_ASIDE]
    except DataError as error:
        return Unread(aside, str(error), NEVER)
    last: Fact = told[-1] if told else {"time": NEVER}
    return Unread(aside, str(last.get("why", "nobody said why")), float(last["time"]))


def set_aside(journal: Path, why: str, *, time: float, who: str) -> Path:
    """Set a journal aside by a person's word and return where it is; of one that is not there an empty one.

    Raises OwnershipError while it is written, DataError when the folder does not take it.
    """
    add_fact(remarks_path(journal), time, SET_ASIDE, why=why, who=who)
    return put_aside(journal)
