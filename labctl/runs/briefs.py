"""Runs in one line each, found through the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from devices.errors import DataError
from labctl.runs.index import ask_index, is_written
from labctl.runs.states import DIED, OPEN, RUNNING

LAST = "last"
"""What may be typed for the run that began last, results that were derived aside."""

DERIVED = "derived"
"""The purpose of runs that hold what was derived from others; nothing was done on a bench in them."""

ORDER = "ORDER BY began, uid, path"


class Brief(NamedTuple):
    """A run in one line.

    time, ended: labels [s since the epoch], ended that of the last row where there is no stop document. plan,
    sample, ...: as its start document says. status: of its stop document; "running", or "died" without one;
    "damaged" or "newer" where the journal cannot be read, damage says why. mark: "bad" if somebody said so.
    continues: the uid of the run that it goes on with, if any.
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


NAMES = (
    "uid", "path", "began", "ended", "plan", "sample", "experiment", "status", "label", "body", "mark", "why",
    "remarks", "continues", "damage",
)  # fmt: skip
"""The columns of the index that a Brief is made of, in its order."""

COLUMNS = ", ".join(NAMES)


def run_files(data: Path) -> list[Path]:
    """Return the journals of a data directory, oldest folder first."""
    return sorted((data / "runs").glob("*/*/*.jnl"))


def find_run(data: Path, uid: str) -> Path:
    """Return the journal whose uid begins so, or of the `last` run. Raises DataError when none or several do."""
    if uid == LAST:
        newest = _listed(data, "AND purpose <> ? ORDER BY began DESC, uid DESC LIMIT 1", DERIVED)
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


def latest_label(data: Path) -> float:
    """Return the latest time label [s since the epoch] of any run, 0 where there is none.

    A night rehearsed in seconds ends tomorrow: what is entered by hand now comes after it all the same.
    """
    latest = ask_index(
        data, lambda connection: connection.execute("SELECT max(ended) FROM runs WHERE listed").fetchone()[0]
    )
    return latest or 0.0


def brief_from(journal: Path, *followers: Path) -> Brief:
    """Return a run in one line from its journal itself, wherever that stands; marked as any of its journals is.

    Raises DataError when it says nothing.
    """
    from labctl.runs.entries import entry_of, remark_columns

    entry = entry_of(journal)
    if entry is None:
        raise DataError(f"{journal} ends before its start document; there is nothing to read")
    found = {**entry.columns, **remark_columns(journal, *followers), "path": journal}
    return _told(*(found.get(name, "") for name in NAMES))


def brief_of(data: Path, row: sqlite3.Row) -> Brief:
    """Return the run of an index row with COLUMNS."""
    uid, path, *columns = row
    return _told(uid, Path(f"{data}/{path}"), *columns)


def _told(*columns: Any) -> Brief:
    brief = Brief(*columns)
    if brief.status != OPEN:
        return brief
    return brief._replace(status=RUNNING if is_written(brief.path) else DIED)


def _listed(data: Path, condition: str, *values: object) -> list[Brief]:
    query = f"SELECT {COLUMNS} FROM runs WHERE listed {condition}"
    rows = ask_index(data, lambda connection: connection.execute(query, values).fetchall())
    return [brief_of(data, row) for row in rows]
