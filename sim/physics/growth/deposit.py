"""A film while it grows: sums that layers add to, so that no order and no step length matters."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sim.physics.vacuum.gases import AVOGADRO

MOLAR_MASSES = {
    "Li": 6.94e-3,
    "N": 14.007e-3,
    "O": 15.999e-3,
    "P": 30.974e-3,
    "Ti": 47.867e-3,
    "V": 50.942e-3,
    "Co": 58.933e-3,
    "Mo": 95.95e-3,
}
"""kg/mol of an element [IUPAC 2021]."""


@dataclass(frozen=True)
class Deposit:
    """Hold a film on the axis of the substrate, in sums over its thickness.

    thickness [m]; mass [kg/m2]; atoms [1/m2] by element; active [m]: thickness of what is active as deposited; stress
    [N/m]: the integral of the stress over the thickness; texture follows from the thickness alone.
    """

    thickness: float = 0.0
    mass: float = 0.0
    atoms: Mapping[str, float] = field(default_factory=dict)
    active: float = 0.0
    stress: float = 0.0

    def __add__(self, other: "Deposit") -> "Deposit":
        elements = sorted({*self.atoms, *other.atoms})
        return Deposit(
            self.thickness + other.thickness,
            self.mass + other.mass,
            {name: self.atoms.get(name, 0.0) + other.atoms.get(name, 0.0) for name in elements},
            self.active + other.active,
            self.stress + other.stress,
        )

    def ratio(self, element: str, per: str) -> float:
        """Return atoms of one element per atom of another [1]; 0 without any of the latter."""
        return self.atoms.get(element, 0.0) / self.atoms[per] if self.atoms.get(per) else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the film as numbers that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the film that to_dict wrote."""
        return cls(**fields)


def molar_mass(atoms: Mapping[str, float]) -> float:
    """Return the mass of a mole [kg/mol] of units with these atoms [1] by element."""
    return sum(count * MOLAR_MASSES[element] for element, count in atoms.items())


def of_atoms(atoms: Mapping[str, float], density: float) -> Deposit:
    """Return a layer of atoms [1/m2] by element at a density [kg/m3]: it weighs what they weigh."""
    mass = molar_mass(atoms) / AVOGADRO
    return Deposit(mass / density, mass, dict(atoms))


def layer(
    units: float, volume: float, mass: float, atoms: Mapping[str, float], active: float, stress: float
) -> Deposit:
    """Return a layer of formula units [1/m2] that take a volume [m3] and weigh a mass [kg] each.

    atoms [1] per unit by element; active [1]: share that is active as deposited; stress [Pa].
    """
    thickness = units * volume
    return Deposit(
        thickness=thickness,
        mass=units * mass,
        atoms={name: units * count for name, count in atoms.items()},
        active=active * thickness,
        stress=stress * thickness,
    )
