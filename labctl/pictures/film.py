"""Pictures of a film that was made, and of one that was baked: what is looked at first, stacked over one time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.pictures.drawing import GREYS, STYLES, axes_of, over_time
from labctl.runs.run import Run, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NANOMETRE_PER_MINUTE = 60e9
"""From m/s."""
OPEN = "0.9"
"""Grey behind the time in which the shutter was open."""
DRIVEN = 1.0
"""W, or V, below which a source was not used."""


DECADES = 30.0
"""Largest over smallest pressure from which on it goes over decades; guess."""
ALONE = 4.2
"""Inches that a panel by itself is high, with its title and axis."""
CHAMBER = frozenset({"elapsed", "thickness", "rate", "pressure", "shutter_open"})
"""What a run in a chamber measures, whether or not it grows a film."""


@dataclass(frozen=True)
class Panel:
    """One of the stacked axes: its label, its curves by what they are of, and whether they go over decades."""

    label: str
    curves: dict[str, np.ndarray[Any, Any]]
    decades: bool = False


def has_chamber(run: Run) -> bool:
    """Return whether a run has rows of a chamber with something in them that can be drawn."""
    if run.counts().get("primary", 0) == 0 or not run.data_keys().keys() >= CHAMBER:
        return False
    return any(each.curves for each in _panels(run.table()))


def film_figure(run: Run, title: str) -> Figure:
    """Draw a film's thickness, rate, pressure, power and bias over time, those that there were."""
    table = run.table()
    panels = [each for each in _panels(table) if each.curves]
    time, label = over_time(table["elapsed"])
    is_open = table["shutter_open"] > 0
    shown = f"{title}; grey: shutter open" if is_open.any() else title
    figure, all_axes = _stacked(shown, label, len(panels))
    for axes, panel in zip(all_axes, panels, strict=True):
        axes.fill_between(
            time, 0, 1, where=is_open, color=OPEN, linewidth=0, transform=axes.get_xaxis_transform()
        )
        for index, (name, values) in enumerate(panel.curves.items()):
            axes.plot(time, values, STYLES[index % 4], color=GREYS[index % 4], linewidth=1.0, label=name)
        axes.set_ylabel(panel.label.replace("\n", " ") if len(panels) == 1 else panel.label)
        if panel.decades:
            axes.set_yscale("log")
        if len(panel.curves) > 1:
            axes.legend(frameon=False, fontsize="small", loc="best")
    return figure


def baked_figure(run: Run, title: str) -> Figure:
    """Draw a furnace's temperature over time, and what was set as long as it was led."""
    table = run.table()
    time, label = over_time(table["elapsed"])
    figure, axes = axes_of(title, label, "temperature (degC)")
    axes.plot(time, table["temperature"], "-", color=GREYS[0], linewidth=1.5, label="measured")
    axes.plot(time, table["setpoint"], "--", color=GREYS[2], linewidth=1.0, label="set")
    axes.legend(frameon=False)
    return figure


def _panels(table: Table) -> Iterator[Panel]:
    # Behind a closed shutter, and while pumping, there is no film, but a monitor that drifts and warms up.
    film = {"film": table["thickness"] * 1e9} if (table["shutter_open"] > 0).any() else {}
    yield Panel("film (nm)", _finite(film))
    driven = np.any([table[key] > DRIVEN for key in table if key.endswith("_forward")], axis=0)
    rate = np.where(driven, table["rate"] * NANOMETRE_PER_MINUTE, np.nan)
    yield Panel("rate\n(nm/min)", _finite({"rate": rate}))
    pressure = np.where(table["pressure"] > 0.0, table["pressure"], np.nan)
    decades = _is_wide(pressure[np.isfinite(pressure)], bool(driven.any()))
    yield Panel("pressure\n(Pa)", _finite({"pressure": pressure}), decades)
    yield Panel("power (W)", _used(table, "_power"))
    # A boat's supply tells its voltage there: it has no plasma that could be biased.
    yield Panel("voltage (V)" if "boat_bias" in table else "bias (V)", _used(table, "_bias"))


def _is_wide(pressure: np.ndarray[Any, Any], driven: bool) -> bool:
    """Return whether a pressure is looked at over decades: that of a plasma, or one that was pumped away.

    One that only rises tells a leak, by its slope.
    """
    if not pressure.size:
        return False
    seen = pressure if driven else pressure[int(pressure.argmax()) :]
    return float(seen.max()) > DECADES * float(seen.min())


def _used(table: Table, ending: str) -> dict[str, np.ndarray[Any, Any]]:
    """Return the columns of the sources that were driven."""
    values = {key.removesuffix(ending): table[key] for key in table if key.endswith(ending)}
    named = {name.replace("_bias", "").replace("_", " "): each for name, each in values.items()}
    return {name: each for name, each in named.items() if np.nanmax(np.abs(each), initial=0.0) > DRIVEN}


def _finite(curves: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: each for name, each in curves.items() if np.isfinite(each).any()}


def _stacked(title: str, xlabel: str, count: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, ALONE if count == 1 else 0.8 + 1.35 * count), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(np.atleast_1d(figure.subplots(count, 1, sharex=True)))
    axes[0].set_title(title, fontsize=10)
    axes[-1].set_xlabel(xlabel)
    figure.align_ylabels(axes)
    return figure, axes
