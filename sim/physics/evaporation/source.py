"""A source heated by current or by an electron beam: its temperature from a power balance, its charge."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from sim.physics.evaporation.vapour import Melt

STEFAN_BOLTZMANN = 5.670374419e-8  # W/(m2 K4), exact since 2019 to this many digits


@dataclass(frozen=True)
class Source:
    """Describe a source: area [m2] that evaporates, area [m2] that radiates, with its emissivity [1].

    conductance [W/K] of its leads or hearth, surroundings [K], lag [s] of its temperature, power [W] at most.
    """

    area: float
    radiating: float
    emissivity: float
    conductance: float
    power: float
    surroundings: float = 300.0
    lag: float = 2.0  # guess: one first-order lag stands for all of a source's heat


BOAT = Source(area=1e-4, radiating=2e-3, emissivity=0.3, conductance=0.15, power=400.0)
"""A boat of 1 cm2, 30 cm below the substrate; guess, all of it: the area is what rates calibrate."""

ELECTRON_BEAM = Source(area=1e-4, radiating=6e-4, emissivity=0.4, conductance=0.4, power=6e3)
"""A 6 kW electron gun on a cooled hearth; guess."""

SOURCES: Mapping[str, Source] = {"boat": BOAT, "electron beam": ELECTRON_BEAM}
"""Sources by name."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """Hold a source: temperature [K] and charge [kg] left in it."""

    temperature: float
    charge: float

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        return cls(**fields)


def power_at(source: Source, melt: Melt, temperature: float) -> float:
    """Return the power [W] that holds a temperature [K]: radiation, conduction, and heat of evaporation."""
    radiated = temperature**4 - source.surroundings**4
    return (
        source.emissivity * STEFAN_BOLTZMANN * source.radiating * radiated
        + source.conductance * (temperature - source.surroundings)
        + source.area * melt.flux(temperature) * melt.heat
    )


def temperature_at(source: Source, melt: Melt, power: float) -> float:
    """Return the temperature [K] that a power [W] leads to.

    Raises ValueError for a power below zero, or one that leads beyond the melt's vapour pressure law.
    """
    most = min(source.power, power_at(source, melt, melt.hottest))
    if not 0.0 <= power <= most:
        raise ValueError(f"power = {power} W is outside [0, {most:.4g}] W")
    if power <= power_at(source, melt, source.surroundings):
        return source.surroundings
    # Slow to import: a session opens without.
    from scipy.optimize import brentq

    return float(
        brentq(lambda at: power_at(source, melt, at) - power, source.surroundings, melt.hottest, xtol=1e-9)
    )


def mass_rate(source: Source, melt: Melt, state: SourceState) -> float:
    """Return what evaporates [kg/s] now; nothing from an empty source."""
    return source.area * melt.flux(state.temperature) if state.charge > 0.0 else 0.0


def step(source: Source, melt: Melt, state: SourceState, power: float, dt: float) -> SourceState:
    """Return the source after dt [s] at a power [W]; what evaporated is the difference of `charge`.

    Its temperature goes to that of the power with the lag; the charge goes at the rate of the mean temperature, so
    that a step while it moves should be shorter than the lag.
    Raises ValueError as temperature_at does.
    """
    goal = temperature_at(source, melt, power)
    temperature = goal + (state.temperature - goal) * math.exp(-dt / source.lag)
    middle = SourceState(0.5 * (state.temperature + temperature), state.charge)
    return SourceState(temperature, max(0.0, state.charge - mass_rate(source, melt, middle) * dt))
