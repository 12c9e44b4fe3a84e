"""Under which conditions a film grows, and what a calibration is worth under others than its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROOM = 295.0
"""K of a substrate that nobody heats."""
FREE = 0.01
"""Pa below which what comes from a source meets no gas on its way: a mean free path of some 0.7 m."""
SAME = 0.05
"""By how much pressures or powers may differ that count as the same, relative; guess."""
SAME_GAS = 0.02
"""By how much the share of a gas may differ; guess, flow controllers are good to 1 %."""
SAME_TEMPERATURE = 20.0
"""K by which the substrate may differ; guess."""
RATE_BY_PRESSURE, TOOLING_BY_PRESSURE = 0.7, 0.05
"""Exponents of what a pressure may change; guesses: a rate falls with it, at the most in inverse proportion."""
RATE_BY_GAS, TOOLING_BY_GAS = 0.5, 0.05
"""What another gas may change, relative; guesses: an oxide on a target sputters several times slower."""
RATE_BY_POWER = 0.2
"""Exponent of what a power may change beside the law that was fitted; guess: 0.8 to 1 was seen."""
BY_BIAS = 0.1
"""What a bias may change by ions that make a film denser or sputter it again, relative; guess."""
BY_HEAT = 0.1 / 300.0
"""1/K; what a hot substrate may change, by density; guess."""


@dataclass(frozen=True)
class Conditions:
    """What a film's rate goes by besides its sources: pressure [Pa]; bias_power [W] and temperature [K] of the
    substrate, None unheated; share [1] of each gas, nothing where nobody noted them."""

    pressure: float
    bias_power: float = 0.0
    temperature: float | None = None
    gases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """In what a film grows otherwise than those that were measured: in words, and what it may change, relative."""

    what: str
    words: str
    rate: float
    tooling: float = 0.0


def conditions_of(recipe: Mapping[str, Any]) -> Conditions:
    """Return the conditions of a recipe, told as in a start document; a boat's film grows at its base pressure."""
    flows = {str(each["gas"]): float(each["flow"]) for each in recipe.get("gases", ())}
    total = sum(flows.values())
    return Conditions(
        float(recipe.get("pressure", recipe["base_pressure"])),
        float(recipe.get("bias_power", 0.0)),
        recipe.get("substrate_temperature"),
        {gas: flow / total for gas, flow in flows.items()},
    )


def differences(known: Conditions, wanted: Conditions) -> tuple[Difference, ...]:
    """Return in what the conditions of a film differ from those of a calibration."""
    found = (
        _pressure(max(known.pressure, FREE), max(wanted.pressure, FREE)),
        _gas(known.gases, wanted.gases),
        _bias(known.bias_power, wanted.bias_power),
        _heat(known.temperature or ROOM, wanted.temperature or ROOM),
    )
    return tuple(each for each in found if each is not None)


def power_difference(low: float, high: float, power: float) -> Difference | None:
    """Return what lies between a gun's power [W] and those of its calibration, None within them."""
    nearest = min(max(power, low), high)
    if math.isclose(nearest, power, rel_tol=SAME):
        return None
    span = f"{low:.4g} W" if low == high else f"{low:.4g} to {high:.4g} W"
    return Difference(
        "power", f"with {span} and not {power:.4g} W", RATE_BY_POWER * abs(math.log(power / nearest))
    )


def _pressure(known: float, wanted: float) -> Difference | None:
    if math.isclose(known, wanted, rel_tol=SAME):
        return None
    far = abs(math.log(wanted / known))
    words = f"at {known:.3g} Pa and not {wanted:.3g} Pa"
    return Difference("pressure", words, RATE_BY_PRESSURE * far, TOOLING_BY_PRESSURE * far)


def _gas(known: Mapping[str, float], wanted: Mapping[str, float]) -> Difference | None:
    if not known or not wanted:
        return None
    if all(abs(known.get(gas, 0.0) - wanted.get(gas, 0.0)) <= SAME_GAS for gas in {*known, *wanted}):
        return None
    words = f"in {_mixture(known)} and not {_mixture(wanted)}"
    return Difference("gas", words, RATE_BY_GAS, TOOLING_BY_GAS)


def _mixture(gases: Mapping[str, float]) -> str:
    return " + ".join(f"{share:.0%} {gas}" for gas, share in gases.items())


def _bias(known: float, wanted: float) -> Difference | None:
    if math.isclose(known, wanted, rel_tol=SAME):
        return None
    # The voltage, by which ions come, goes with the root of the power.
    low, high = sorted((known, wanted))
    change = BY_BIAS * (1.0 - math.sqrt(low / high))
    return Difference("bias", f"at a bias of {known:.3g} W and not {wanted:.3g} W", change, change)


def _heat(known: float, wanted: float) -> Difference | None:
    if abs(known - wanted) <= SAME_TEMPERATURE:
        return None
    change = BY_HEAT * abs(known - wanted)
    return Difference("heat", f"on a substrate of {known:.0f} K and not {wanted:.0f} K", change, change)
