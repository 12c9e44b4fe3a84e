"""Runs that go on with one another: a follower's rows continue those of the run that died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labctl.runs.index import ask_index
from labctl.runs.links import linked
from labctl.runs.rows import Column, Table

SO_FAR: Mapping[str, Mapping[str, str]] = {
    "primary": {
        each: each
        for each in ("test_time", "charge", "energy", "cycle", "step_count", "record", "elapsed", "pulse")
    },
    "impedance": {each: each for each in ("test_time", "cycle", "step_count", "record", "spectrum")},
    "steps": {"cycle": "cycle", "step_count": "step_count", "t_start": "test_time", "t_end": "test_time"},
    "cycles": {"cycle": "cycle"},
    "events": {"t": "test_time"},
    "residual": {"t": "test_time"},
}
"""Which columns of a follower's stream go on with which of the `offsets` in its start document."""

IDENTITY: Mapping[str, tuple[str, ...]] = {
    "primary": ("record",),
    "impedance": ("record", "frequency"),
    "steps": ("step_count",),
    "cycles": ("cycle",),
}
"""What tells a row from every other of its stream, where an instrument or the books say it."""

BOOKED = frozenset({"steps", "cycles"})
"""Streams of which the last journal is right: what a run that was broken off counted in part, a later one has whole."""


def chain_of(data: Path, uid: str) -> list[Path]:
    """Return the journals of the run that goes through a uid, from the first that is there to the last."""
    return ask_index(data, lambda connection: [data / path for path in linked(connection, uid).values()])


def joined(stream: str, parts: Sequence[tuple[Mapping[str, Any], Column, Table]]) -> tuple[Column, Table]:
    """Return the rows of a chain as one table: of each journal its start document, time labels and columns.

    What a follower counts from zero goes on where its `offsets` say, and a row that both have is there once: the first,
    of BOOKED streams the last.
    """
    seen: set[tuple[Any, ...]] = set()
    rows = []
    for start, labels, table in reversed(parts) if stream in BOOKED else parts:
        shifted = _shifted(stream, table, start.get("offsets") or {})
        fresh = _fresh(stream, shifted, seen)
        rows.append(
            (labels, shifted)
            if fresh is None
            else (labels[fresh], {key: column[fresh] for key, column in shifted.items()})
        )
    times, tables = zip(*(reversed(rows) if stream in BOOKED else rows), strict=True)
    keys = dict.fromkeys(key for table in tables for key in table)
    return np.concatenate(times), {
        key: _together([table.get(key) for table in tables], [len(each) for each in times]) for key in keys
    }


def _shifted(stream: str, table: Table, offsets: Mapping[str, float]) -> Table:
    added = SO_FAR.get(stream, {})
    return {
        key: column + column.dtype.type(offsets[added[key]]) if added.get(key) in offsets else column
        for key, column in table.items()
    }


def _fresh(stream: str, table: Table, seen: set[tuple[Any, ...]]) -> Column | None:
    """Return which rows no journal seen had, None for all of them; `seen` grows."""
    identity = [key for key in IDENTITY.get(stream, ()) if key in table]
    if not identity or (stream not in BOOKED and "record" not in identity):
        return None
    rows = list(zip(*(table[key].tolist() for key in identity), strict=True))
    fresh = np.array([row not in seen for row in rows], dtype=bool)
    seen.update(rows)
    return fresh


def _together(columns: Sequence[Column | None], lengths: Sequence[int]) -> Column:
    """Return columns one after the other; where a journal has none of the kind, NaN or an empty text stands."""
    kind = next(column.dtype.kind for column in columns if column is not None)
    filler = "" if kind == "U" else np.nan
    return np.concatenate(
        [
            np.full(length, filler) if column is None else column
            for column, length in zip(columns, lengths, strict=True)
            if length
        ]
        or [columns[0] if columns[0] is not None else np.asarray([])]
    )
