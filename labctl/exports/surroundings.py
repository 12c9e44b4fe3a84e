"""What was around a cell, beside the rows of the cell: the glovebox, and the temperature of the bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.analysis.joining import AMBIENT, joined, key_beside
from labctl.exports.outputs import writable
from labctl.runs.rows import read_rows
from labctl.runs.run import Run

if TYPE_CHECKING:
    from labctl.exports.batches import Batch

STREAM = "surroundings"

ROWS = ("primary", "impedance")
"""Streams of what was measured on a cell, which the readings stand beside."""

PLAIN = ("number", "integer", "string")
"""Types of readings that have a place beside a row."""


@dataclass(frozen=True)
class Surroundings:
    """A run's readings of what is around its cell: time labels [s since the epoch] (m,), one array (m,) per key.

    ambient: the key of the one [degC] that the bench labelled so, None where it labelled none.
    """

    keys: Mapping[str, Mapping[str, Any]]
    time: np.ndarray[Any, Any]
    readings: Mapping[str, np.ndarray[Any, Any]]
    ambient: str | None

    def beside(self, batch: Batch) -> Batch:
        """Return a batch with the last reading before each row, as `labctl.analysis.joining.joined` does."""
        if batch.stream not in ROWS or not len(self.time):
            return batch
        ambient = self.ambient if AMBIENT in batch.keys else None
        columns = joined(batch.time, batch.columns, self.time, self.readings, name=STREAM, ambient=ambient)
        age = {f"{STREAM}_age": {"dtype": "number", "shape": [], "source": STREAM, "units": "s"}}
        # A number that is missing is NaN, which no integer can be.
        read = {
            key_beside(key, STREAM, batch.keys): {
                **described,
                "dtype": "string" if described["dtype"] == "string" else "number",
            }
            for key, described in self.keys.items()
        }
        return replace(batch, keys={**batch.keys, **read, **age}, columns=columns)


def surroundings_of(run: Run) -> Surroundings:
    """Return what a run's stream of surroundings holds, nothing where it has none; of a chain that of all journals."""
    keys: dict[str, Mapping[str, Any]] = {}
    times, tables = [np.empty(0)], []
    for member in run.members:
        descriptors = member.streams.get(STREAM, [])
        if not descriptors:
            continue
        # What is around a cell is the same from journal to journal, or it is left out of the exports.
        plain = {key: each for key, each in descriptors[0]["data_keys"].items() if each["dtype"] in PLAIN}
        keys = keys or plain
        if plain.keys() != keys.keys():
            continue
        labels, table = read_rows(member.path, keys, [each["uid"] for each in descriptors])
        times.append(labels)
        tables.append(table)
    readings = {key: _texts(np.concatenate([table[key] for table in tables])) for key in keys}
    ambient = next((each.start["ambient"] for each in run.members if each.start.get("ambient") in keys), None)
    return Surroundings(keys, np.concatenate(times), readings, ambient)


def _texts(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return texts as objects, as batches have them; numbers as they are."""
    if column.dtype.kind != "U":
        return column
    texts = np.empty(len(column), dtype=object)
    texts[:] = [writable(text) for text in column.tolist()]
    return texts
