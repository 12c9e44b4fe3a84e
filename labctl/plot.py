"""Pictures of a run, one message each, readable in grey; drawn outside the run, from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devices.errors import DataError
from labctl.analysis.cycles import branches, capacities
from labctl.replay import Replay, Temperatures, replay
from labctl.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELSIUS = 273.15
ALUMINIUM_MELTS = 933.47 - CELSIUS
LATE_PULSE_SHOWN = 9e-3
"""Seconds after the start of the last pulse that its picture shows: five pulse lengths of 1.8 ms."""
STYLES = ("-", "--", ":", "-.")
GREYS = ("0.0", "0.35", "0.6", "0.75")
MICROAMPERE_HOUR_PER_CM2 = 1e6 / 1e4
"""From Ah/m2."""


def plot_run(run: Run, directory: Path) -> list[Path]:
    """Draw the pictures of a run into a folder and return their paths. Raises DataError when it has none."""
    purpose = run.start.get("purpose")
    if purpose == "anneal":
        figures = _anneal_figures(run)
    elif purpose == "cycle":
        figures = {"voltage": voltage_figure(run)}
    else:
        raise DataError(f"run {run.uid[:8]} is a {purpose!r} run; there is no picture of that")
    directory.mkdir(parents=True, exist_ok=True)
    stem = f"{run.start['sample']['id']}-{run.uid[:8]}"
    return [_save(figure, directory / f"{stem}-{name}.png") for name, figure in figures.items()]


def _anneal_figures(run: Run) -> dict[str, Figure]:
    if "primary" not in run.streams or not len(run.table()["pulse"]):
        raise DataError(f"run {run.uid[:8]} has no pulse; there is nothing to draw")
    seen = replay(run)
    return {"late-pulse": late_pulse_figure(run, seen), "train": train_figure(run, seen)}


def late_pulse_figure(run: Run, seen: Replay) -> Figure:
    """Draw the temperatures during the last pulse."""
    figure, axes = _axes(f"{_title(run)}: pulse {seen.pulses}", "time after the start of the pulse (ms)")
    last = seen.last_pulse
    shown = last.time <= LATE_PULSE_SHOWN
    _draw(axes, Temperatures(*(each[shown] for each in vars(last).values())), 1e3)
    axes.axvspan(0, 1e3 * float(run.table()["duration"][-1]), color="0.92", zorder=0, label="lamp on")
    _finish(axes)
    return figure


def train_figure(run: Run, seen: Replay) -> Figure:
    """Draw the temperatures over the whole train: what each pulse reaches, and what the foil starts from."""
    figure, axes = _axes(f"{_title(run)}: {seen.pulses} pulses", "time after the first pulse (s)")
    elapsed = run.table()["elapsed"]
    starts = np.searchsorted(seen.train.time, elapsed)
    for values, label, style in (
        (seen.train.surface, "film surface, peak", "-"),
        (seen.train.interface, "film-foil interface, peak", "--"),
        (seen.train.back, "foil back, peak", ":"),
    ):
        axes.plot(elapsed, np.maximum.reduceat(values, starts) - CELSIUS, style, color="0.0", label=label)
    axes.plot(elapsed, seen.train.back[starts] - CELSIUS, "-", color="0.6", label="foil before each pulse")
    _finish(axes)
    return figure


def voltage_figure(run: Run) -> Figure:
    """Draw voltage against areal capacity, the last cycle at each rate."""
    figure, axes = _axes(f"{_title(run)}: last cycle at each rate", "capacity (uAh/cm$^2$)")
    axes.set_ylabel("voltage against Li (V)")
    table = run.table()
    area = run.start["sample"]["area_m2"]
    last_at: dict[float, int] = {}
    for each in capacities(table["cycle"], table["current"], table["charge"]):
        density = each.discharge_current / area * 1e6 / 1e4
        last_at[float(f"{density:.4g}")] = each.cycle
    for index, (density, cycle) in enumerate(last_at.items()):
        grey, style = GREYS[index % 4], STYLES[index % 4]
        pairs = branches(table["cycle"], table["current"], table["charge"], table["voltage"], cycle)
        for number, (passed, voltage) in enumerate(pairs):
            label = None if number else f"{density:g} uA/cm$^2$, cycle {cycle}"
            axes.plot(passed / area * MICROAMPERE_HOUR_PER_CM2, voltage, style, color=grey, label=label)
    axes.set_xlim(left=0)
    axes.legend(frameon=False)
    return figure


def _title(run: Run) -> str:
    sample = run.start["sample"]
    film = sample["layers"][-1]
    body = run.start.get("recipe", {}).get("body")
    what = "" if body is None else f", {body['voltage']:g} V, {body['pulse_duration'] * 1e3:g} ms"
    return f"{film['material']} {film['thickness'] * 1e6:g} um ({sample['id']}){what}"


def _axes(title: str, xlabel: str) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(xlabel)
    axes.set_ylabel("temperature (degC)")
    return figure, axes


def _draw(axes: Axes, temperatures: Temperatures, scale: float) -> None:
    for values, label, style in (
        (temperatures.surface, "film surface", "-"),
        (temperatures.interface, "film-foil interface", "--"),
        (temperatures.back, "foil back", ":"),
    ):
        axes.plot(temperatures.time * scale, values - CELSIUS, style, color="0.0", label=label)


def _finish(axes: Axes) -> None:
    axes.axhline(ALUMINIUM_MELTS, color="0.6", linewidth=0.8)
    across = axes.get_yaxis_transform()
    axes.text(0.99, ALUMINIUM_MELTS, "Al melts", transform=across, ha="right", va="bottom", color="0.4")
    axes.legend(frameon=False)


def _save(figure: Any, path: Path) -> Path:
    temporary = path.with_suffix(".part.png")
    figure.savefig(temporary, dpi=130)
    temporary.replace(path)
    return path
