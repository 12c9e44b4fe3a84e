"""Which unit a value in the index has, by its key, its last two parts or its last one; SI."""

from __future__ import annotations

from collections.abc import Mapping

AH = 3600.0
"""Coulombs in an ampere-hour."""

FLASHES, FILM_RATE = "recipe.rate", "recipe.film.rate"
"""The rates of a train of flashes and of a film that grows: fields of one name, and keys of two."""

UNITS: Mapping[str, str] = {
    FLASHES: "Hz",
    FILM_RATE: "m/s",
    "recipe.amplitude": "V",
    "segments.ramp": "K/s",
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
    "ramp": "W/s",
    "pressure": "Pa",
    "base_pressure": "Pa",
    "flow": "mol/s",
    "power_density": "W/m^2",
    "bias_power": "W",
    "substrate_temperature": "K",
    "presputter": "s",
    "soak": "s",
    "mask_area": "m^2",
    "settle": "s",
    "rest": "s",
    "drop": "V",
    "frequency": "Hz",
    "against": "Hz",
    "anode": "V",
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
    "peak_temperature": "K",
}

AMBIGUOUS = frozenset({"rate", "amplitude", "first", "last", "start", "end", "bias"})
"""Keys whose unit depends on the technique they stand in; any unit will do for them."""


def unit_of(key: str) -> str:
    """Return the SI unit of a key; "1" where it is a pure number, "" where it depends on the technique."""
    *_, name = parts = key.split(".")
    known = (UNITS.get(each) for each in (key, ".".join(parts[-2:]), name))
    return next(filter(None, known), "" if name in AMBIGUOUS else "1")
