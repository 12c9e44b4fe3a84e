"""Predicted against measured, run by run: capacity, temperatures, residuals, spectra, effort."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labctl.pictures.drawing import CELSIUS
from labctl.report.gathering import ItemTold, RunTold
from labctl.report.sections import Row
from labctl.report.words import lasted, number, share
from labctl.runs.index import ask_index
from labctl.runs.quantities import AH
from labctl.runs.run import Run, Table
from labctl.samples.of_run import Size, sample_of_run

MICRO_AH = 1e6 / AH
"""uAh in a coulomb."""

CAPACITY = (
    "sample", "run", "crystalline bound", "nominal", "first discharge", "last discharge", "of nominal", "of bound",
    "cycles",
)  # fmt: skip
TEMPERATURES = (
    "sample", "run", "pulses", "film peak, predicted", "foil peak, predicted", "base before last pulse, predicted",
    "base, measured", "crystalline, predicted",
)  # fmt: skip
RESIDUALS = ("sample", "run", "quantity", "rows", "measured, mean", "predicted, mean", "difference", "worst")
SHOWN_IN: Mapping[str, tuple[float, str, float, str]] = {
    "V": (1.0, "V", 1e3, "mV"),
    "Ah": (1e6, "uAh", 1e6, "uAh"),
    "Wh": (1e6, "uWh", 1e6, "uWh"),
    "J": (1.0, "J", 1e3, "mJ"),
    "degC": (1.0, "degC", 1.0, "K"),
}
"""By the unit at the end of a quantity's name: how its values, and then differences of them, are shown."""
SPECTRA = (
    "sample",
    "run",
    "spectrum",
    "at",
    "circuit",
    "r0",
    "r1",
    "r2",
    "misses by",
    "Kramers-Kronig",
    "doubts",
)
EFFORT = ("item", "rehearsed", "took", "charge, rehearsed", "charge", "pulses, rehearsed", "pulses",
          "rows, rehearsed", "rows")  # fmt: skip


def stream(run: Run, name: str) -> Table | None:
    """Return a stream's rows; None when there are none."""
    if name not in run.streams:
        return None
    table = run.table(name)
    return table if len(next(iter(table.values()), ())) else None


def predicted(run: Run) -> Mapping[str, Any]:
    """Return what its start document predicts; nothing where it predicts nothing."""
    said = run.start.get("prediction")
    values = said.get("values") if isinstance(said, Mapping) else None
    return values if isinstance(values, Mapping) else {}


def bound(run: Run, anneals: Mapping[str, Run], size: Size) -> float | None:
    """Return the charge [C] that the crystalline part of a film can hold, by the prediction of its last anneal."""
    for uid in reversed(run.start.get("inputs") or []):
        density = predicted(anneals[uid]).get("crystalline_bound") if uid in anneals else None
        if isinstance(density, int | float):
            return float(density) * size.thickness * size.area
    return None


def capacity_rows(told: RunTold, run: Run, anneals: Mapping[str, Run]) -> Iterator[Row]:
    """Yield what a cycling run came to, against what was predicted of its film and what it was cycled for."""
    cycles = stream(run, "cycles")
    size = sample_of_run(run).size
    nominal = size.capacity * AH if math.isfinite(size.capacity) else None
    limit = bound(run, anneals, size)
    if cycles is None and not run.start.get("capacity"):
        return
    measured = np.asarray([] if cycles is None else cycles["discharge_capacity"], dtype=float) * AH
    measured = measured[np.isfinite(measured)]
    first, last = (float(measured[0]), float(measured[-1])) if measured.size else (None, None)
    numbers = () if cycles is None or last is None else (int(cycles["cycle"][0]), int(cycles["cycle"][-1]))
    shown = [f"{_charge(each)}{_at(run, cycle)}" for each, cycle in zip((first, last), numbers, strict=False)]
    yield (
        told.sample, told.uid[:8], _charge(limit), _charge(nominal), *(shown or ("", "")),
        share(last, nominal), share(last, limit), str(len(measured)),
    )  # fmt: skip


def _at(run: Run, cycle: int) -> str:
    """Return at which current a cycle was discharged, in words; nothing where its rows do not tell."""
    if not {"cycle", "current"} <= run.units("primary").keys():
        return ""
    table = run.table("primary", ["cycle", "current"])
    current = np.asarray(table["current"], dtype=float)[table["cycle"] == cycle]
    current = current[current < 0]
    return f" at {number(float(-np.median(current)) * 1e6, 'uA', 3)}" if current.size else ""


def temperature_rows(told: RunTold, run: Run) -> Iterator[Row]:
    """Yield how hot an anneal was to become, and what was measured of it."""
    values, table = predicted(run), stream(run, "primary")
    if run.start.get("purpose") != "anneal":
        return
    course = values.get("base_temperature")
    base = float(course[-1]) if isinstance(course, list) and course else None
    measured = "not measured"
    if table is not None and "base_temperature" in table:
        seen = np.asarray(table["base_temperature"], dtype=float)
        seen = seen[np.isfinite(seen)]
        if seen.size:
            measured = f"last {seen[-1]:.0f}, highest {seen.max():.0f} degC"
    pulses = 0 if table is None or "pulse" not in table else len(table["pulse"])
    peaks = (_celsius(values.get(name)) for name in ("film_peak", "foil_peak"))
    crystalline = values.get("crystalline_mean")
    shown = f"{crystalline:.1%}" if isinstance(crystalline, float) else ""
    yield (told.sample, told.uid[:8], str(pulses), *peaks, _celsius(base), measured, shown)


