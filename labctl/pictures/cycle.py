"""Pictures of a cycling run: what each kind of step in it is usually looked at for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.analysis.cycles import branches
from labctl.pictures.drawing import GREYS, STYLES, axes_of, over_time
from labctl.runs.run import Run, Table
from labctl.samples.of_run import electrodes_area, sample_of_run
from labctl.samples.telling import anode_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MICROAMPERE_HOUR_PER_CM2 = 1e6 / 1e4
"""From Ah/m2."""

MICROAMPERE_PER_CM2 = 1e6 / 1e4
"""From A/m2."""

MOST_TURNS = 4
"""Changes between charge and discharge in one cycle that has a curve; guess: a charge in two parts, and pulses no."""

FADE = 10
"""Cycles from which on their capacities are worth a picture; guess."""


def cycle_figures(run: Run, title: str) -> dict[str, Figure]:
    """Return the pictures by name: those for which the run has rows.

    time: voltage over time. current: over time. voltage: over capacity, of constant-current cycles. voltammogram: of
    voltage ramps. nyquist: of spectra. fade: capacity over cycles, from ten cycles on.
    """
    table, steps = _read(run, "primary"), _read(run, "steps")
    techniques = set(steps["technique"].tolist()) if steps else set()
    figures: dict[str, Figure] = {}
    rates = {} if table is None else rates_of(run, table)
    if table is not None and rates:
        figures["voltage"] = voltage_figure(run, table, rates, title)
    if table is not None:
        figures["time"] = time_figure(run, table, title)
        figures["current"] = current_figure(run, table, title)
    if table is not None and steps is not None and "voltage_ramp" in techniques:
        figures["voltammogram"] = voltammogram_figure(run, table, steps, title)
    impedance = _read(run, "impedance")
    if impedance is not None:
        figures["nyquist"] = nyquist_figure(run, impedance, title)
    cycles = _read(run, "cycles")
    if cycles is not None and len(cycles["cycle"]) >= FADE:
        figures["fade"] = fade_figure(run, cycles, title)
    return figures


def voltage_figure(run: Run, table: Table, rates: Mapping[float, int], title: str) -> Figure:
    """Draw voltage against areal capacity, the last cycle at each constant current."""
    title = f"{title}: last cycle at each rate"
    figure, axes = axes_of(title, "capacity (uAh/cm$^2$)", _voltage(run))
    area = electrodes_area(run)
    driven = np.isin(table["step_index"], list(_setpoints(run)))
    rows = {key: table[key][driven] for key in ("cycle", "current", "charge", "voltage")}
    for index, (density, cycle) in enumerate(rates.items()):
        grey, style = GREYS[index % 4], STYLES[index % 4]
        pairs = branches(rows["cycle"], rows["current"], rows["charge"], rows["voltage"], cycle)
        for number, (passed, voltage) in enumerate(pairs):
            width = 1.0 if number == 0 else 2.0
            label = None if number == 0 else f"{density:g} uA/cm$^2$, cycle {cycle}"
            capacity = passed / area * MICROAMPERE_HOUR_PER_CM2
            axes.plot(capacity, voltage, style, color=grey, label=label, linewidth=width)
    axes.set_xlim(left=0)
    axes.legend(frameon=False, title="thin: charge, thick: discharge", title_fontsize="small")
    return figure


def time_figure(run: Run, table: Table, title: str) -> Figure:
    """Draw voltage over time."""
    time, label = over_time(table["test_time"])
    figure, axes = axes_of(f"{title}: the whole program", label, _voltage(run))
    axes.plot(time, table["voltage"], "-", color=GREYS[0], linewidth=0.9)
    axes.set_xlim(left=0)
    return figure


def current_figure(run: Run, table: Table, title: str) -> Figure:
    """Draw current density over time; charging lies above the line of no current."""
    time, label = over_time(table["test_time"])
    figure, axes = axes_of(f"{title}: current, charge is positive", label, "current density (uA/cm$^2$)")
    density = table["current"] / electrodes_area(run) * MICROAMPERE_PER_CM2
    axes.axhline(0.0, color=GREYS[2], linewidth=0.6)
    axes.plot(time, density, "-", color=GREYS[0], linewidth=0.9)
    axes.set_xlim(left=0)
    return figure


def voltammogram_figure(run: Run, table: Table, steps: Table, title: str) -> Figure:
    """Draw current density over voltage, of the ramps of the last cycle that has any."""
    ramped = steps["technique"] == "voltage_ramp"
    cycle = int(steps["cycle"][ramped][-1])
    figure, axes = axes_of(
        f"{title}: voltammogram, cycle {cycle}", _voltage(run), "current density (uA/cm$^2$)"
    )
    counts = steps["step_count"][ramped & (steps["cycle"] == cycle)]
    chosen = np.isin(table["step_count"], counts)
    density = table["current"][chosen] / electrodes_area(run) * MICROAMPERE_PER_CM2
    axes.plot(table["voltage"][chosen], density, "-", color=GREYS[0])
    axes.axhline(0.0, color=GREYS[2], linewidth=0.6)
    return figure


def nyquist_figure(run: Run, impedance: Table, title: str) -> Figure:
    """Draw the first and the last spectrum in the complex plane."""
    figure, axes = axes_of(f"{title}: impedance", "Re Z (ohm cm$^2$)", "-Im Z (ohm cm$^2$)")
    square_centimetres = electrodes_area(run) * 1e4
    for index, number in enumerate(sorted({int(impedance["spectrum"][0]), int(impedance["spectrum"][-1])})):
        chosen = impedance["spectrum"] == number
        real, imag = (impedance[key][chosen] * square_centimetres for key in ("z_real", "z_imag"))
        label = f"spectrum {number} at {impedance['dc_voltage'][chosen][0]:.3f} V"
        marker, fill = ("o", "full") if index == 0 else ("s", "none")
        axes.plot(real, -imag, marker, fillstyle=fill, color=GREYS[0], label=label, markersize=3 + 2 * index)
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(frameon=False)
    return figure


def fade_figure(run: Run, cycles: Table, title: str) -> Figure:
    """Draw discharge capacity over cycles."""
    figure, axes = axes_of(f"{title}: capacity over cycles", "cycle", "discharge capacity (uAh/cm$^2$)")
    capacity = cycles["discharge_capacity"] / electrodes_area(run) * MICROAMPERE_HOUR_PER_CM2
    axes.plot(cycles["cycle"], capacity, "o", color=GREYS[0], markersize=3)
    axes.set_ylim(0, 1.1 * float(capacity.max()))
    return figure


def _voltage(run: Run) -> str:
    return f"voltage against {anode_of(sample_of_run(run).sample)} (V)"


def rates_of(run: Run, table: Table) -> dict[float, int]:
    """Return the last cycle at each constant discharge current density [uA/cm2], of cycles that charge so as well.

    What turns more often than MOST_TURNS is a train of pulses, whose curves would lie over each other.
    """
    area = electrodes_area(run)
    setpoints = _setpoints(run)
    last: dict[float, int] = {}
    for cycle in np.unique(table["cycle"]):
        chosen = table["cycle"] == cycle
        _, first = np.unique(table["step_count"][chosen], return_index=True)
        indices = table["step_index"][chosen][first].tolist()
        currents = [setpoints[index] for index in indices if index in setpoints]
        turns = sum(one * other < 0 for one, other in pairwise(currents))
        if 0 < turns <= MOST_TURNS:
            last[float(f"{-min(currents) / area * MICROAMPERE_PER_CM2:.4g}")] = int(cycle)
    return last


def _setpoints(run: Run) -> dict[int, float]:
    """Return the current [A] of each constant-current step that counts, by its index."""
    if "program" not in run.start:
        return _measured_setpoints(run)
    steps = list(_leaves(run.start["program"]["body"]["steps"], False))
    counting = any(counted for _, counted in steps)
    return {
        index: float(step["run"]["current"])
        for index, (step, counted) in enumerate(steps)
        if step["run"]["technique"] == "constant_current" and (counted or not counting)
    }


def _measured_setpoints(run: Run) -> dict[int, float]:
    """Return what `_setpoints` does of a run without a program, which was imported.

    Steps whose measured currents are equal in two digits were set to one current, their median.
    """
    table, steps = run.table("primary", ["step_count", "current"]), run.table("steps")
    driven = steps["technique"] == "constant_current"
    counts = steps["step_count"][driven]
    begins, ends = (np.searchsorted(table["step_count"], counts, side) for side in ("left", "right"))
    measured = [
        float(np.nanmedian(table["current"][begin:end])) for begin, end in zip(begins, ends, strict=True)
    ]
    alike: dict[str, list[float]] = {}
    for current in measured:
        alike.setdefault(f"{current:.1e}", []).append(current)
    indices = steps["step_index"][driven].tolist()
    return {
        index: float(np.median(alike[f"{current:.1e}"]))
        for index, current in zip(indices, measured, strict=True)
    }


def _leaves(nodes: list[dict[str, Any]], counted: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the steps of a program's body in path order, and whether a cycle counts each; jumps have none."""
    for node in nodes:
        if "body" in node:
            yield from _leaves(node["body"], counted or bool(node["counts_cycles"]))
        elif "run" in node:
            yield node, counted


def _read(run: Run, stream: str) -> Table | None:
    """Return a stream's rows, None when there are none."""
    if stream not in run.streams:
        return None
    table = run.table(stream)
    return table if len(next(iter(table.values()), ())) else None
