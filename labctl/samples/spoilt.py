"""Heat that leaves a doubt: a bake that broke off, after which nobody can say what the film is, and bakes and flashes
that a person marked bad."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.plain_text import without_class
from labctl.runs.briefs import COLUMNS, brief_of
from labctl.runs.index import ask_index
from labctl.runs.kinds import ANNEAL, BAKE
from labctl.runs.remarks import BAD
from labctl.runs.states import DAMAGED, NEWER, RUNNING
from labctl.samples.parents import Families

ROWS, DONE, ASKED, REASON = "rows.primary", "result.done", "result.asked", "result.end_reason"

LONGEST = 500
"""Characters of what is said of one run."""


@dataclass(frozen=True)
class Doubt:
    """A doubt that heat left; time: when the heat began, as a label [s since the epoch]; said: in words."""

    time: float
    said: str


def spoilt(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[Doubt]:
    """Return what heat left as doubts on a sample, oldest first; on its parents before it was cut, too.

    A run that failed before it wrote a row heated nothing; one that is under way has not broken off.
    """
    ancestors = (families or Families(data)).ancestors(sample, named)
    ends = {each.id: math.inf if each.cut is None else each.cut for each in ancestors} | {sample: math.inf}
    return ask_index(data, lambda index: [*_found(index, data, ends)])


def _found(index: sqlite3.Connection, data: Path, ends: Mapping[str, float]) -> Iterator[Doubt]:
    marks = ", ".join("?" for _ in ends)
    rows = index.execute(
        f"SELECT id, {COLUMNS} FROM runs WHERE listed AND sample IN ({marks})"
        " AND (plan = ? OR (plan = ? AND mark = ?)) ORDER BY began, uid",
        [*ends, BAKE, ANNEAL, BAD],
    ).fetchall()
    values = _values(index, [row[0] for row in rows])
    for run, *columns in rows:
        brief, known = brief_of(data, columns), values.get(run, {})
        if brief.time >= ends[brief.sample]:
            continue
        is_known = brief.status not in (RUNNING, DAMAGED, NEWER)
        if brief.mark and (known.get(ROWS) or not is_known):
            yield Doubt(brief.time, marked(brief.plan, brief.uid, brief.why))
        done, asked = known.get(DONE, 0.0), known.get(ASKED, 0.0)
        is_whole = brief.status == "success" and done >= asked
        if brief.plan != BAKE or not known.get(ROWS) or is_whole or not is_known:
            continue
        much = f" after {done:.0f} of {asked:.0f} segments" if asked > 0 else ""
        why = without_class(str(known.get(REASON, brief.status)))
        yield Doubt(brief.time, f"its bake by {brief.body} broke off{much} ({why})"[:LONGEST])


def marked(plan: str, run: str, why: str) -> str:
    """Return the doubt about what a run did that a person marked bad."""
    return f"its {plan}, run {run[:8]}, is marked bad{f': {why}' if why else ''}"[:LONGEST]


def _values(index: sqlite3.Connection, runs: Collection[int]) -> dict[int, dict[str, Any]]:
    names, marks = (ROWS, DONE, ASKED, REASON), ", ".join("?" for _ in runs)
    found: dict[int, dict[str, Any]] = {}
    for run, key, number, text in index.execute(
        "SELECT run, keys.key, number, text FROM amounts JOIN keys ON keys.id = amounts.key"
        f" WHERE run IN ({marks}) AND keys.key IN (?, ?, ?, ?)",
        [*runs, *names],
    ).fetchall():
        found.setdefault(run, {})[key] = number if text is None else text
    return found
