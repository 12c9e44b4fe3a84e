"""What a run and those that went on with it came to together: kept with the last of them that has an end.

A mark that was put on one of them stands with all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from devices.errors import DataError
from labctl.runs.entries import STREAMS, cycle_results
from labctl.runs.links import linked
from labctl.runs.remarks import Remarks, remarks_on, together
from labctl.runs.skim import Skim, skim
from labctl.runs.states import DAMAGED, NEWER, OPEN

OF_ALL = (
    "result.cycles",
    "result.first_discharge",
    "result.last_discharge",
    "result.best_discharge",
    "result.retention",
)
"""Values that only all journals of a chain together have; pulses and outcomes are each journal's own."""


def settle_chains(connection: sqlite3.Connection, data: Path, touched: Collection[str]) -> None:
    """Move the results of chains, some journals of which were read anew, to their last run that has an end, and
    give all their journals the mark of the run.

    touched: paths below the data directory. Until a follower ends, what was there before it stays with its own run.
    The caller has begun a transaction.
    """
    rows = connection.execute(
        "SELECT uid, path FROM runs WHERE listed AND (continues <> '' OR uid IN"
        " (SELECT continues FROM runs WHERE continues <> ''))"
    ).fetchall()
    left = {path: uid for uid, path in rows if path in touched}
    while left:
        _, uid = left.popitem()
        paths = list(linked(connection, uid).values())
        for path in paths:
            left.pop(path, None)
        _mark(connection, data, paths)
        _settle(connection, data, paths)


def broken_chains(connection: sqlite3.Connection, gone: Collection[str]) -> Iterator[str]:
    """Yield the paths of runs that must be read again because one of their chain is gone, and its part with it."""
    for path in gone:
        row = connection.execute(
            "SELECT uid FROM runs WHERE path = ? AND (continues <> '' OR uid IN (SELECT continues FROM runs))",
            (path,),
        ).fetchone()
        if row is not None:
            yield from linked(connection, row[0]).values()


def _mark(connection: sqlite3.Connection, data: Path, paths: Sequence[str]) -> None:
    said = together(_remarks(data / path) for path in paths)
    if said.marked > Remarks().marked:
        connection.executemany(
            "UPDATE runs SET mark = ?, why = ? WHERE path = ?",
            [(said.mark, said.why, path) for path in paths],
        )


def _remarks(journal: Path) -> Remarks:
    try:
        return remarks_on(journal)
    except DataError:
        return Remarks()  # what is broken is said of its own journal


def _settle(connection: sqlite3.Connection, data: Path, paths: Sequence[str]) -> None:
    members = [
        connection.execute("SELECT id, status FROM runs WHERE path = ?", (path,)).fetchone() for path in paths
    ]
    ended = [place for place, (_, status) in enumerate(members) if status not in (OPEN, DAMAGED, NEWER)]
    if not ended or ended[-1] == 0:
        return
    together = slice(0, ended[-1] + 1)
    try:
        found = _together([skim(data / path, STREAMS) for path in paths[together]])
    except DataError:
        return  # one of them is gone since it was listed; the next question reads it again
    ids = [run for run, _ in members[together]]
    keys = dict(connection.execute("SELECT key, id FROM keys").fetchall())
    for key in OF_ALL:
        connection.executemany(
            "DELETE FROM amounts WHERE run = ? AND key = ?", [(run, keys.get(key, -1)) for run in ids]
        )
    for key, number, _ in cycle_results(found):
        connection.execute("INSERT OR IGNORE INTO keys (key) VALUES (?)", (key,))
        connection.execute(
            "INSERT INTO amounts SELECT ?, id, ?, NULL FROM keys WHERE key = ?", (ids[-1], number, key)
        )


def _together(members: Sequence[Skim]) -> Skim:
    """Return what journals say of their cycles and steps as if they were one."""
    whole = Skim()
    for each in members:
        for stream in STREAMS:
            whole.rows.setdefault(stream, []).extend(each.rows.get(stream, []))
            whole.counts[stream] = whole.counts.get(stream, 0) + each.counts.get(stream, 0)
    return whole
