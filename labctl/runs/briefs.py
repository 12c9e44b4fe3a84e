"""Runs in one line each, found through the index."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.runs.entries import OPEN
from labctl.runs.index import ask_index

LAST = "last"
"""What may be typed for the run that began last."""

RUNNING, DIED = "running", "died"

ORDER = "ORDER BY began, uid, path"


@dataclass(frozen=True)
class Brief:
    """A run in one line.

    time, ended: labels [s since the epoch], ended that of the last row where there is no stop document. plan,
    sample, ...: as its start document says. status: of its stop document; "running", or "died" without one;
    "damaged". mark: "bad" if somebody said so. continues: the uid of the run that it goes on with, if any.
    """

    uid: str
    path: Path
    time: float
    ended: float
    plan: str
    sample: str
    experiment: str
    status: str
    label: str = ""
    body: str = ""
    mark: str = ""
    why: str = ""
    remarks: int = 0
    continues: str = ""
    damage: str = ""


COLUMNS = (
    "uid, path, began, ended, plan, sample, experiment, status, label, body, mark, why, remarks, continues, damage"
)


def run_files(data: Path) -> list[Path]:
    """Return the journals of a data directory, oldest folder first."""
    return sorted((data / "runs").glob("*/*/*.jnl"))


def find_run(data: Path, uid: str) -> Path:
    """Return the journal whose uid begins so, or of the `last` run. Raises DataError when none or several do."""
    if uid == LAST:
        newest = _listed(data, "ORDER BY began DESC, uid DESC LIMIT 1")
        if not newest:
            raise DataError(f"there are no runs in {data}")
        return newest[0].path
    found = _listed(data, f"AND uid >= ? AND uid < ? {ORDER}", uid, f"{uid}\U0010ffff") if uid else []
    if len(found) != 1:
        which = "no run" if not found else f"{len(found)} runs"
        raise DataError(f"{which} in {data} with a uid that begins with {uid!r}; `labctl runs` lists them")
    return found[0].path


def briefs(data: Path) -> Iterator[Brief]:
    """Yield every run in one line, in the order they began."""
    yield from _listed(data, ORDER)


def followers(data: Path, uid: str) -> list[Brief]:
    """Return the runs that say that they go on with a run, in the order they began."""
    return _listed(data, f"AND continues = ? {ORDER}", uid)


def brief_of(data: Path, row: sqlite3.Row) -> Brief:
    """Return the run of an index row with COLUMNS."""
    _, path, *columns = row
    brief = Brief(row[0], data / path, *columns)
    if brief.status != OPEN:
        return brief
    return Brief(**{**vars(brief), "status": RUNNING if is_written(brief.path) else DIED})


def is_written(journal: Path) -> bool:
    """Return whether a process writes a journal now: it holds the file's lock. The lock is tried and given back."""
    try:
        with journal.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:
        # It is gone, or its file system knows no locks.
        return False
    return False


def _listed(data: Path, condition: str, *values: object) -> list[Brief]:
    query = f"SELECT {COLUMNS} FROM runs WHERE listed {condition}"
    rows = ask_index(data, lambda connection: connection.execute(query, values).fetchall())
    return [brief_of(data, row) for row in rows]
