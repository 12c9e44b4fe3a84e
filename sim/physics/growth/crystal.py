"""A quartz crystal that weighs a film: Z-match formula, its inverse, and a crystal's life."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

FREQUENCY_CONSTANT = 1668.0  # Hz m of AT-cut quartz [manuals of thickness monitors]
QUARTZ_DENSITY = 2649.0  # kg/m3
BARE = 6.0e6  # Hz, of a new crystal
LIFE = 1.0e6  # Hz that a crystal may lose
DEEPEST = 0.4  # of the bare frequency, up to which the formula holds [manuals of thickness monitors]
IGNITION_SHIFT = 20.0  # Hz by which a burning discharge warms it, guess
WARMING = 15.0  # s, guess: gone as far as 2 % after a minute
_NEWTON = 50  # steps at most; it ends after four or five


@dataclass(frozen=True, slots=True)
class Crystal:
    """Hold the load of a crystal: mass per area [kg/m2], the same times Z ratios [1], and its warmth [Hz].

    Films of several substances count with the mean of their Z ratios by mass (guess; the exact law of multilayers is
    not used).
    """

    mass: float = 0.0
    weighted: float = 0.0
    warmth: float = 0.0

    @property
    def z_ratio(self) -> float:
        """Return the ratio of acoustic impedances, quartz over film [1]."""
        return self.weighted / self.mass if self.mass > 0.0 else 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        return cls(**fields)


def loaded(crystal: Crystal, mass: float, z_ratio: float) -> Crystal:
    """Return a crystal with more mass per area [kg/m2] of a film of z_ratio [1] on it."""
    return Crystal(crystal.mass + mass, crystal.weighted + z_ratio * mass, crystal.warmth)


def warmed(crystal: Crystal, lit: bool, dt: float) -> Crystal:
    """Return a crystal after dt [s] beside a discharge that burns or does not."""
    goal = IGNITION_SHIFT if lit else 0.0
    warmth = goal + (crystal.warmth - goal) * math.exp(-dt / WARMING)
    return Crystal(crystal.mass, crystal.weighted, warmth)


def mass_on(frequency: float, z_ratio: float, bare: float = BARE) -> float:
    """Return the mass per area [kg/m2] that a frequency [Hz] tells, by the Z-match formula.

    Nq rq / (pi f Z) atan(Z tan(pi (fq - f) / fq)); z_ratio Z [1], bare fq [Hz]. Over a density it is a thickness.
    """
    angle = math.atan(z_ratio * math.tan(math.pi * (bare - frequency) / bare))
    return FREQUENCY_CONSTANT * QUARTZ_DENSITY / (math.pi * frequency * z_ratio) * angle


def frequency_under(mass: float, z_ratio: float, bare: float = BARE) -> float:
    """Return the frequency [Hz] of a crystal under a mass per area [kg/m2]: mass_on solved by Newton's method.

    Raises ValueError where the formula does not hold any more: a film too heavy.
    """
    if mass > mass_on((1.0 - DEEPEST) * bare, z_ratio, bare):
        raise ValueError(f"mass = {mass:.3g} kg/m2 is more than a crystal of {bare / 1e6:g} MHz weighs")
    scale = FREQUENCY_CONSTANT * QUARTZ_DENSITY / (math.pi * z_ratio)
    frequency = bare * bare / (bare + mass * bare * bare / (FREQUENCY_CONSTANT * QUARTZ_DENSITY))
    for _ in range(_NEWTON):
        tangent = math.tan(math.pi * (bare - frequency) / bare)
        missing = scale * math.atan(z_ratio * tangent) - mass * frequency
        turning = z_ratio * (1.0 + tangent**2) / (1.0 + (z_ratio * tangent) ** 2)
        change = missing / (scale * turning * math.pi / bare + mass)
        frequency += change
        if abs(change) <= 1e-15 * bare:
            break
    return frequency


def shown_frequency(crystal: Crystal, bare: float = BARE) -> float:
    """Return the frequency [Hz] that a monitor measures, without its noise."""
    return frequency_under(crystal.mass, crystal.z_ratio, bare) - crystal.warmth


def life_left(frequency: float) -> float:
    """Return the share of a crystal's life [1] that a frequency [Hz] leaves."""
    return 1.0 - (BARE - frequency) / LIFE
