"""What was around a cell, beside the rows of the cell: the glovebox, and the temperature of the bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.analysis.joining import AMBIENT, OLDEST, SURROUNDINGS, joined, key_beside
from labctl.runs.member import Member
from labctl.runs.rows import Column, Table, read_rows

ROWS = ("primary", "impedance")
"""Streams of what was measured on a cell, which the readings stand beside."""

PLAIN = ("number", "integer", "string")
"""Types of readings that have a place beside a row."""

READINGS = 5
"""Times the period of readings after which one no longer says how it is; guess, as `OLDEST`."""

DataKeys = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Surroundings:
    """A run's readings of what is around its cell: time labels [s since the epoch] (m,), one array (m,) per key.

    ambient: the key of the one [degC] that the bench labelled so, None where it labelled none. oldest [s]: after which
    a reading no longer says how it is.
    """

    keys: DataKeys
    time: Column
    readings: Mapping[str, Column]
    ambient: str | None
    oldest: float = OLDEST

    def keys_beside(self, stream: str, keys: DataKeys) -> dict[str, Mapping[str, Any]]:
        """Return the data keys of what stands beside a stream's own; none where it is not of a cell."""
        if stream not in ROWS or not len(self.time):
            return {}
        # A number that is missing is NaN, which no integer can be.
        read = {
            key_beside(key, SURROUNDINGS, keys): {
                **described,
                "dtype": "string" if described["dtype"] == "string" else "number",
            }
            for key, described in self.keys.items()
        }
        age = {"dtype": "number", "shape": [], "source": SURROUNDINGS, "units": "s"}
        return {**read, f"{SURROUNDINGS}_age": age}

    def beside(self, times: Column, rows: Mapping[str, Column], keys: DataKeys) -> Table:
        """Return rows with the last reading before each of them, as `labctl.analysis.joining.joined` does.

        keys: all that the stream has, of which the rows may be some.
        """
        ambient = self.ambient if AMBIENT in rows else None
        named = {key_beside(key, SURROUNDINGS, keys): values for key, values in self.readings.items()}
        named_ambient = None if ambient is None else key_beside(ambient, SURROUNDINGS, keys)
        return joined(
            times, rows, self.time, named, name=SURROUNDINGS, oldest=self.oldest, ambient=named_ambient
        )


def surroundings_of(members: Sequence[Member]) -> Surroundings:
    """Return what the journals of a run have in their stream of surroundings, nothing where there is none."""
    keys: dict[str, Mapping[str, Any]] = {}
    times, tables = [np.empty(0)], []
    for member in members:
        descriptors = member.streams.get(SURROUNDINGS, [])
        if not descriptors:
            continue
        # What is around a cell is the same from journal to journal, or it is left out.
        plain = {key: each for key, each in descriptors[0]["data_keys"].items() if each["dtype"] in PLAIN}
        keys = keys or plain
        if plain.keys() != keys.keys():
            continue
        labels, table = read_rows(member.path, keys, [each["uid"] for each in descriptors])
        times.append(labels)
        tables.append(table)
    readings = {key: np.concatenate([table[key] for table in tables]) for key in keys}
    ambient = next((each.start["ambient"] for each in members if each.start.get("ambient") in keys), None)
    slowest = max((float(each.start.get("look_around", 0.0)) for each in members), default=0.0)
    return Surroundings(keys, np.concatenate(times), readings, ambient, max(OLDEST, READINGS * slowest))
