"""What a shadow told, as people read it: a few lines and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.belief import Believer, bank_of, surroundings_of
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.how_many import how_many
from labctl.pictures.drawing import GREYS, axes_of, over_time, save
from labctl.runs.run import Run, Table
from labctl.shadow.afterwards import Heard, rms, shadow_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HOUR = 3600.0

SHOWN = {
    "voltage_V": ("voltage, measured - model (mV)", 1e3),
    "base_temperature_degC": ("base temperature, measured - predicted (K)", 1.0),
    "pulse_energy_J": ("pulse energy, measured - predicted (mJ)", 1e3),
}
"""The quantities of a picture, the first there is, each with its axis and how many of that unit are in its own."""


def show_shadow(name: str, bench: str, output: Path | None, config: Path | None, data: Path | None) -> str:
    """Compute the shadow of a kept run, draw it, and return what it told in lines.

    Raises DataError when there is no such run or no model of its cell, ConfigError for an unknown bench.
    """
    folder, directory = Config(config), data_dir(data)
    run, station = Run(name, directory), folder.bench(bench)
    believer = Believer(directory, bank_of(station), surroundings_of(station))
    heard = shadow_run(run, directory, believer, folder.limits().shadow)
    title = f"{run.start['sample']['id']} ({run.uid[:8]})"
    figure = residual_figure(table_of(heard), title)
    drawn = [] if figure is None else [_saved(figure, run, output or directory / "pictures")]
    return "\n".join([*lines_of(heard), *drawn])


def lines_of(heard: Heard) -> Iterator[str]:
    """Yield what a shadow told, in words."""
    for said in heard.said:
        yield f"{said.t / HOUR:8.2f} h  {said.severity:8} {said.text}"
    voltages = heard.of("voltage_V")
    yield f"voltage   {len(voltages)} compared, {rms(voltages) * 1e3:.1f} mV rms apart"
    for quantity in ("capacity_Ah", "energy_Wh"):
        found = heard.of(quantity)
        if found:
            off = np.array([each.measured / each.predicted - 1.0 for each in found])
            word = quantity.partition("_")[0]
            steps, apart = how_many(len(found), "step"), f"from {off.min():+.1%} to {off.max():+.1%}"
            yield f"{word:9} {steps}, {off.mean():+.1%} on average, {apart}"


def table_of(heard: Heard) -> Table:
    """Return what was told as the stream `residual` holds it."""
    names = ("t", "quantity", "measured", "predicted", "sd")
    return {name: np.array([getattr(each, name) for each in heard.differences]) for name in names}


def residual_figure(table: Table, title: str) -> Figure | None:
    """Draw measured minus predicted over time, within twice its uncertainty; None where nothing is compared."""
    quantities = set(table["quantity"].tolist())
    quantity = next((each for each in SHOWN if each in quantities), None)
    if quantity is None:
        return None
    label, factor = SHOWN[quantity]
    chosen = table["quantity"] == quantity
    time, axis = over_time(table["t"][chosen])
    off = (table["measured"] - table["predicted"])[chosen] * factor
    twice: np.ndarray[Any, Any] = 2.0 * factor * table["sd"][chosen]
    figure, axes = axes_of(f"{title}: against the model", axis, label)
    axes.fill_between(time, -twice, twice, color=GREYS[3], linewidth=0.0, label="two standard uncertainties")
    axes.axhline(0.0, color=GREYS[2], linewidth=0.6)
    axes.plot(time, off, ".", color=GREYS[0], markersize=2)
    largest = max(float(np.abs(off).max()), float(np.median(twice)))
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    axes.set_ylim(-1.3 * largest, 1.3 * largest)
    return figure


def _saved(figure: Figure, run: Run, directory: Path) -> str:
    directory.mkdir(parents=True, exist_ok=True)
    return str(save(figure, directory / f"{run.start['sample']['id']}-{run.uid[:8]}-shadow.png"))
