"""One run in words: what it was, and rows as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from devices.errors import DataError
from labctl.analysis.joining import SURROUNDINGS, joined_units
from labctl.analysis.joining import beside as rows_beside
from labctl.bench_units import bench_head, bench_text
from labctl.plain_text import plain
from labctl.runs.facts import facts_of
from labctl.runs.run import Run

PIPED = 240
"""Columns of a table that goes into a pipe or a file, from which on what says nothing is left out; guess."""


def print_run(uid: str, stream: str, columns: str, most: int, data: Path | None, beside: str = "") -> None:
    """Print what a run was and the rows of one of its streams (`primary` unless asked otherwise).

    columns: names between commas; empty for as many as fit the terminal. beside: another stream, whose last reading
    before each row stands in it, too.
    """
    run = Run(uid, data, until_damage=True)
    console = Console()
    for damage in run.damage:
        console.print(Text(f"DAMAGED: {damage}"), soft_wrap=True)
    console.print(_summary(run))
    streams = run.streams
    counts = run.counts()
    told = ", ".join(f"{plain(name)} ({count})" for name, count in counts.items())
    console.print(Text(f"streams: {told}"))
    chosen = stream or ("primary" if "primary" in streams else next(iter(streams), ""))
    if chosen:
        _print_rows(run, chosen, beside, columns, most, console)


def _summary(run: Run) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts_of(run):
        if value:
            table.add_row(name, Text(plain(value)))
    return table


def _asked_columns(stream: str, known: Mapping[str, str], columns: str) -> list[str]:
    asked = [name.strip() for name in columns.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in known]:
        raise DataError(f"stream {stream} has no {', '.join(unknown)}; it has {', '.join(known)}")
    return asked


def _print_rows(run: Run, stream: str, beside: str, wanted: str, most: int, console: Console) -> None:
    units = run.units(stream)
    added: dict[str, Any] = {}
    if beside and beside != SURROUNDINGS:  # those stand beside the rows of a cell anyway
        added = rows_beside(run, stream, beside)
        own, read = ({key: run.units(name)[key] for key in run.data_keys(name)} for name in (stream, beside))
        units |= joined_units(own, read, beside)
    asked = _asked_columns(stream, units, wanted)
    columns = {**added, **run.table(stream)} if added else run.table(stream, asked or None)
    length = len(next(iter(columns.values()), []))
    title = stream if length <= most else f"{stream}: first {most} of {length} rows"
    texts = {key: [key, *_column(key, units[key], columns[key][:most])] for key in asked or columns}
    widths = {key: max(map(len, cells)) + 3 for key, cells in texts.items()}
    room = console.width if console.is_terminal else PIPED
    idle = [] if asked or sum(widths.values()) < room else [key for key in texts if _is_idle(columns[key])]
    left, shown = room - 1, []
    for key in [key for key in texts if key not in idle]:
        left -= widths[key]
        if asked or left >= 0 or not console.is_terminal:
            shown.append(key)
    hidden = [key for key in texts if key not in shown and key not in idle]
    said = [f"zero throughout: {', '.join(idle)}"] if idle else []
    said += [f"not shown: {', '.join(hidden)}"] if hidden else []
    table = Table(title=title)
    for key in shown:
        name, unit = texts[key][:2]
        table.add_column(f"{name}\n{unit}" if unit else name, justify="right", no_wrap=True)
    for row in zip(*(texts[key][2:] for key in shown), strict=True):
        table.add_row(*row)
    if not console.is_terminal:
        console.width = max(console.width, sum(widths[key] for key in shown) + 1)
    console.print(table)
    if said:
        console.print(Text(f"{'; '.join(said)} (choose with --columns)"), soft_wrap=not console.is_terminal)


def _is_idle(values: Any) -> bool:
    """Return whether a column of numbers says nothing but zero, or nothing at all."""
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "fiub":
        return False
    return not np.nan_to_num(values.astype(float), nan=0.0, posinf=1.0, neginf=1.0).any()


def _column(key: str, unit: str, values: Iterable[Any]) -> Iterator[str]:
    head = bench_head(key, unit)
    yield f"({head})" if head else ""
    yield from (bench_text(key, unit, value) for value in values)
