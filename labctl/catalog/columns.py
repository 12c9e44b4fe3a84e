"""Row records of a journal as Arrow tables, in the columns that bluesky's Tiled plugins read.

Arrays have nodes of their own; only arrays of text are lists in a cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from labctl.catalog.metadata import kept_text
from labctl.journal.documents import numeric

Rows = Mapping[str, Any]
"""A row record's payload: first seq_num, times, data and those timestamps that are not the times."""

STAMP = "ts_"
"""What stands before a key in the name of its column of timestamps."""

ROW = STAMP + "seq_num"
"""The column of row numbers, by which tables are sorted on reading: seq_num begins again when a plan goes back."""

PLAIN = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "string": pa.string()}


def schema_of(data_keys: Mapping[str, Mapping[str, Any]]) -> pa.Schema:
    """Return the columns of a stream: seq_num, time, one per key that is no array, one of timestamps per key."""
    keys = [
        pa.field(key, type_of(described)) for key, described in data_keys.items() if not is_array(described)
    ]
    stamps = [pa.field(STAMP + key, pa.float64()) for key in data_keys]
    numbers = [pa.field("seq_num", pa.int64()), pa.field(ROW, pa.int64())]
    return pa.schema([*numbers, pa.field("time", pa.float64()), *keys, *stamps])


def is_array(described: Mapping[str, Any]) -> bool:
    """Return whether a key's values are arrays of numbers."""
    return described["dtype"] == "array" and np.dtype(described.get("dtype_numpy", "f8")).kind not in "SU"


def type_of(described: Mapping[str, Any]) -> pa.DataType:
    """Return the column type of a data key; an array of text is a list of lists of ... in one cell."""
    if described["dtype"] != "array":
        return PLAIN[described["dtype"]]
    column = pa.string()
    for _ in described["shape"] or [None]:
        column = pa.list_(column)
    return column


def table_of(schema: pa.Schema, records: Sequence[Rows], first: int = 0, skip: int = 0) -> pa.Table:
    """Return the rows of several records without the first `skip`; the very first is the stream's row `first`.

    Raises pyarrow.ArrowInvalid when they do not fit.
    """
    times = pa.array(chain.from_iterable(rows["time"] for rows in records), pa.float64())
    columns: dict[str, pa.Array] = {
        "seq_num": pa.array(
            np.concatenate(
                [np.arange(len(rows["time"])) + rows["first"] for rows in records] or [np.array([], int)]
            )
        ),
        ROW: pa.array(np.arange(first, first + len(times))),
        "time": times,
    }
    for field in schema:
        if field.name in columns:
            continue
        key = field.name.removeprefix(STAMP)
        if key != field.name and field.name not in (records[0]["data"] if records else ()):
            columns[field.name] = _stamps(records, key, times)
        else:
            values = list(chain.from_iterable(rows["data"][field.name] for rows in records))
            columns[field.name] = column_of(values, field.type)
    return pa.table(columns, schema=schema).slice(skip)


def _stamps(records: Sequence[Rows], key: str, times: pa.Array) -> pa.Array:
    if not any(key in rows["timestamps"] for rows in records):
        return times
    stamps = (rows["timestamps"].get(key, rows["time"]) for rows in records)
    return pa.array(chain.from_iterable(stamps), pa.float64())


def column_of(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Return one column of what stands in a journal: null in a column of floats is NaN, elsewhere nothing."""
    inner = kind
    while pa.types.is_list(inner):
        inner = inner.value_type
    if pa.types.is_floating(inner):
        values = numeric(values)
    elif pa.types.is_string(inner):
        values = kept_text(values)
    if pa.types.is_floating(kind) and not set(map(type, values)) <= {float}:
        return pa.array(np.asarray(values, dtype=float))
    if pa.types.is_integer(inner):
        return pa.array(values).cast(kind)  # pa.array(values, kind) would take 1.5 for 1
    return pa.array(values, kind)
