"""How far a run stays from what the lab and its program allow, read from its journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from devices.limits import Limits
from devices.recipes import AnnealRecipe
from labctl.pictures.drawing import CELSIUS
from labctl.predicting.damage import Level, judge
from labctl.runs.run import Run
from labctl.units import show
from sim.physics.lamp.bank import Bank, discharge
from sim.physics.lamp.load import lamp_load

IN_CELSIUS = ("film_peak",)

PREFIXES = (("", 1.0), ("m", 1e-3), ("u", 1e-6))

LEVELS: tuple[Level, ...] = ("ok", "warning", "fault")
"""The levels, the worst last."""


@dataclass(frozen=True)
class Margin:
    """One quantity: its value and its limit as people read them, how much is left, and what that comes to.

    used: of the way to the limit [-]; 1 and more are at it.
    """

    name: str
    value: str
    limit: str
    left: str = ""
    level: Level = "ok"
    used: float = 0.0

    @property
    def in_words(self) -> str:
        """Itself in a sentence."""
        return f"{self.name} is {self.value}, the limit {self.limit}"


def margins(run: Run, limits: Limits, bank: Bank) -> tuple[Margin, ...]:
    """Return what a run has margins of: an anneal's lamp, peaks and damage; a cell's voltage and current."""
    if "recipe" in run.start:
        return (*_of_lamp(run, limits, bank), *_of_film(run, limits))
    return tuple(_of_cell(run, limits)) if "program" in run.start else ()


def nearest(found: Iterable[Margin]) -> Margin | None:
    """Return the margin that is the nearest to its limit; None where nothing has one."""
    limited = [each for each in found if each.limit]
    return max(limited, key=lambda each: (LEVELS.index(each.level), each.used), default=None)


def _below(name: str, value: float, limit: float, unit: str, like: str = "") -> Margin:
    """Return a margin below a limit; without a unit to show, value and limit each in the one that fits it."""
    left = f"{(1 - value / limit):.0%} left" if limit else ""
    level: Level = "ok" if value <= limit else "fault"
    used = value / limit if limit else 0.0
    shown = [_short(each, unit, like or _fitting(each, unit)) for each in (value, limit)]
    return Margin(name, shown[0], shown[1], left, level, used)


def _of_lamp(run: Run, limits: Limits, bank: Bank) -> Iterator[Margin]:
    body = run.start["recipe"].get("body")
    if not isinstance(body, dict) or "pulse_count" not in body:
        return
    recipe = TypeAdapter(AnnealRecipe).validate_python(body, strict=False)
    lamp = limits.of_lamp(_station(run))
    pulse = discharge(bank, recipe.voltage, recipe.pulse_duration, recipe.lit)
    power = lamp_load(bank, pulse, recipe.period).average_power
    yield _below("bank voltage", recipe.voltage, lamp.bank_voltage, "V", "V")
    yield _below("pulse", recipe.pulse_duration, lamp.pulse_duration, "s", "ms")
    yield _below("pulses", recipe.pulse_count, lamp.pulse_count, "1", "1")
    yield _below("rate", recipe.rate, lamp.rate, "Hz", "Hz")
    yield _below("average power", power, lamp.average_power, "W", "W")
    bases = run.start.get("prediction", {}).get("values", {}).get("base_temperature")
    if bases:
        yield _degrees("foil between pulses", max(bases), lamp.base_temperature)


def _of_film(run: Run, limits: Limits) -> Iterator[Margin]:
    values = run.start.get("prediction", {}).get("values")
    if not values:
        return
    for name, key in (("surface peak", "surface_peak"), ("foil peak", "foil_peak")):
        yield Margin(name, f"{values[key] - CELSIUS:.0f} degC", "")
    for term in judge(values, limits.damage):
        unit = "degC" if term.name in IN_CELSIUS else term.unit
        value, warn, fault = (_short(each, term.unit, unit) for each in (term.value, term.warn, term.fault))
        limit = f"{warn} / {fault}"
        used = term.value / term.warn if term.warn else 0.0
        yield Margin(term.name.replace("_", " "), value, limit, level=term.level, used=used)


def _degrees(name: str, value: float, limit: float) -> Margin:
    level: Level = "ok" if value <= limit else "fault"
    celsius, most = (f"{each - CELSIUS:.0f} degC" for each in (value, limit))
    return Margin(name, celsius, most, f"{limit - value:.0f} K left", level, value / limit)


def _of_cell(run: Run, limits: Limits) -> Iterator[Margin]:
    """Yield the extremes of a cell against the nearer of its program's limits and the lab's."""
    if "primary" not in run.streams:
        return
    rows, channel = run.table("primary", ["voltage", "current"]), limits.potentiostat
    if not len(rows["voltage"]):
        return
    own: dict[str, Any] = run.start["program"].get("body", {}).get("limits") or {}
    highest = min(channel.voltage_max, own.get("voltage_max", np.inf))
    lowest = max(channel.voltage_min, own.get("voltage_min", -np.inf))
    most = min(channel.current, own.get("current_max") or np.inf)
    above, below = float(np.nanmax(rows["voltage"])), float(np.nanmin(rows["voltage"]))
    window = highest - lowest
    yield _volts("highest cell voltage", above, highest, highest - above, window)
    yield _volts("lowest cell voltage", below, lowest, below - lowest, window)
    current = float(np.nanmax(np.abs(rows["current"])))
    yield _below("highest current", current, most, "A")


def _volts(name: str, value: float, limit: float, left: float, window: float) -> Margin:
    level: Level = "ok" if left >= 0 else "fault"
    return Margin(
        name, f"{value:.3f} V", f"{limit:g} V", f"{left * 1e3:.0f} mV left", level, 1 - left / window
    )


def _fitting(value: float, unit: str) -> str:
    """Return the unit in which a value is no less than 1 and less than 1000, "uA" for 20e-6 and "A"."""
    return next((f"{prefix}{unit}" for prefix, size in PREFIXES if abs(value) >= size), f"n{unit}")


def _short(value: float, unit: str, like: str) -> str:
    number, _, symbol = show(value, unit, like).partition(" ")
    return f"{float(number):.4g}" + ("" if like == "1" else f" {symbol}")


def _station(run: Run) -> str:
    """Return the name of the station that a run's rows come from."""
    described = run.streams.get("primary") or []
    names = [name.removesuffix("_primary") for each in described for name in each["object_keys"]]
    return names[0] if names else "lamp"