def residual_rows(told: RunTold, run: Run) -> Iterator[Row]:
    """Yield how far each predicted quantity of a run was from what was measured."""
    table = stream(run, "residual")
    if table is None:
        return
    for quantity in dict.fromkeys(table["quantity"].tolist()):
        chosen = table["quantity"] == quantity
        seen, said, sd = (
            np.asarray(table[key], dtype=float)[chosen] for key in ("measured", "predicted", "sd")
        )
        if not (np.isfinite(seen) & np.isfinite(said)).any():
            continue
        difference = seen - said
        with np.errstate(divide="ignore", invalid="ignore"):
            off = np.abs(difference) / sd
        worst = f"{np.nanmax(off):.1f} sd" if np.isfinite(off).any() else ""
        mean, expected = float(np.nanmean(seen)), float(np.nanmean(said))
        name, _, unit = str(quantity).rpartition("_")
        name = name.replace("_", " ") if unit in SHOWN_IN else str(quantity)
        factor, shown, finer, shown_apart = SHOWN_IN.get(unit, (1.0, "", 1.0, ""))
        apart = f"{float(np.nanmean(difference)) * finer:+.3g} {shown_apart}".rstrip()
        yield (
            told.sample, told.uid[:8], name, str(int(chosen.sum())), number(mean * factor, shown),
            number(expected * factor, shown), apart, worst,
        )  # fmt: skip


def spectrum_rows(data: Path, told: RunTold, run: Run) -> Iterator[Row]:
    """Yield the spectra of a run by the newest fit that was derived from it; that none was, where none was."""
    impedance = stream(run, "impedance")
    if impedance is None:
        return
    fit = _fit_of(data, run.chain)
    if fit is None:
        count = len(np.unique(impedance["spectrum"])) if "spectrum" in impedance else 1
        yield (
            told.sample,
            told.uid[:8],
            f"{count} measured",
            *("",) * 7,
            f"no fit; labctl derive {told.uid[:8]}",
        )
        return
    table = fit.table()
    mine = np.flatnonzero(np.isin(table["run"], run.chain))
    for row in mine:
        values = {key: column[row] for key, column in table.items()}
        parts = [_with_error(values, name) for name in ("r0", "r1", "r2")]
        yield (
            told.sample, told.uid[:8], str(int(values["spectrum"])), number(float(values["dc_voltage"]), "V"),
            str(values["circuit"]), *parts, f"{float(values['fit_rms']):.2%}" if values["circuit"] else "",
            str(values["kramers_kronig"]), str(values["doubts"]),
        )  # fmt: skip


def _with_error(values: Mapping[str, Any], name: str) -> str:
    value, error = float(values[name]), float(values[f"{name}_sd"])
    return f"{value:.4g} ± {error:.2g} ohm" if np.isfinite(value) else ""


def _fit_of(data: Path, chain: Sequence[str]) -> Run | None:
    """Return the newest derived fit of spectra that has any of these runs among its inputs."""
    query = "SELECT path FROM runs WHERE listed AND purpose = 'derived' ORDER BY began DESC, uid DESC"
    for (path,) in ask_index(data, lambda connection: connection.execute(query).fetchall()):
        run = Run(data / path, until_damage=True)
        if run.start.get("kind") == "eis_fit" and set(run.start.get("inputs", [])) & set(chain):
            return run if stream(run, "primary") is not None else None
    return None


def effort_row(item: ItemTold) -> Row | None:
    """Return what an item took against what its rehearsal took; None where it has no run or was not rehearsed."""
    promise, began, ended = item.promise, item.state.began, item.state.ended
    if promise is None or began is None:
        return None
    charge, pulses, rows = 0.0, 0, 0
    for told in item.runs:
        if told.run is not None:
            moved, flashed, counted = _work(told.run)
            charge, pulses, rows = charge + moved, pulses + flashed, rows + counted
    duration = None if ended is None else ended - began
    return (
        item.name, lasted(promise.duration), lasted(duration) or "not ended", _charge(promise.charge or None),
        _charge(charge or None), _count(promise.pulses), _count(pulses), _count(promise.rows), _count(rows),
    )  # fmt: skip


def _work(run: Run) -> tuple[float, int, int]:
    """Return the charge a run moved in and out of its cell [C], its pulses, and its rows in all streams."""
    table = stream(run, "primary")
    rows = sum(len(run.times(name)) for name in run.streams)
    if table is None:
        return 0.0, 0, rows
    if "pulse" in table:
        return 0.0, len(table["pulse"]), rows
    if "charge" in table:
        return float(np.nansum(np.abs(np.diff(table["charge"])))) * AH, 0, rows
    return 0.0, 0, rows


def _charge(coulombs: float | None) -> str:
    return number(None if coulombs is None else coulombs * MICRO_AH, "uAh")


def _celsius(kelvin: Any) -> str:
    return f"{kelvin - CELSIUS:.0f} degC" if isinstance(kelvin, int | float) else ""


def _count(value: int) -> str:
    return str(value) if value else ""
