"""One run in words: what it was, and rows as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from devices.errors import DataError
from labctl.analysis.joining import SURROUNDINGS, joined_units
from labctl.analysis.joining import beside as rows_beside
from labctl.plain_text import plain
from labctl.runs.index import is_written
from labctl.runs.remarks import Remarks, remarks_on, together
from labctl.runs.run import Run
from labctl.units import show

LARGEST_SHORT = 1e6
"""Above it, six digits would hide what changes (times since the epoch)."""


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
        console.print(_rows(run, chosen, beside, columns, most, console))


def _summary(run: Run) -> Table:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts_of(run):
        if value:
            table.add_row(name, Text(plain(value)))
    return table


def facts_of(run: Run) -> list[tuple[str, Any]]:
    """Return what a run says of itself, as people read it: names and values, empty where it says nothing."""
    start, stop = run.start, run.stop
    said = start.get("sample")
    # Somebody's plan may have another notion of a sample than ours.
    sample: dict[str, Any] = said if isinstance(said, dict) else {"id": said or ""}
    inputs = ", ".join(uid[:8] for uid in start.get("inputs", []))
    real = ", ".join(
        f"{name} ({'real' if each['real'] else 'twin'})" for name, each in start.get("devices", {}).items()
    )
    body = start.get("recipe") or start.get("program") or {}
    source = start.get("source") or {}
    recipe = start.get("recipe", {}).get("body")
    pulses = recipe_in_words(recipe) if recipe and "pulse_count" in recipe else ""
    known = {**sample, **(start.get("believed") or {})}
    films = _layers(known.get("layers", []))
    cell = "" if "recipe" in start else _layers(known.get("cell_layers", []))
    capacity = start.get("capacity") or {}
    virtual = " (virtual time)" if start.get("clock", {}).get("kind") == "virtual" else ""
    return [
        ("run", run.uid),
        ("plan", start.get("plan_name", "")),
        ("began", _when(start["time"]) + virtual),
        (
            "ended",
            _unended(run) if stop is None else f"{_when(stop['time'])}{virtual}, {stop['exit_status']}",
        ),
        ("reason", "" if stop is None else stop.get("reason", "")),
        ("sample", f"{sample.get('id', '')} {sample.get('label', '')}".strip()),
        ("layers", films),
        ("cell", cell and f"{cell}, area {show(known['area_m2'], 'm^2', 'cm^2')}"),
        (
            "nominal",
            capacity and f"{show(capacity['value_Ah'], 'A hour', 'uA hour')}: {capacity.get('basis', '')}",
        ),
        ("made by runs", inputs),
        (
            "recipe" if "recipe" in start else "program",
            body and f"{body.get('name', '')} {body.get('hash', '')[:12]}",
        ),
        ("source", source and f"{source['file']} ({source['format']}), began {source['began']}"),
        ("pulses", pulses),
        ("experiment", start.get("experiment", "")),
        ("devices", real),
        ("notes", start.get("notes", "")),
        *_remarked(together(remarks_on(each.path) for each in run.members)),
        ("goes on with", ", ".join(uid[:8] for uid in run.chain[1:])),
        *(("journal", str(each.path)) for each in run.members),
    ]


def _unended(run: Run) -> str:
    last = run.members[-1]
    if is_written(last.path):
        return "not yet: it is running"
    why = "the journal cannot be read to its end" if last.damage else "its process died"
    return f"not known: {why}; `labctl recover {last.uid[:8]}` closes it with the rows that the spool has"


def _remarked(remarks: Remarks) -> Iterator[tuple[str, str]]:
    if remarks.mark:
        yield "marked", f"{remarks.mark}: {remarks.why}" if remarks.why else remarks.mark
    for each in remarks.notes:
        yield "note", f"{each.get('text', '')} ({each.get('who', '')}, {_when(each['time'])})"


def _layers(layers: list[dict[str, Any]]) -> str:
    return ", ".join(f"{each['material']} {show(each['thickness'], 'm', 'um')}" for each in layers)


def recipe_in_words(body: dict[str, Any]) -> str:
    """Return an anneal recipe's body (SI) as a person would say it."""
    voltage, duration = show(body["voltage"], "V", "V"), show(body["pulse_duration"], "s", "ms")
    return f"{body['pulse_count']} at {voltage}, {duration}, {show(body['rate'], 'Hz', 'Hz')}"


def _asked_columns(stream: str, known: Mapping[str, str], columns: str) -> list[str]:
    asked = [name.strip() for name in columns.split(",") if name.strip()]
    if unknown := [name for name in asked if name not in known]:
        raise DataError(f"stream {stream} has no {', '.join(unknown)}; it has {', '.join(known)}")
    return asked


def _rows(run: Run, stream: str, beside: str, wanted: str, most: int, console: Console) -> Table:
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
    texts = {
        key: [key, "" if units[key] in ("", "1") else f"({units[key]})", *map(_cell, columns[key][:most])]
        for key in asked or columns
    }
    left, shown = console.width - 1, []
    for key, cells in texts.items():
        left -= max(map(len, cells)) + 3
        if asked or left >= 0 or not console.is_terminal:
            shown.append(key)
    hidden = [key for key in texts if key not in shown]
    caption = f"not shown: {', '.join(hidden)} (choose with --columns)" if hidden else None
    table = Table(title=title, caption=caption)
    for key in shown:
        name, unit = texts[key][:2]
        table.add_column(f"{name}\n{unit}" if unit else name, justify="right", no_wrap=True)
    for row in zip(*(texts[key][2:] for key in shown), strict=True):
        table.add_row(*row)
    if not console.is_terminal:
        console.width = max(console.width, sum(max(map(len, texts[key])) + 3 for key in shown) + 1)
    return table


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.2f}" if value > LARGEST_SHORT else f"{value:.6g}"
    return plain(value)


def _when(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"
