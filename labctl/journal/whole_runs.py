"""The documents of a run that is written whole, from tables, by no engine: an import, a derived result."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.base import Column
from labctl.event_uids import event_uid

PAGE_ROWS = 4096
"""Rows in one event page."""

Document = tuple[str, dict[str, Any]]
Table = Mapping[str, Sequence[Any] | NDArray[Any]]


def stream_documents(
    run: str,
    name: str,
    columns: Mapping[str, Column],
    table: Table,
    times: Sequence[float] | NDArray[Any],
    *,
    time: float,
    source: str,
) -> Iterator[Document]:
    """Yield a stream's descriptor and its pages.

    run: the uid. table: n rows by column; times (n,): the time label of each [s since the epoch]. time: the
    descriptor's. source: what the rows are from; its first word names the object.
    """
    descriptor, made = str(uuid.uuid5(uuid.UUID(run), name)), source.partition(" ")[0]
    keys = {key: column.data_key(key, source) | {"object_name": made} for key, column in columns.items()}
    yield (
        "descriptor",
        {
            "uid": descriptor,
            "run_start": run,
            "name": name,
            "time": time,
            "data_keys": keys,
            "object_keys": {made: list(columns)},
            "configuration": {made: {"data": {}, "timestamps": {}, "data_keys": {}}},
            "hints": {made: {"fields": []}},
        },
    )
    for first in range(0, len(times), PAGE_ROWS):
        page = slice(first, first + PAGE_ROWS)
        labels = _plain(times[page])
        numbers = list(range(first + 1, first + 1 + len(labels)))
        yield (
            "event_page",
            {
                "descriptor": descriptor,
                "uid": [event_uid(run, name, number) for number in numbers],
                "seq_num": numbers,
                "time": labels,
                "data": {key: _plain(table[key][page]) for key in columns},
                "timestamps": dict.fromkeys(columns, labels),
                "filled": {},
            },
        )


def stop_document(run: str, time: float, counts: Mapping[str, int]) -> Document:
    """Return the end of a run that is whole, at a time label, with so many rows in each stream."""
    return (
        "stop",
        {
            "uid": str(uuid.uuid5(uuid.UUID(run), "/stop")),
            "time": time,
            "run_start": run,
            "exit_status": "success",
            "reason": "",
            "num_events": dict(counts),
        },
    )


def _plain(values: Sequence[Any] | NDArray[Any]) -> list[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)
