"""Lithium and cobalt in a sputtered LiCoO2 film, and the phases that follow from them."""

import math
from dataclasses import dataclass

from sim.physics.growth.transport import collisions

# Pa m over which each loses its direction in argon. Guess; momentum transfer at 1.5e-19 m2 and 400 K gives 4.2 and 24
# Pa cm.
LITHIUM_REACH, COBALT_REACH = 6e-2, 25e-2
# Share of scattered particles that is not lost to the side. Calibrated: a stoichiometric target still gave 70 to
# 72 of 71.4 uAh/cm2/um at 3 Pa (FLA paper), which bounds it.
KEPT = 0.9
OXYGEN_LOSS, OXYGEN_HALF = 0.05, 0.3  # guess; more oxygen gave films poorer in lithium (Jeevan Kumar)
BIAS_LOSS = 0.05 / 50.0  # 1/V, guess

LITHIUM_COBALT_OXIDE_VOLUME = 97.87e-3 / 5050.0  # m3/mol, handbook
COBALT_OXIDE_VOLUME = 240.80e-3 / 6110.0  # m3/mol of Co3O4, handbook
LITHIUM_OXIDE_VOLUME = 29.88e-3 / 2013.0  # m3/mol of Li2O, handbook


def scattering(pressure: float, distance: float) -> float:
    """Return what scattering in argon makes of Li/Co [1]; pressure [Pa], throw [m].

    Only what is lost to the side separates the two: what returns to the target is sputtered again until its net erosion
    has its composition. 1 without gas and again in dense gas.
    """
    lithium, cobalt = (
        KEPT + (1.0 - KEPT) * math.exp(-collisions(pressure, distance, reach))
        for reach in (LITHIUM_REACH, COBALT_REACH)
    )
    return lithium / cobalt


def lithium_per_cobalt(target: float, pressure: float, distance: float, oxygen: float, bias: float) -> float:
    """Return Li/Co [1] of a film from a target of Li/Co `target`.

    pressure [Pa], distance [m] of the throw, oxygen [1]: its share of the gas; bias [V] of the substrate, positive.
    """
    by_oxygen = 1.0 - OXYGEN_LOSS * oxygen / (oxygen + OXYGEN_HALF)
    return target * scattering(pressure, distance) * by_oxygen * (1.0 - BIAS_LOSS * bias)


@dataclass(frozen=True)
class Phases:
    """Hold moles per mole of cobalt in a film: LiCoO2, Co3O4 and Li2O."""

    lithium_cobalt_oxide: float
    cobalt_oxide: float
    lithium_oxide: float

    @property
    def cobalt_oxide_volume(self) -> float:
        """Return the share of the volume [1] that is Co3O4."""
        volumes = (
            self.lithium_cobalt_oxide * LITHIUM_COBALT_OXIDE_VOLUME,
            self.cobalt_oxide * COBALT_OXIDE_VOLUME,
            self.lithium_oxide * LITHIUM_OXIDE_VOLUME,
        )
        return volumes[1] / sum(volumes)

    @property
    def oxygen(self) -> float:
        """Return the oxygen atoms per cobalt atom [1]."""
        return 2.0 * self.lithium_cobalt_oxide + 4.0 * self.cobalt_oxide + self.lithium_oxide

    @property
    def capacity_share(self) -> float:
        """Return the capacity [1] over that of a film of LiCoO2 alone with as much cobalt."""
        return self.lithium_cobalt_oxide


def phases(ratio: float) -> Phases:
    """Return the phases at Li/Co = ratio [1]: too little lithium makes Co3O4, too much Li2O on the surface."""
    if ratio < 1.0:
        return Phases(ratio, (1.0 - ratio) / 3.0, 0.0)
    return Phases(1.0, 0.0, 0.5 * (ratio - 1.0))
