"""Bakes that broke off: how hot a film was is known, what it is now nobody can say."""

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
from labctl.runs.making import BAKE
from labctl.runs.states import DAMAGED, NEWER, RUNNING
from labctl.samples.parents import Families

ROWS, DONE, ASKED, REASON = "rows.primary", "result.done", "result.asked", "result.end_reason"

LONGEST = 500
"""Characters of what is said of one bake."""


@dataclass(frozen=True)
class BrokenBake:
    """A bake that did not come to its end; time: when it began, as a label [s since the epoch]; said: in words."""

    time: float
    said: str


def broken_bakes(
    data: Path, sample: str, named: Iterable[str] = (), families: Families | None = None
) -> list[BrokenBake]:
    """Return the bakes of a sample that broke off, oldest first; those of its parents before it was cut, too.

    One that failed before it wrote a row heated nothing; one that is under way has not broken off.
    """
    ancestors = (families or Families(data)).ancestors(sample, named)
    ends = {each.id: math.inf if each.cut is None else each.cut for each in ancestors} | {sample: math.inf}
    return ask_index(data, lambda index: [*_found(index, data, ends)])


def _found(index: sqlite3.Connection, data: Path, ends: Mapping[str, float]) -> Iterator[BrokenBake]:
    marks = ", ".join("?" for _ in ends)
    rows = index.execute(
        f"SELECT id, {COLUMNS} FROM runs WHERE listed AND plan = ? AND sample IN ({marks}) ORDER BY began, uid",
        [BAKE, *ends],
    ).fetchall()
    values = _values(index, [row[0] for row in rows])
    for run, *columns in rows:
        brief, known = brief_of(data, columns), values.get(run, {})
        done, asked = known.get(DONE, 0.0), known.get(ASKED, 0.0)
        is_whole = brief.status == "success" and done >= asked
        is_known = brief.status not in (RUNNING, DAMAGED, NEWER)
        if not known.get(ROWS) or is_whole or not is_known or brief.time >= ends[brief.sample]:
            continue
        much = f" after {done:.0f} of {asked:.0f} segments" if asked > 0 else ""
        why = without_class(str(known.get(REASON, brief.status)))
        yield BrokenBake(brief.time, f"its bake by {brief.body} broke off{much} ({why})"[:LONGEST])


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
