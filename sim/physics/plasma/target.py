"""A sputter target: what heats and stresses it, what cracks it, and how it wears."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

HEAT_SHARE = 0.75  # of the power goes into the cooling water [sputter target vendors]
RACETRACK = 2.5  # heat flux in the groove over its mean, guess
CONTACT = 1500.0  # W/(m2 K) from target to cooled plate, recalled of clamped targets
UTILISATION = 0.28  # of a target's mass when its groove reaches the plate, recalled
EFFICIENCY_LOSS = 0.08  # of the rate at the end of a target's life, guess
CONTACT_TIME = 7.4  # s in which a clamped 3 mm ceramic target takes its temperature: its heat over CONTACT
CAREFUL_RAMP = 20.0 / 60.0  # W/s, what vendors allow a ceramic target: 20 W/min
RAMP_HAZARD = 1e-6  # 1/s while the power changes at CAREFUL_RAMP, guess

CRACKED_BIAS, CRACKED_RATE, CRACKED_ARCS = 0.9, 0.8, 10.0
"""What a crack makes of bias, rate and frequency of arcs [1]; guess."""


@dataclass(frozen=True)
class Body:
    """Describe what a target is made of, as a solid.

    density [kg/m3], conductivity k [W/(m K)], modulus E [Pa], expansion [1/K], poisson [1]; strength [Pa] and weibull
    [1] of its Weibull law, strength infinite for a metal.
    """

    density: float
    conductivity: float
    modulus: float = 150e9  # guess, of an oxide
    expansion: float = 13e-6  # guess, of an oxide
    poisson: float = 0.25  # guess
    strength: float = 150e6  # guess, of an oxide
    weibull: float = 10.0  # guess, of a ceramic

    def rise(self, flux: float, thickness: float) -> float:
        """Return the temperature difference through a target [K]: q th / k; flux q [W/m2], thickness th [m]."""
        return flux * thickness / self.conductivity

    def stress(self, rise: float) -> float:
        """Return the tension [Pa] at the back of a plate kept flat: E a dT / (2 (1 - nu)), elasticity of plates."""
        return 0.5 * self.modulus * self.expansion * rise / (1.0 - self.poisson)

    def crack_hazard(self, stress: float) -> float:
        """Return the integrated hazard [1] up to a stress [Pa], Weibull: 1 - exp(-it) cracks on one start."""
        return float((stress / self.strength) ** self.weibull)


@dataclass(frozen=True)
class Target:
    """Describe a target as bought: what of, area [m2], thickness [m]."""

    body: Body
    area: float = math.pi / 4.0 * 50.8e-3**2  # 2 inches, guess
    thickness: float = 3e-3

    @property
    def usable(self) -> float:
        """Return the mass [kg] that can be sputtered before the groove reaches the plate."""
        return UTILISATION * self.body.density * self.area * self.thickness

    def flux(self, power: float) -> float:
        """Return the mean heat flux [W/m2] through the target at a power [W]."""
        return HEAT_SHARE * power / self.area

    def hottest_stress(self, power: float) -> float:
        """Return the tension [Pa] below the groove at a power [W] in steady state."""
        return self.body.stress(self.body.rise(RACETRACK * self.flux(power), self.thickness))

    def back_rise(self, power: float) -> float:
        """Return by how much the target's back is warmer than the cooled plate [K] at a power [W]."""
        return self.flux(power) / CONTACT


@dataclass(frozen=True, slots=True)
class Wear:
    """Hold what a target has been through: eroded [kg], energy [J], conditioned [J] since it was in air, cracked."""

    eroded: float = 0.0
    energy: float = 0.0
    conditioned: float = 0.0
    cracked: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        return cls(**fields)


def used(target: Target, wear: Wear) -> float:
    """Return the share [1] of a target's life that is gone; the groove's depth over its thickness."""
    return wear.eroded / target.usable


def efficiency(target: Target, wear: Wear) -> float:
    """Return what a groove [1] leaves of the rate of a new target; it falls evenly with the depth (guess)."""
    return (1.0 - EFFICIENCY_LOSS * used(target, wear)) * (CRACKED_RATE if wear.cracked else 1.0)


def worn(target: Target, wear: Wear, emission: float, power: float, dt: float) -> Wear:
    """Return the wear after dt [s]; emission [kg/s] of a new target at this power [W].

    The efficiency falls as the mass goes: dm/dt = emission efficiency(m), solved exactly. What left the target is
    the difference of `eroded`.
    """
    slope = EFFICIENCY_LOSS / target.usable
    share = emission * dt * (CRACKED_RATE if wear.cracked else 1.0)
    gone = (1.0 - slope * wear.eroded) * -math.expm1(-slope * share) / slope
    energy = power * dt
    return Wear(wear.eroded + gone, wear.energy + energy, wear.conditioned + energy, wear.cracked)


def exposed(wear: Wear) -> Wear:
    """Return the wear of a target that was in air: it has to be conditioned anew."""
    return replace(wear, conditioned=0.0)


def followed(target: Target, heat: float, power: float, dt: float) -> tuple[float, float]:
    """Return the power [W] that the target's heat has followed after dt [s], and the integrated hazard [1] of cracking.

    heat [W]: what it had followed before. Vendors' ramp limits are a rule: conduction through the target alone does not
    explain them. The hazard of a brittle target goes with the square of the rate at which its heat follows the power
    in CONTACT_TIME, so that a step counts as the steepest ramp there is; exact for a constant power.
    """
    begin = power - heat
    end = begin * math.exp(-dt / CONTACT_TIME)
    hazard = 0.5 * RAMP_HAZARD * (begin**2 - end**2) / CONTACT_TIME / CAREFUL_RAMP**2
    return power - end, hazard if math.isfinite(target.body.strength) else 0.0
