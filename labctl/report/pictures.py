"""Pictures of a report: the night by station, and what each run is looked at for."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from devices.errors import DataError
from labctl.pictures.drawing import axes_of
from labctl.pictures.plot import plot_run
from labctl.report.gathering import Gathered, RunTold
from labctl.report.sections import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WANTED = ("train", "crystalline", "voltage", "time", "voltammogram", "nyquist", "fade")
"""Which of a run's pictures stand in a report, in this order."""

MOST = 80
"""Pictures in one report, some 3 MB; guess."""

SHADES = {"success": ("0.75", ""), "running": ("1.0", ""), "abort": ("0.9", "//")}
OTHERWISE = ("1.0", "xx")
"""How a bar is filled, by how its run ended; anything but success, running and stopped in order is crossed."""


def timeline(found: Gathered) -> Picture | None:
    """Return the runs as bars over time, one line per station; None when there are none."""
    bars = [(run, station) for run in found.runs if run.brief for station in run.stations or ["no station"]]
    if not bars:
        return None
    lines = sorted({station for _, station in bars})
    begin = min(run.brief.time for run, _ in bars if run.brief)
    end = max(run.brief.ended for run, _ in bars if run.brief)
    unit, length = ("h", 3600.0) if end - begin > 5400.0 else ("min", 60.0)
    since = f"{datetime.fromtimestamp(begin).astimezone():%Y-%m-%d %H:%M}"
    figure, axes = axes_of("", f"time since {since} ({unit})", "")
    figure.set_size_inches(10.5, 1.1 + 0.55 * len(lines))
    for run, station in bars:
        assert run.brief is not None
        start, width = (run.brief.time - begin) / length, (run.brief.ended - run.brief.time) / length
        _bar(axes, run, start, width, lines.index(station), (end - begin) / length)
    axes.set_yticks(range(len(lines)), lines, parse_math=False)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xlim(0.0, max(1.02 * (end - begin) / length, 1e-3))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    caption = "What ran when, by station. Grey: came to its end; hatched: stopped in order; crossed: failed or died;"
    return Picture(f"{caption} white: not ended.", _png(figure))


def _bar(axes: Axes, run: RunTold, start: float, width: float, line: int, whole: float) -> None:
    assert run.brief is not None
    shade, hatch = SHADES.get(run.brief.status, OTHERWISE)
    least = max(width, whole / 400.0)
    axes.barh(line, least, left=start, height=0.62, color=shade, edgecolor="0.0", hatch=hatch, linewidth=0.8)
    name = run.item or run.sample
    if name and width > whole * 0.011 * len(name):
        axes.text(
            start + width / 2, line, name, ha="center", va="center", fontsize=8, parse_math=False,
            bbox={"facecolor": "1.0", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
        )  # fmt: skip


def run_pictures(runs: Sequence[RunTold], undrawn: list[str]) -> Iterator[Picture]:
    """Yield the pictures of runs; what cannot be drawn is told in `undrawn`."""
    left = MOST
    for told in runs:
        if told.run is None or told.run.start.get("purpose") not in ("anneal", "cycle", "eis"):
            continue
        if left <= 0:
            undrawn.append(
                f"no more than {MOST} pictures stand in a report; labctl plot {told.uid[:8]} draws its"
            )
            continue
        try:
            for picture in _pictures_of(told):
                left -= 1
                yield picture
        except DataError as error:
            if told.run.counts().get("primary"):
                undrawn.append(f"run {told.uid[:8]} could not be drawn: {error}")
        except Exception as error:  # noqa: BLE001 - a run that cannot be drawn must not take the report with it
            undrawn.append(f"run {told.uid[:8]} could not be drawn: {error!r}")


def _pictures_of(told: RunTold) -> Iterator[Picture]:
    assert told.run is not None
    with tempfile.TemporaryDirectory(prefix="labctl-report-") as scratch:
        drawn = {_name(path, told.uid): path.read_bytes() for path in plot_run(told.run, Path(scratch))}
    for name in WANTED:
        if name in drawn:
            item = f"{told.item}, " if told.item else ""
            yield Picture(f"{item}{told.sample}, run {told.uid[:8]}: {name}", drawn[name])


def _name(path: Path, uid: str) -> str:
    return path.stem.rpartition(f"{uid[:8]}-")[2]


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
