"""Readings of one stream beside the rows of another: what was last read before each row, and how long ago."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np

Table = dict[str, np.ndarray[Any, Any]]

OLDEST = 300.0
"""Seconds after which a reading no longer says how it is: five of those between two; guess."""

SURROUNDINGS = "surroundings"
"""The stream of what is read around a cell."""

AMBIENT = "ambient_temperature"
"""The column of cycling rows that a reading of the surroundings may fill."""


class Streams(Protocol):
    """What a run offers."""

    @property
    def start(self) -> Mapping[str, Any]:
        """Its start document."""

    def recorded(self, stream: str) -> Mapping[str, np.ndarray[Any, Any]]:
        """Return a stream's rows as they were recorded."""

    def times(self, stream: str) -> np.ndarray[Any, Any]:
        """Return the time labels [s] of a stream's rows."""


def beside(run: Streams, stream: str, other: str, *, oldest: float = OLDEST) -> Table:
    """Return a run's recorded rows with what another of its streams said last before each, as `joined` does.

    The reading that its start document calls "ambient" fills AMBIENT.
    """
    readings = run.recorded(other)
    named = run.start.get("ambient")
    ambient = named if named in readings else None
    times, read_at = run.times(stream), run.times(other)
    return joined(times, run.recorded(stream), read_at, readings, name=other, oldest=oldest, ambient=ambient)


def joined(
    times: np.ndarray[Any, Any],
    rows: Mapping[str, np.ndarray[Any, Any]],
    read_at: np.ndarray[Any, Any],
    readings: Mapping[str, np.ndarray[Any, Any]],
    *,
    name: str,
    oldest: float = OLDEST,
    ambient: str | None = None,
) -> Table:
    """Return rows with the last reading before each of them, and its age [s] as `<name>_age`.

    times (n,), read_at (m,): time labels [s] of rows and readings, rising. A number older than `oldest` [s], or of a
    row before the first reading, is NaN, as its age is; a text is empty. A reading whose key a row has already
    becomes `<name>_<key>`. ambient: the key of the reading [degC] that fills AMBIENT, whatever stands there.
    Raises KeyError when there is no such reading.
    """
    place = np.searchsorted(read_at, times, side="right") - 1
    known = place >= 0
    age = np.full(len(times), np.nan)
    age[known] = times[known] - read_at[place[known]]
    known &= age <= oldest
    age[~known] = np.nan
    table = dict(rows)
    for key, values in readings.items():
        table[key_beside(key, name, rows)] = _taken(values, place, known)
    if ambient is not None:
        table[AMBIENT] = _taken(readings[ambient], place, known)
    return {**table, f"{name}_age": age}


def joined_units(rows: Mapping[str, str], readings: Mapping[str, str], name: str) -> dict[str, str]:
    """Return the unit of each column of `joined`, from those of rows and readings."""
    return {
        **rows,
        **{key_beside(key, name, rows): unit for key, unit in readings.items()},
        f"{name}_age": "s",
    }


def key_beside(key: str, name: str, rows: Collection[str]) -> str:
    """Return what a reading is called beside rows: its stream's name before it, where a row has its key already."""
    return key if key not in rows else f"{name}_{key}"


def _taken(
    values: np.ndarray[Any, Any], place: np.ndarray[Any, Any], known: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """Return the values in these places; NaN, or an empty text, where none is known."""
    is_number = values.dtype.kind in "fiub"
    found = np.full(len(place), np.nan if is_number else "", dtype=float if is_number else values.dtype)
    found[known] = values[place[known]]
    return found
