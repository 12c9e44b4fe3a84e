"""A reproduced table as a page: its rows, what is not met, its runs, and their pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devices.errors import DataError
from labctl import __version__
from labctl.clock.label import wall_label
from labctl.pictures.drawing import axes_of
from labctl.pictures.plot import figures_of
from labctl.report.sections import Page, Picture, Section, Table
from labctl.report.words import when
from labctl.reproducing.rows import HEADER, Row
from labctl.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WANTED = ("train", "voltage", "time", "fade", "nyquist", "bins")
"""Which of a run's pictures stand on the page, in this order; of many runs, only the voltage."""

MANY = 8
"""Runs from which on each has one picture; guess."""

HIGH = 0.22
"""Inches of a picture for each row."""


def page_of(
    title: str, rows: Sequence[Row], runs: Mapping[str, Sequence[Run]], data: Path, seconds: float
) -> Page:
    """Return the page of a table. runs: of each experiment; seconds: CPU time of this call."""
    printed = [row for row in rows if not math.isnan(row.low)]
    parts = [f"{sum(row.is_met for row in printed)} of {len(printed)} published numbers are met"]
    for verdict, says in (("NOT MET", "not met"), ("NOT RUN", "not run")):
        if such := [row.says for row in rows if row.verdict == verdict]:
            parts.append(f"{says}: {', '.join(such)}")
    sentence, calm = "; ".join(parts), all(row.is_met for row in rows)
    marks = tuple("" if row.is_met else "alarm" for row in rows)
    table = Table(HEADER, tuple(row.cells() for row in rows), marks)
    overview = Picture(
        "Twin over paper, of a range over its nearer end and 1 within; filled: met, open: not met. Grey: allowed.",
        _png(_overview(title, rows)),
    )
    listed = tuple(
        (name, str((run.start.get("sample") or {}).get("id", "")), str(run.start.get("purpose", "")), run.uid)
        for name, several in runs.items()
        for run in several
    )
    sections = (
        Section("Paper and twin", tables=(table,), empty="no rows"),
        Section("All rows at a glance", pictures=(overview,)),
        Section("Runs", tables=(Table(("experiment", "sample", "purpose", "run"), listed),), empty="none"),
        Section("Pictures", pictures=tuple(_pictures(runs)), empty="none"),
    )
    made = f"Made {when(wall_label())} by labctl {__version__} from the documents in {data}."
    subtitle = f"on simulated instruments, virtual time; CPU time of this call {seconds:.1f} s"
    return Page(f"{title}: paper and twin", f"{sentence}.", calm, subtitle, made, sections)


def _pictures(runs: Mapping[str, Sequence[Run]]) -> Iterator[Picture]:
    wanted = ("voltage",) if len(runs) >= MANY else WANTED
    for name, several in runs.items():
        for run in several:
            try:
                figures = figures_of(run)
            except DataError:
                # A run without rows has its line in the table of runs, and nothing that could be drawn.
                continue
            for each in wanted:
                if each in figures:
                    yield Picture(f"{name}, run {run.uid[:8]}: {each}", _png(figures[each]))


def _overview(title: str, rows: Sequence[Row]) -> Figure:
    shown = [row for row in rows if not (math.isnan(row.low) or math.isnan(row.twin))]
    figure, axes = axes_of(title, "twin over paper", "")
    figure.set_size_inches(8.0, 1.2 + HIGH * max(len(shown), 4))
    axes.axvline(1.0, color="0.5", linewidth=0.8)
    for at, row in enumerate(shown):
        allowed = row.tolerance if row.low == row.high else 0.0
        axes.plot([1.0 - allowed, 1.0 + allowed], [at, at], "-", color="0.75", linewidth=4)
        filled = "0.0" if row.is_met else "1.0"
        axes.plot(row.over_paper, at, "o", color="0.0", markerfacecolor=filled, markersize=5)
    axes.set_yticks(range(len(shown)), [row.says for row in shown], fontsize=7, parse_math=False)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    return figure


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=100)
    return written.getvalue()
