"""What a notebook shows of runs, rows and a lab: HTML in which everything that somebody wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.plain_text import plain

if TYPE_CHECKING:
    from labctl.runs.run import Run
    from labctl.session import Session

ROWS = 20
"""Rows of a table that are shown; half of them from its beginning, half from its end."""

COLUMNS = 16


def table_html(heads: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table; every cell is text, whatever it holds."""
    head = "".join(f"<th>{_text(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    above = f"<caption>{_text(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rows_html(columns: Mapping[str, np.ndarray[Any, Any]], units: Mapping[str, str], stream: str) -> str:
    """Return rows of a stream with units in the head, the first and the last ones."""
    shown = [key for key in columns if columns[key].ndim == 1][:COLUMNS]
    length = len(next(iter(columns.values()), ()))
    numbers = list(range(length))
    if length > ROWS:
        numbers = [*numbers[: ROWS // 2], *numbers[-ROWS // 2 :]]
    heads = [key if units.get(key, "") in ("", "1") else f"{key} ({units[key]})" for key in shown]
    left_out = f", {length - len(numbers)} between not shown" if length > len(numbers) else ""
    hidden = [key for key in columns if key not in shown]
    more = f"; not shown: {', '.join(hidden)}" if hidden else ""
    body = [[_cell(columns[key][number]) for key in shown] for number in numbers]
    return table_html(heads, body, f"{stream}: {length} rows{left_out}{more}")


def run_html(run: Run) -> str:
    """Return what a run was, and how many rows each of its streams has."""
    from labctl.runs.facts import facts_of

    rows = [(name, str(value)) for name, value in facts_of(run) if value]
    counts = ", ".join(f"{name} ({count})" for name, count in run.counts().items())
    return table_html(("run", run.uid[:8]), [*rows, ("streams", counts)])


def lab_html(lab: Session) -> str:
    """Return every station in one line; no port is touched."""
    from labctl.shell.overview import HEADS, overview

    lines = [
        (each.station, each.state, each.owner, each.interlocks, each.age) for each in overview(lab.data, lab)
    ]
    return table_html(HEADS, lines, f"bench {lab.bench.name}, data in {lab.data}")


def _text(value: object) -> str:
    return escape(plain(value))


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
