"""Runs in words: lists and tables for the terminal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from labctl.config.finder import data_dir
from labctl.runs import Run, briefs
from labctl.units import show


def print_runs(data: Path | None) -> None:
    """Print every run of a data folder, oldest first."""
    directory = data_dir(data)
    console = Console()
    table = Table("run", "began", "plan", "sample", "experiment", "status")
    for brief in briefs(directory):
        table.add_row(
            brief.uid[:8], _when(brief.time), brief.plan, brief.sample, brief.experiment[:8], brief.status
        )
    if table.row_count:
        console.print(table)
    else:
        console.print(f"no runs in {directory}")


def print_run(uid: str, stream: str, most: int, data: Path | None) -> None:
    """Print what a run was and the rows of one of its streams (`primary` unless asked otherwise)."""
    run = Run(uid, data)
    console = Console()
    console.print(_summary(run))
    streams = run.streams
    counts = {name: len(next(iter(run.table(name).values()), [])) for name in streams}
    console.print("streams: " + ", ".join(f"{name} ({count})" for name, count in counts.items()))
    chosen = stream or ("primary" if "primary" in streams else next(iter(streams), ""))
    if chosen:
        console.print(_rows(run, chosen, most))


def _summary(run: Run) -> Table:
    start, stop = run.start, run.stop
    table = Table(show_header=False, box=None)
    sample = start.get("sample", {})
    inputs = ", ".join(uid[:8] for uid in start.get("inputs", []))
    real = ", ".join(
        f"{name} ({'real' if each['real'] else 'twin'})" for name, each in start.get("devices", {}).items()
    )
    body = start.get("recipe") or start.get("program") or {}
    recipe = start.get("recipe", {}).get("body")
    pulses = "" if recipe is None else recipe_in_words(recipe)
    films = ", ".join(
        f"{each['material']} {show(each['thickness'], 'm', 'um')}" for each in sample.get("layers", [])
    )
    for name, value in (
        ("run", run.uid),
        ("plan", start.get("plan_name", "")),
        ("began", _when(start["time"])),
        ("ended", "never: it died" if stop is None else f"{_when(stop['time'])}, {stop['exit_status']}"),
        ("reason", "" if stop is None else stop.get("reason", "")),
        ("sample", f"{sample.get('id', '')} {sample.get('label', '')}".strip()),
        ("layers", films),
        ("made by runs", inputs),
        ("recipe" if "recipe" in start else "program", f"{body.get('name', '')} {body.get('hash', '')[:12]}"),
        ("pulses", pulses),
        ("experiment", start.get("experiment", "")),
        ("devices", real),
        ("journal", str(run.path)),
    ):
        if value:
            table.add_row(name, value)
    return table


def recipe_in_words(body: dict[str, Any]) -> str:
    """Return an anneal recipe's body (SI) as a person would say it."""
    voltage, duration = show(body["voltage"], "V", "V"), show(body["pulse_duration"], "s", "ms")
    return f"{body['pulse_count']} at {voltage}, {duration}, {show(body['rate'], 'Hz', 'Hz')}"


def _rows(run: Run, stream: str, most: int) -> Table:
    columns, units = run.table(stream), run.units(stream)
    length = len(next(iter(columns.values()), []))
    table = Table(title=stream if length <= most else f"{stream}: first {most} of {length} rows")
    for key in columns:
        unit = units[key]
        table.add_column(key if unit in ("", "1") else f"{key}\n({unit})", justify="right")
    for index in range(min(length, most)):
        table.add_row(*(_cell(column[index]) for column in columns.values()))
    return table


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)


def _when(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().isoformat(sep=" ", timespec="seconds")
