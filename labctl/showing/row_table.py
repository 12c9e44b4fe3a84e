"""The rows of a stream as cells of text in bench units: the first and the last ones, for a prompt and a notebook."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.bench_units import bench_head, bench_text

ROWS = 20
"""Rows of a table that are shown; half of them from its beginning, half from its end."""

COLUMNS = 16

Columns = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class RowTable:
    """Names and units of columns, cells of rows, and what they are of; gap: after how many rows some are left out."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    caption: str
    gap: int = 0


def row_table(columns: Columns, units: Mapping[str, str], stream: str, most: int = COLUMNS) -> RowTable:
    """Return the ends of a stream's rows; at the most so many columns, the others are named in the caption."""
    shown = [key for key in columns if columns[key].ndim == 1][:most]
    length = len(next(iter(columns.values()), ()))
    numbers = list(range(length))
    if length > ROWS:
        numbers = [*numbers[: ROWS // 2], *numbers[-ROWS // 2 :]]
    left_out = f", {length - len(numbers)} between not shown" if length > len(numbers) else ""
    hidden = [key for key in columns if key not in shown]
    more = f"; not shown: {', '.join(hidden)}" if hidden else ""
    return RowTable(
        tuple(shown),
        tuple(bench_head(key, units.get(key, "")) for key in shown),
        tuple(
            tuple(bench_text(key, units.get(key, ""), columns[key][number]) for key in shown)
            for number in numbers
        ),
        f"{stream}: {length} rows{left_out}{more}",
        ROWS // 2 if left_out else 0,
    )


def rows_text(columns: Columns, units: Mapping[str, str], stream: str) -> str:
    """Return the ends of a stream's rows as lines that a terminal shows whole: the first columns, as many as fit."""
    room, most = shutil.get_terminal_size().columns, COLUMNS
    while True:
        table = row_table(columns, units, stream, most)
        lines = _lines(table)
        if most <= 1 or max(map(len, lines), default=0) <= room:
            return "\n".join([*lines, table.caption])
        most = min(most, len(table.names)) - 1


def _lines(table: RowTable) -> list[str]:
    rows = [table.names, *([table.units] if any(table.units) else []), *table.cells]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.names))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if table.gap:
        lines.insert(len(lines) - len(table.cells) + table.gap, "...")
    return lines
