"""How many particles an argon ion takes off a target."""

import math
from dataclasses import dataclass

ARGON, ARGON_NUMBER = 39.948, 18  # g/mol and charge of the nucleus
ANCHOR = 500.0  # eV, where measured yields are tabulated


@dataclass(frozen=True)
class PowerYield:
    """Describe the yield of a compound: `yield_at` formula units per ion at `energy` [eV], and an exponent."""

    yield_at: float
    energy: float = 200.0
    exponent: float = 0.8

    def __call__(self, energy: float) -> float:
        """Return formula units per ion of an energy [eV]."""
        return float(self.yield_at * (max(0.0, energy) / self.energy) ** self.exponent)


@dataclass(frozen=True)
class BohdanskyYield:
    """Describe the yield of an element under argon after Bohdansky, anchored at 500 eV.

    anchor: atoms per ion at 500 eV, molar_mass [g/mol], number: charge of the nucleus, binding [eV] of the surface.
    The shape is s(E / E_TF) (1 - (Eth/E)^(2/3)) (1 - Eth/E)^2 with the reduced nuclear stopping s.
    """

    anchor: float
    molar_mass: float
    number: int
    binding: float

    @property
    def threshold(self) -> float:
        """Return the energy Eth [eV] below which nothing is sputtered: 8 U (M1/M2)^(2/5), Bohdansky."""
        return float(8.0 * self.binding * (ARGON / self.molar_mass) ** 0.4)

    @property
    def thomas_fermi(self) -> float:
        """Return the Thomas-Fermi energy E_TF [eV] of argon on the element."""
        screening = math.sqrt(ARGON_NUMBER ** (2.0 / 3.0) + self.number ** (2.0 / 3.0))
        return 30.74 * (1.0 + ARGON / self.molar_mass) * ARGON_NUMBER * self.number * screening

    def __call__(self, energy: float) -> float:
        """Return atoms per ion of an energy [eV]."""
        return self.anchor * self._shape(energy) / self._shape(ANCHOR)

    def _shape(self, energy: float) -> float:
        if energy <= self.threshold:
            return 0.0
        below = self.threshold / energy
        return float(
            _stopping(energy / self.thomas_fermi) * (1.0 - below ** (2.0 / 3.0)) * (1.0 - below) ** 2
        )


def _stopping(reduced: float) -> float:
    """Return the reduced nuclear stopping [1] at a reduced energy [1]: the usual fit to Thomas-Fermi."""
    root = math.sqrt(reduced)
    return 3.441 * root * math.log(reduced + math.e) / (1.0 + 6.355 * root + reduced * (6.882 * root - 1.708))
