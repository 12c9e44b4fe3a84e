"""What lies under the lamp: a film and the substrate that carries it."""

from dataclasses import dataclass

from sim.physics.crystallisation import Kinetics
from sim.physics.heat_stack import require_positive
from sim.physics.medium import Medium


@dataclass(frozen=True)
class Film:
    """Describe the substance of a film: heat, kinetics, light, and capacity once crystalline [C m-3].

    absorption [m-1]; expansion [K-1]; lithium_loss: rate of it [1], 1 at its reference; None where not known.
    """

    medium: Medium
    kinetics: Kinetics
    absorption: float
    full_capacity: float
    expansion: float = 0.0
    lithium_loss: Kinetics | None = None


@dataclass(frozen=True)
class Slab:
    """Describe one layer below the film: its substance and thickness [m]."""

    medium: Medium
    thickness: float

    def __post_init__(self) -> None:
        require_positive(f"{self.medium.name}.thickness", self.thickness, "m")


@dataclass(frozen=True)
class Substrate:
    """Describe what a film lies on: its slabs from the film down, and how it takes light and heat.

    mirror: reflectance as seen from the film [1]; opaque: whether it absorbs what comes through the film, which
    else leaves through its back; expansion [K-1].
    """

    slabs: tuple[Slab, ...]
    mirror: float
    opaque: bool = True
    expansion: float = 0.0

    def __post_init__(self) -> None:
        if not self.slabs:
            raise ValueError("slabs: a substrate has one at least; a bare film would have no side below")
