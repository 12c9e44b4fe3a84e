"""Runs searched for: by sample, plan, time, device, status, and by what they were and came to."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from devices.errors import DataError
from labctl.runs.briefs import COLUMNS, DERIVED, Brief, brief_of
from labctl.runs.conditions import CLOSE, Condition
from labctl.runs.index import ask_index
from labctl.runs.remarks import BAD
from labctl.runs.states import DIED, OPEN, RUNNING

AGES = {"min": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(min|h|d|w)")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


GONE_BY = ("nominal.capacity", "sample.area", "sample.thickness")
"""Values that a run went by, and that may have been measured since."""


@dataclass(frozen=True)
class Search:
    """What is searched for; what is empty or None does not matter.

    since, until: labels [s since the epoch] between which a run began. device: a name or a role that the plan
    worked with. where: conditions on values, all of which must hold. bad: marked so, or not. derived: also what was
    derived from other runs, which is left out unless a plan is named. limit: only so many, the newest; 0 for all.
    """

    sample: str = ""
    plan: str = ""
    since: float | None = None
    until: float | None = None
    device: str = ""
    status: str = ""
    bad: bool | None = None
    derived: bool = False
    where: tuple[Condition, ...] = ()
    limit: int = 0

    @property
    def gone_by(self) -> list[str]:
        """The values asked for that are as runs went by them, whatever was measured since."""
        return [key for key in GONE_BY if any(each.fits(key) for each in self.where)]


def search(data: Path, asked: Search) -> list[Brief]:
    """Return the runs that fit, in the order they began. Raises DataError for a value that no run has."""
    rows = ask_index(data, lambda connection: _rows(connection, asked))
    found = [brief_of(data, row) for row in rows]
    if asked.status in (RUNNING, DIED):
        found = [each for each in found if each.status == asked.status]
        found = found[: asked.limit or None]
    return found[::-1]


def moment(text: str, now: float, *, end: bool = False) -> float:
    """Return what was typed as a label [s since the epoch]: an age such as "2d", a day, or a day and a time.

    end: a day means its end and not its beginning. Raises DataError for anything else.
    """
    if age := _AGE.fullmatch(text.strip()):
        return now - float(age[1]) * AGES[age[2]]
    try:
        typed = datetime.fromisoformat(text.strip())
        if end and _DAY.fullmatch(text.strip()):
            typed += timedelta(days=1)
        return typed.astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{text!r} is no time; write e.g. 2d, 12h, 2026-11-01 or '2026-11-01 14:00'"
        ) from error


def _rows(connection: sqlite3.Connection, asked: Search) -> list[sqlite3.Row]:
    clauses, values = [], []
    for clause, given in _clauses(connection, asked):
        clauses.append(f" AND {clause}")
        values += given
    live = asked.status in (RUNNING, DIED)
    limit = f" LIMIT {asked.limit}" if asked.limit and not live else ""
    query = (
        f"SELECT {COLUMNS} FROM runs WHERE listed{''.join(clauses)} ORDER BY began DESC, uid DESC, path DESC"
    )
    return connection.execute(query + limit, values).fetchall()


def _clauses(connection: sqlite3.Connection, asked: Search) -> Iterator[tuple[str, list[object]]]:
    status = OPEN if asked.status in (RUNNING, DIED) else asked.status
    for name, value in (("sample", asked.sample), ("plan", asked.plan), ("status", status)):
        if value:
            yield f"{name} = ?", [value]
    if not asked.derived and not asked.plan:
        yield "purpose <> ?", [DERIVED]
    if asked.since is not None:
        yield "began >= ?", [asked.since]
    if asked.until is not None:
        yield "began < ?", [asked.until]
    if asked.bad is not None:
        yield f"mark {'=' if asked.bad else '<>'} ?", [BAD]
    if asked.device:
        yield "id IN (SELECT run FROM devices WHERE used AND ? IN (name, role))", [asked.device]
    for each in asked.where:
        yield _where(connection, each)


def _where(connection: sqlite3.Connection, asked: Condition) -> tuple[str, list[object]]:
    """Return the clause for runs of which any value that a condition speaks of fulfils it.

    Where a value must not be this, it is the runs that have a value of that name, and none that is.
    """
    known = dict(connection.execute("SELECT key, id FROM keys").fetchall())
    parts, values = [], []

    def texts(key: str) -> bool:
        # What has no number comes first in the index of amounts: no other row is looked at.
        there = "SELECT 1 FROM amounts WHERE key = ? AND number IS NULL AND text IS NOT NULL LIMIT 1"
        return connection.execute(there, [known[key]]).fetchone() is not None

    keys = asked.keys(known, texts=texts)
    is_not = asked.sign == "!="
    for key in keys:
        for part, given in _comparisons(replace(asked, sign="=") if is_not else asked, key):
            parts.append(f"SELECT run FROM amounts WHERE key = ? AND {part}")
            values += [known[key], *given]
    fitting = f"({' UNION '.join(parts)})"
    if not is_not:
        return f"id IN {fitting}", values
    marks = ", ".join("?" for _ in keys)
    there = f"SELECT run FROM amounts WHERE key IN ({marks}) AND coalesce(number, text) IS NOT NULL"
    return f"id IN ({there}) AND id NOT IN {fitting}", [*(known[key] for key in keys), *values]


def _comparisons(asked: Condition, key: str) -> Iterator[tuple[str, list[object]]]:
    number = asked.number(key)
    if number is None:
        yield "text = ?", [asked.typed]
        return
    near = CLOSE * abs(number)
    match asked.sign:
        case "=":
            yield "number BETWEEN ? AND ?", [number - near, number + near]
            yield "text = ?", [asked.typed]
        case ">" | "<=":
            yield f"number {asked.sign} ?", [number + near]
        case _:
            yield f"number {asked.sign} ?", [number - near]
