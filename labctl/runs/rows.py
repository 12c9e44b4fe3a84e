"""The rows of a damaged journal up to the damage; of whole ones labctl.journal.cache knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import Corrupt
from labctl.journal.documents import NUMBERS
from labctl.journal.records import decode
from labctl.journal.shape import misfit
from labctl.runs.skim import CONTRADICTIONS, descriptor_of, payloads

Column = np.ndarray[Any, Any]
Table = dict[str, Column]


class Rows(Table):
    """The columns of a stream by name, which a notebook shows with their units; a dict in all else."""

    def __init__(self, columns: Table, units: Mapping[str, str], stream: str) -> None:
        super().__init__(columns)
        self.units, self.stream = dict(units), stream

    def __repr__(self) -> str:
        # What only a prompt asks for.
        from labctl.showing.row_table import rows_text

        return rows_text(self, self.units, self.stream)

    def _repr_html_(self) -> str:
        # What only a notebook asks for.
        from labctl.notebook import rows_html

        return rows_html(self, self.units, self.stream)


def read_rows(
    path: Path, keys: Mapping[str, Mapping[str, Any]], descriptors: Sequence[str]
) -> tuple[Column, Table]:
    """Return the time labels [s since the epoch] and the columns of a stream's rows that stand before any damage.

    keys: the event-model data keys of the columns wanted. descriptors: the uids of the stream's.
    """
    times: list[Column] = []
    parts: dict[str, list[Column]] = {key: [] for key in keys}

    def take(payload: bytes) -> None:
        row = decode("R", payload)
        if misfit("R", row) or not keys.keys() <= row["data"].keys():
            raise Corrupt(f"{path}: rows that are none of a run")
        times.append(np.asarray(row["time"], dtype=float))
        for key, described in keys.items():
            parts[key].append(_array(row["data"][key], described["dtype"]))

    with suppress(Corrupt, *CONTRADICTIONS):
        _each_row(path, set(descriptors), take)
    return _joined(times, _array([], "number")), {
        key: _joined(parts[key], _array([], described["dtype"])) for key, described in keys.items()
    }


def _each_row(path: Path, wanted: set[str], take: Callable[[bytes], None]) -> None:
    for kind, payload in payloads(path):
        if kind == b"R" and descriptor_of(payload) in wanted:
            take(payload)


def _array(column: Sequence[Any], dtype: str) -> Column:
    if dtype in NUMBERS:
        # numpy reads null as NaN and the words of infinities as infinities.
        return np.array(column, dtype=float)
    return np.array(column, dtype=str if dtype == "string" else None if column else np.int64)


def _joined(parts: list[Column], empty: Column) -> Column:
    filled = [part for part in parts if len(part)]
    return np.concatenate(filled) if filled else empty
