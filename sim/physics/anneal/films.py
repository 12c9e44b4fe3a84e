"""What lies under the lamp: a film and the substrate that carries it."""

import math
from dataclasses import dataclass

from sim.physics.anneal.crystallisation import Kinetics
from sim.physics.heat.medium import Medium
from sim.physics.heat.stack import require_positive


@dataclass(frozen=True)
class Film:
    """Describe the substance of a film: heat, kinetics, light, and capacity once crystalline [C m-3].

    absorption [m-1]; expansion [K-1]; lithium_loss: rate of it [1], 1 at its reference; None where not known.
    Raises ValueError for an absorption or capacity that is not positive, or an expansion that is no number.
    """

    medium: Medium
    kinetics: Kinetics
    absorption: float
    full_capacity: float
    expansion: float = 0.0
    lithium_loss: Kinetics | None = None

    def __post_init__(self) -> None:
        require_positive("film.absorption", self.absorption, "1/m")
        require_positive("film.full_capacity", self.full_capacity, "C/m3")
        _require_finite("film.expansion", self.expansion, "1/K")


@dataclass(frozen=True)
class Slab:
    """Describe one layer below the film: its substance and thickness [m].

    opaque: whether it absorbs all light that comes to it, which else passes; bearable [K]: up to where it stays
    what it is, infinite where not known.
    Raises ValueError, with the substance's name, for a thickness or bearable temperature that cannot be.
    """

    medium: Medium
    thickness: float
    opaque: bool = True
    bearable: float = math.inf

    def __post_init__(self) -> None:
        require_positive(f"{self.medium.name}.thickness", self.thickness, "m")
        if not self.bearable > 0.0:
            raise ValueError(f"{self.medium.name}.bearable = {self.bearable} K must be positive")

    def above_bearable(self, temperature: float) -> float:
        """Return by how much the solid of a slab that is at most temperature [K] hot is hotter than it bears [K].

        A solid is no hotter than its melting point: beyond, the molten share tells what is broken.
        """
        return min(temperature, self.medium.melting_point) - self.bearable


@dataclass(frozen=True)
class Substrate:
    """Describe what a film lies on: its slabs from the film down, and how it takes light and heat.

    mirror: reflectance as seen from the film [1]; what it lets in is absorbed in the first opaque slab, or leaves
    through the back where there is none; expansion [K-1].
    Raises ValueError for no slab, a mirror outside [0, 1) or an expansion that is no number.
    """

    slabs: tuple[Slab, ...]
    mirror: float
    expansion: float = 0.0

    def __post_init__(self) -> None:
        if not self.slabs:
            raise ValueError("slabs: a substrate has one at least; a bare film would have no side below")
        if not 0.0 <= self.mirror < 1.0:
            raise ValueError(f"substrate.mirror = {self.mirror} is outside [0, 1)")
        _require_finite("substrate.expansion", self.expansion, "1/K")

    @property
    def absorber(self) -> int | None:
        """Return which slab absorbs the light that passes the film; None where all are clear."""
        return next((index for index, slab in enumerate(self.slabs) if slab.opaque), None)


def _require_finite(name: str, value: float, unit: str) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} = {value} {unit} must be finite")
