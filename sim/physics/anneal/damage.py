"""What heat may break in a film on its substrate, as numbers; what is too much stands in the lab's limits."""

import math
from dataclasses import dataclass

from sim.physics.anneal.state import AnnealResult
from sim.physics.heat.stack import require_positive


@dataclass(frozen=True)
class Mechanics:
    """Describe a film on a substrate under mismatch.

    film_modulus [Pa]; film_thickness and substrate_thickness [m]; yield_stress [Pa] of the hot substrate,
    infinite for a brittle one.
    Raises ValueError, with name and unit, for any that is not positive, or only infinite where it may not be.
    """

    film_modulus: float
    film_thickness: float
    substrate_thickness: float
    yield_stress: float = math.inf

    def __post_init__(self) -> None:
        require_positive("film_modulus", self.film_modulus, "Pa")
        require_positive("film_thickness", self.film_thickness, "m")
        require_positive("substrate_thickness", self.substrate_thickness, "m")
        if not self.yield_stress > 0.0:
            raise ValueError(f"yield_stress = {self.yield_stress} Pa must be positive")


@dataclass(frozen=True)
class Damage:
    """Hold the damage terms of an anneal.

    molten_share of the substrate [1]; substrate_margin [K], by which a slab's solid was hotter than it bears, below
    zero where none was; lithium_loss [s], the time at 900 C that would lose as much; film_peak [K],
    which decides on decomposition; energy_release [J m-2] of the mismatch that could peel the film;
    explosion_share [1] of the lamp.
    """

    molten_share: float
    substrate_margin: float
    lithium_loss: float
    film_peak: float
    energy_release: float
    explosion_share: float


def energy_release(strain: float, mechanics: Mechanics) -> float:
    """Return the elastic energy per area [J m-2] that a film under a mismatch strain [1] could release: G = s^2 d / 2E.

    The stress s is E times the strain, but no more than what a yielding substrate of thickness t can hold against
    a film of thickness d: yield_stress t / d.
    """
    held = mechanics.yield_stress * mechanics.substrate_thickness / mechanics.film_thickness
    stress = min(mechanics.film_modulus * abs(strain), held)
    return stress**2 * mechanics.film_thickness / (2.0 * mechanics.film_modulus)


def damage(result: AnnealResult, mechanics: Mechanics, explosion_share: float) -> Damage:
    """Return the damage terms of an anneal; explosion_share [1] is the lamp's."""
    return Damage(
        molten_share=result.molten,
        substrate_margin=result.substrate_margin,
        lithium_loss=result.lithium_loss,
        film_peak=result.surface_peak,
        energy_release=energy_release(result.strain, mechanics),
        explosion_share=explosion_share,
    )
