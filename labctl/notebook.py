"""What a notebook shows of runs, rows and a lab: HTML in which everything that somebody wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from labctl.plain_text import plain
from labctl.showing.row_table import row_table

if TYPE_CHECKING:
    import numpy as np

    from labctl.runs.run import Run
    from labctl.session import Session


def table_html(heads: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """Return a table; every cell is text, whatever it holds."""
    head = "".join(f"<th>{_text(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    above = f"<caption>{_text(caption)}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def rows_html(columns: Mapping[str, np.ndarray[Any, Any]], units: Mapping[str, str], stream: str) -> str:
    """Return rows of a stream with units in the head, the first and the last ones."""
    table = row_table(columns, units, stream)
    heads = [
        f"{name} ({unit})" if unit else name for name, unit in zip(table.names, table.units, strict=True)
    ]
    return table_html(heads, table.cells, table.caption)


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
