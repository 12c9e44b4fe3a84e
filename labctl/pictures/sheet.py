"""Heat maps of a sheet: one quantity each, rows over columns, readable in grey; cells in bins are marked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.sheets import GOOD, MISSING, below_own_group, sort_cells
from labctl.derived.sheet_bins import measured_of, recipe_of
from labctl.pictures.drawing import axes_of
from labctl.runs.run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKS = ("x", "+", "o", "s", "^", "v", "D")
"""What stands on the cells of a bin, in the order of the rules."""
SHADE = "Greys"
OUTER = (2.0, 98.0)
"""Percentiles between which shades run: a few shorts must not make all others one grey."""


def sheet_figures(run: Run, title: str) -> dict[str, Figure]:
    """Return the heat maps of a map: voltage, |Re Z| at each frequency, and the bins."""
    rows, measured = measured_of(run)
    grid = run.start["sample"]["sheet"]
    shape = int(grid["rows"]), int(grid["columns"])
    place = (rows["row"].astype(int) - 1, rows["column"].astype(int) - 1)
    below = below_own_group(measured, ~measured.missing) * 1e3
    said = f"{title}: voltage below the median of its group"
    figures = {"voltage": _heat_map(said, below, "mV", shape, place)}
    for at, frequency in enumerate(measured.frequencies):
        name = f"{frequency / 1e3:g} kHz" if frequency >= 1e3 else f"{frequency:g} Hz"
        values = measured.resistance[:, at] / 1e3
        figures[f"resistance-{frequency:g}Hz"] = _heat_map(
            f"{title}: Re Z at {name}", values, "kohm", shape, place
        )
    figures["bins"] = _bins(title, run, shape, place)
    return figures


def _heat_map(
    title: str, values: NDArray[np.float64], unit: str, shape: tuple[int, int], place: tuple[Any, Any]
) -> Figure:
    field = np.full(shape, math.nan)
    field[place] = values
    figure, axes = axes_of(title, "column", "row")
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, OUTER) if known.size else (0.0, 1.0)
    shown = axes.imshow(
        field,
        cmap=SHADE,
        vmin=float(low),
        vmax=float(high),
        extent=(0.5, shape[1] + 0.5, shape[0] + 0.5, 0.5),
        aspect="equal",
        interpolation="nearest",
    )
    figure.colorbar(shown, ax=axes, label=unit, extend="both", shrink=0.8)
    absent = np.argwhere(~np.isfinite(field))
    if absent.size:
        axes.plot(absent[:, 1] + 1, absent[:, 0] + 1, "x", color="0.0", markersize=4, label="not measured")
        axes.legend(fontsize=8, loc="upper right")
    return figure


def _bins(title: str, run: Run, shape: tuple[int, int], place: tuple[Any, Any]) -> Figure:
    _, measured = measured_of(run)
    rules = recipe_of(run).bins
    bins = np.array(sort_cells(measured, rules))
    good = int((bins == GOOD).sum())
    share = good / (shape[0] * shape[1])
    figure, axes = axes_of(f"{title}: {good} of {shape[0] * shape[1]} good ({share:.1%})", "column", "row")
    axes.set_xlim(0.5, shape[1] + 0.5)
    axes.set_ylim(shape[0] + 0.5, 0.5)
    axes.set_aspect("equal")
    for mark, name in zip(MARKS, [*(rule.name for rule in rules), MISSING], strict=False):
        inside = bins == name
        label = f"{name}: {int(inside.sum())}"
        axes.plot(
            place[1][inside] + 1, place[0][inside] + 1, mark, color="0.0", mfc="none", ms=4, label=label
        )
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=4)
    return figure
