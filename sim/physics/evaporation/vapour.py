"""What a hot melt gives off and what of it arrives: Hertz and Knudsen, a source that follows the cosine."""

import math
from dataclasses import dataclass

from sim.physics.vacuum.gases import AVOGADRO, BOLTZMANN


@dataclass(frozen=True)
class Melt:
    """Describe what evaporates: molar_mass [kg/mol], density [kg/m3] of the film, heat [J/kg] of evaporation.

    log10 of the vapour pressure [Pa] is a - b / T, up to hottest [K].
    """

    molar_mass: float
    density: float
    heat: float
    a: float
    b: float
    hottest: float

    @property
    def atom(self) -> float:
        """Return the mass of an atom [kg]."""
        return self.molar_mass / AVOGADRO

    def pressure(self, temperature: float) -> float:
        """Return the vapour pressure [Pa] at a temperature [K]."""
        return float(10.0 ** (self.a - self.b / temperature))

    def flux(self, temperature: float) -> float:
        """Return the mass that a free surface gives off [kg/(m2 s)]: p sqrt(m / 2 pi k T), Hertz and Knudsen."""
        return self.pressure(temperature) * math.sqrt(self.atom / (2.0 * math.pi * BOLTZMANN * temperature))


def rate_above(melt: Melt, mass_rate: float, distance: float, aside: float = 0.0) -> float:
    """Return the growth [m/s] of a film straight above a small source, or `aside` [m] of there.

    mass_rate [kg/s], distance h [m]: m / (pi h^2 rho), and cos^4 aside. For mass_rate as a mass [kg] it is a thickness.
    """
    cosine_squared = distance**2 / (distance**2 + aside**2)
    return mass_rate / (math.pi * distance**2 * melt.density) * cosine_squared**2


def mass_for(melt: Melt, thickness: float, distance: float) -> float:
    """Return the mass [kg] that must go for a film of thickness [m] at a distance [m]: pi h^2 rho t."""
    return math.pi * distance**2 * melt.density * thickness
