"""From formula units that leave a target to metres of film per second."""

from dataclasses import dataclass

from sim.physics.growth.transport import collisions, kappa
from sim.physics.vacuum.gases import AVOGADRO


@dataclass(frozen=True)
class Deposited:
    """Describe what arrives from a target: molar_mass [kg/mol], density [kg/m3] of the film, reach [Pa m].

    reach (p d)0 is the product of pressure and distance over which particles lose their energy (Keller and Simmons).
    """

    molar_mass: float
    density: float
    reach: float

    @property
    def formula_mass(self) -> float:
        """Return the mass of a formula unit [kg]."""
        return self.molar_mass / AVOGADRO

    @property
    def formula_volume(self) -> float:
        """Return the volume [m3] that a formula unit takes in the film."""
        return self.formula_mass / self.density


def arriving(emission: float, share_per_area: float, pressure: float, distance: float, reach: float) -> float:
    """Return formula units that arrive per area and second [1/(m2 s)], or per area for emission in formula units.

    emission [1/s], share_per_area G [1/m2] without gas, pressure [Pa], distance [m] of the throw, reach [Pa m]:
    N G kappa(p d / (p d)0).
    """
    return emission * share_per_area * kappa(collisions(pressure, distance, reach))


@dataclass(frozen=True)
class Whereabouts:
    """Hold where eroded particles end [1], in sum 1: on the substrate's plane, on walls, back at the target."""

    plane: float
    walls: float
    back: float


def whereabouts(plane_share: float, pressure: float, distance: float, reach: float) -> Whereabouts:
    """Return where particles end, plane_share [1] of those that go forwards landing on the plane or a part of it."""
    forwards = kappa(collisions(pressure, distance, reach))
    return Whereabouts(plane_share * forwards, (1.0 - plane_share) * forwards, 1.0 - forwards)
