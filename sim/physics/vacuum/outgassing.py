"""Water that surfaces give off after they were in air."""

import math
from dataclasses import dataclass, replace

from sim.physics.vacuum.gases import BOLTZMANN

AFTER_AN_HOUR = 1.3e-5  # Pa m3/(s m2) of unbaked steel after an hour of pumping, recalled from handbooks
HOUR = 3600.0  # s
YOUNGEST = 1.0  # s, the age that a surface has in air: the law 1/t begins there


@dataclass(frozen=True, slots=True)
class Surface:
    """Hold a surface: area [m2] and age [s], how long it has been under vacuum."""

    area: float
    age: float = YOUNGEST


def outgassing(surface: Surface, temperature: float) -> float:
    """Return how many molecules per second of water a surface gives off now; temperature [K] of the gas.

    q = q1 A (1 h / t), the law of handbooks for unbaked metal, with q1 = AFTER_AN_HOUR.
    """
    return AFTER_AN_HOUR * surface.area * HOUR / surface.age / (BOLTZMANN * temperature)


def released(surface: Surface, temperature: float, dt: float) -> float:
    """Return how many molecules of water a surface gives off in the next dt [s], the integral of outgassing."""
    return outgassing(surface, temperature) * surface.age * math.log1p(dt / surface.age)


def aged(surface: Surface, dt: float) -> Surface:
    """Return a surface after dt [s] under vacuum."""
    return replace(surface, age=surface.age + dt)


def in_air(surface: Surface) -> Surface:
    """Return a surface that has been in air: it begins anew."""
    return Surface(surface.area)
