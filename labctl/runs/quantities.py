"""Which unit a value in the index has, by its key or the last part of it; SI."""

from __future__ import annotations

from collections.abc import Mapping

AH = 3600.0
"""Coulombs in an ampere-hour."""

UNITS: Mapping[str, str] = {
    "recipe.rate": "Hz",
    # Recipes and programs, as their fields declare.
    "voltage": "V",
    "voltage_min": "V",
    "voltage_max": "V",
    "voltage_above": "V",
    "voltage_below": "V",
    "voltage_change": "V",
    "voltage_rate_below": "V/s",
    "current": "A",
    "current_max": "A",
    "current_above": "A",
    "current_below": "A",
    "current_change": "A",
    "current_rate_below": "A/s",
    "power": "W",
    "resistance": "ohm",
    "charge": "C",
    "charge_max": "C",
    "discharge_capacity_below": "C",
    "energy": "J",
    "duration": "s",
    "pulse_duration": "s",
    "interval": "s",
    "temperature": "K",
    "ramp": "K/s",
    # Predictions, as labctl.belief tells them.
    "surface_peak": "K",
    "foil_peak": "K",
    "film_peak": "K",
    "lithium_loss": "s",
    "substrate_margin": "K",
    "exposure": "J/m^2",
    "energy_release": "J/m^2",
    "crystalline_bound": "C/m^3",
    # Results and what a sample is.
    "capacity": "C",
    "capacity_sd": "C",
    "first_discharge": "C",
    "best_discharge": "C",
    "last_discharge": "C",
    "area": "m^2",
    "thickness": "m",
    "thickness_sd": "m",
    "area_sd": "m^2",
    "lasted": "s",
}

AMBIGUOUS = frozenset({"rate", "amplitude", "frequency", "first", "last", "start", "end", "bias"})
"""Keys whose unit depends on the technique they stand in; any unit will do for them."""


def unit_of(key: str) -> str:
    """Return the SI unit of a key; "1" where it is a pure number, "" where it depends on the technique."""
    name = key.rpartition(".")[2]
    return UNITS.get(key) or UNITS.get(name) or ("" if name in AMBIGUOUS else "1")
