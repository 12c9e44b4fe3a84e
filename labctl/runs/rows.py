"""The rows of one stream of one journal as columns: nothing else of the journal is decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import Corrupt
from labctl.journal.documents import NUMBERS, numeric
from labctl.runs.skim import descriptor_of, payloads

Column = np.ndarray[Any, Any]
Table = dict[str, Column]

EMPTY: Mapping[str, Any] = {"string": str, "integer": int}
"""The type of a column without rows, by that of its key; floats otherwise."""


def read_rows(
    path: Path,
    keys: Mapping[str, Mapping[str, Any]],
    descriptors: Sequence[str],
    *,
    until_damage: bool = False,
) -> tuple[Column, Table]:
    """Return the time labels [s since the epoch] and the columns of a stream's rows, in the order they were taken.

    keys: the event-model data keys of the columns wanted. descriptors: the uids of the stream's. Memory goes with
    the columns wanted. Raises Corrupt as reading does, unless until_damage: then what stands before it counts.
    """
    times: list[Column] = []
    parts: dict[str, list[Column]] = {key: [] for key in keys}

    def take(payload: bytes) -> None:
        row = json.loads(payload)
        times.append(np.asarray(row["time"], dtype=float))
        for key, described in keys.items():
            column = row["data"][key]
            parts[key].append(np.asarray(numeric(column) if described["dtype"] in NUMBERS else column))

    _each_row(path, set(descriptors), take, until_damage)
    return _joined(times, float), {
        key: _joined(parts[key], EMPTY.get(described["dtype"], float)) for key, described in keys.items()
    }


def _each_row(path: Path, wanted: set[str], take: Callable[[bytes], None], until_damage: bool) -> None:
    try:
        for kind, payload in payloads(path):
            if kind == b"R" and descriptor_of(payload) in wanted:
                take(payload)
    except Corrupt:
        if not until_damage:
            raise


def _joined(parts: list[Column], kind: Any) -> Column:
    filled = [part for part in parts if len(part)]
    return np.concatenate(filled) if filled else np.asarray([], dtype=kind)
