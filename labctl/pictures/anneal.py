"""Pictures of an anneal: temperature over one pulse, over the train and over depth; crystalline share over depth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from labctl.pictures.drawing import CELSIUS, GREYS, STYLES, axes_of
from labctl.replay import Replay, Temperatures
from sim.materials.substrates import SUBSTRATES
from sim.physics.anneal.state import AnnealResult, DepthProfiles, PulseHistory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LATE_PULSE_SHOWN = 9e-3
"""Seconds after the start of a pulse that its picture shows: five pulse lengths of 1.8 ms."""
MARGIN_SHOWN = 150.0
"""Kelvin above a picture's own range up to which the substrate's limit is drawn."""
TEMPERATURE = "temperature, calculated (degC)"
SHOWN_BELOW = 10e-6
"""Metres of substrate below the film that a picture over depth shows; further down it is as warm as there."""


def pulse_figure(
    title: str, history: Temperatures | PulseHistory, duration: float, substrate: str = "Al"
) -> Figure:
    """Draw the temperatures during one pulse of a duration [s]; times count from its start."""
    figure, axes = axes_of(title, "time after the start of the pulse (ms)", TEMPERATURE)
    shown = history.time <= LATE_PULSE_SHOWN
    for values, label, style in (
        (history.surface, "film surface", "-"),
        (history.interface, f"film-{substrate} interface", "--"),
        (history.back, f"{substrate} back", ":"),
    ):
        axes.plot(history.time[shown] * 1e3, values[shown] - CELSIUS, style, color="0.0", label=label)
    axes.axvspan(0, 1e3 * duration, color="0.92", zorder=0, label="lamp on")
    _finish(axes, substrate)
    return figure


def train_figure(title: str, seen: Replay, substrate: str = "Al") -> Figure:
    """Draw the temperatures over the whole train: what each pulse reaches, and what the foil starts from."""
    figure, axes = axes_of(title, "time after the first pulse (s)", TEMPERATURE)
    starts = np.searchsorted(seen.train.time, seen.elapsed)
    for values, label, style in (
        (seen.train.surface, "film surface, peak", "-"),
        (seen.train.interface, f"film-{substrate} interface, peak", "--"),
        (seen.train.back, f"{substrate} back, peak", ":"),
    ):
        peaks = np.maximum.reduceat(values, starts) - CELSIUS
        axes.plot(seen.elapsed, peaks, style, color="0.0", label=label)
    before = seen.train.back[starts] - CELSIUS
    axes.plot(seen.elapsed, before, "-", color="0.6", label=f"{substrate} before each pulse")
    _finish(axes, substrate)
    return figure


def depth_figure(title: str, profiles: DepthProfiles, film: float) -> Figure:
    """Draw temperature over depth at some moments of a pulse, through the film [m] into the foil."""
    figure, axes = axes_of(title, "depth below the surface (um)", TEMPERATURE)
    shown = profiles.depth <= film + SHOWN_BELOW
    for index, (time, temperature) in enumerate(zip(profiles.time, profiles.temperature, strict=True)):
        axes.plot(
            profiles.depth[shown] * 1e6,
            temperature[shown] - CELSIUS,
            STYLES[index % 4],
            color=GREYS[index // 4],
            label=f"{time * 1e3:.2g} ms",
        )
    axes.axvspan(0, film * 1e6, color="0.92", zorder=0, label="film")
    axes.set_xlim(left=0)
    axes.legend(frameon=False, title="after the start of the pulse")
    return figure


def crystalline_figure(title: str, result: AnnealResult) -> Figure:
    """Draw the crystalline share over the film's depth; what it allows is an upper bound of capacity."""
    figure, axes = axes_of(title, "depth below the surface (um)", "crystalline share X (1)")
    edges = np.append(0.0, np.cumsum(result.width)) * 1e6
    axes.stairs(result.crystalline, edges, baseline=None, color="0.0", label=f"mean {result.mean:.1%}")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, 1.08)
    axes.legend(frameon=False)
    return figure


def _finish(axes: Axes, substrate: str) -> None:
    """Mark how hot the substrate may become, where that is near, and name the lines."""
    known = SUBSTRATES[substrate]
    bearable = known.bearable - CELSIUS
    if bearable <= axes.get_ylim()[1] + MARGIN_SHOWN:
        axes.axhline(bearable, color="0.6", linewidth=0.8)
        across, text = axes.get_yaxis_transform(), f"{substrate} {known.beyond}"
        axes.text(0.99, bearable, text, transform=across, ha="right", va="bottom", color="0.4")
    axes.legend(frameon=False)
