"""A film on its substrate between two moments, and what an anneal leaves of it."""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AnnealState:
    """Hold a film and its substrate between two moments.

    enthalpy (n,) [J m-3] of all cells, film first; dose and peak (m,) of the film cells [1] and [K];
    surface_peak and foil_peak [K], the latter where film and substrate meet; molten: largest molten share of any
    slab of the substrate so far [1]; pulses seen; since: time [s] of these fields after the last pulse (or the
    start); ahead: time [s] that has passed beyond it, less than the next step of the calculation, so that a look
    in between changes nothing; elapsed: time [s] of these fields after the start; lithium_loss [s]: time at the
    reference temperature that would lose as much lithium as the surface lost; strain: largest mismatch of film
    and substrate [1]; substrate_margin [K]: by how much the solid of any slab was hotter than it bears, at most;
    absorbed, lost, stored: energies [J m-2] since the start, each summed by itself.
    """

    enthalpy: Array
    dose: Array
    peak: Array
    surface_peak: float
    foil_peak: float
    molten: float = 0.0
    pulses: int = 0
    since: float = 0.0
    ahead: float = 0.0
    elapsed: float = 0.0
    lithium_loss: float = 0.0
    strain: float = 0.0
    substrate_margin: float = -math.inf
    absorbed: float = 0.0
    lost: float = 0.0
    stored: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers and lists that JSON can hold."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        values: dict[str, Any] = {
            name: np.array(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return cls(**values)

    def unmarked(self) -> Self:
        """Return the state without dose, peaks and pulses, to see what one cycle adds to them."""
        none = np.zeros_like(self.dose)
        return replace(
            self,
            dose=none,
            peak=none,
            surface_peak=0.0,
            foil_peak=0.0,
            molten=0.0,
            pulses=0,
            elapsed=0.0,
            lithium_loss=0.0,
            strain=0.0,
            substrate_margin=-math.inf,
            absorbed=0.0,
            lost=0.0,
            stored=0.0,
        )

    def steady(self) -> Self:
        """Return what a cycle gains where nothing changes any more: it loses what it absorbs, and stores nothing."""
        return replace(self, lost=self.absorbed, stored=0.0)

    def adding(self, gained: Self) -> Self:
        """Return where a cycle led that gained so much, with what was there before it."""
        return replace(
            gained,
            dose=self.dose + gained.dose,
            peak=np.maximum(self.peak, gained.peak),
            surface_peak=max(self.surface_peak, gained.surface_peak),
            foil_peak=max(self.foil_peak, gained.foil_peak),
            molten=max(self.molten, gained.molten),
            pulses=self.pulses + gained.pulses,
            elapsed=self.elapsed + gained.elapsed,
            lithium_loss=self.lithium_loss + gained.lithium_loss,
            strain=max(self.strain, gained.strain),
            substrate_margin=max(self.substrate_margin, gained.substrate_margin),
            absorbed=self.absorbed + gained.absorbed,
            lost=self.lost + gained.lost,
            stored=self.stored + gained.stored,
        )


@dataclass(frozen=True, eq=False)
class PulseHistory:
    """Hold temperatures [K] (s,) of surface, interface and substrate's back at time [s] after the pulse's start."""

    time: Array
    surface: Array
    interface: Array
    back: Array

    def onward(self, before: Self, factor: float) -> Self:
        """Return the same moments where temperatures have gone on from an earlier cycle by a factor of the way."""

        def moved(name: str) -> Array:
            ours: Array = getattr(self, name)
            return np.asarray(ours + factor * (ours - getattr(before, name)))

        return replace(self, **{name: moved(name) for name in ("surface", "interface", "back")})

    def later(self, delay: float) -> Self:
        """Return the same temperatures a delay [s] later."""
        return replace(self, time=self.time + delay)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return histories one after the other as one."""
        names = ("time", "surface", "interface", "back")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class DepthProfiles:
    """Hold temperatures [K] (s, n) over depth (n,) [m] from the surface, at time (s,) [s] after a pulse's start."""

    time: Array
    depth: Array
    temperature: Array


@dataclass(frozen=True, eq=False)
class AnnealResult:
    """Hold what an anneal left in the film, by cell (m,) from the surface down, and in sum.

    depth of the cell centres and width [m]; crystalline share X [1] and peak temperature [K] of each cell;
    mean X over the thickness and bottom X of the last cell [1]; surface_peak, foil_peak [K]; molten share of
    any slab of the substrate, at most [1]; substrate_margin [K] as in AnnealState; crystalline_bound: the capacity
    [C m-3] that this X allows at most, never a cell's capacity; absorbed, lost, stored: energies [J m-2] of the
    whole run, and imbalance: what is missing among them, as a share of what was absorbed; lithium_loss [s] and
    strain [1] as in AnnealState.
    """

    depth: Array
    width: Array
    crystalline: Array
    peak: Array
    mean: float
    bottom: float
    surface_peak: float
    foil_peak: float
    molten: float
    substrate_margin: float
    crystalline_bound: float
    absorbed: float
    lost: float
    stored: float
    imbalance: float
    lithium_loss: float = 0.0
    strain: float = 0.0
