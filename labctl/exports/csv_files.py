"""CSV as RFC 4180 has it, one file per stream: units in the header, no comments, safe in spreadsheets."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labctl.exports.batches import Batch, Column, RunFile
from labctl.exports.outputs import Outputs, safe_name

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell of text must not begin with: a spreadsheet would take it for a formula [OWASP, CSV injection]."""


def write_csv(run: RunFile, outputs: Outputs) -> list[str]:
    """Write a file per stream and return remarks: none.

    A failed reading (NaN) is an empty cell. An array is a cell of JSON. Floats are the shortest text that reads
    back as the same number.
    """
    writers: dict[str, Any] = {}
    for batch in run.batches():
        if batch.stream not in writers:
            ending = f"-{safe_name(batch.stream, f'stream{len(writers)}')}.csv"
            writers[batch.stream] = csv.writer(outputs.text(ending), lineterminator="\r\n")
            writers[batch.stream].writerow(header(list(batch.labelled()), label_units(batch)))
        writers[batch.stream].writerows(rows_of(list(batch.labelled().values())))
    return []


def header(keys: Sequence[str], units: Mapping[str, str]) -> list[str]:
    """Return a header with the units in brackets."""
    return [
        guarded(f"{key} ({units[key]})" if units.get(key) not in (None, "", "1") else key) for key in keys
    ]


def label_units(batch: Batch) -> dict[str, str]:
    """Return the unit of each labelled column."""
    return {"time": "s", "event_time": "s", **batch.units()}


def rows_of(columns: Sequence[Column]) -> zip[tuple[Any, ...]]:
    """Return rows of cells that a csv writer takes."""
    return zip(*map(_cells, columns), strict=True)


def guarded(text: str) -> str:
    """Return a text as a cell: with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) else text


def _cells(column: Column) -> list[Any]:
    if column.dtype.kind == "f":
        return ["" if not math.isfinite(value) else value for value in column.tolist()]
    if column.dtype.kind == "O":
        return [_array(each) if isinstance(each, np.ndarray) else guarded(each) for each in column]
    cells: list[Any] = column.tolist()
    return cells


def _array(values: Column) -> str:
    return json.dumps([value if math.isfinite(value) else None for value in values.ravel().tolist()])
