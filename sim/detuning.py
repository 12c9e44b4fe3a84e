"""Cells that truly are otherwise than their layers and anneals make them, for whoever wants to see a model notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.physics.cell.data import CellParameters


@dataclass(frozen=True)
class Detuning:
    """How a cell differs.

    series_resistance [ohm] in addition to its own; diffusivity and capacity: factors of the film's; leak_resistance
    [ohm] from terminal to terminal, as through a soft short, where there is one.
    """

    series_resistance: float = 0.0
    diffusivity: float = 1.0
    capacity: float = 1.0
    leak_resistance: float | None = None

    def of(self, parameters: CellParameters) -> CellParameters:
        """Return the cell that differs so. Raises CellError when that is none."""
        leak = self.leak_resistance
        return replace(
            parameters,
            contact_resistance=parameters.contact_resistance + self.series_resistance * parameters.area,
            diffusivity=tuple(self.diffusivity * each for each in parameters.diffusivity),
            active_share=tuple(self.capacity * each for each in parameters.active_share),
            leak_resistance=parameters.leak_resistance if leak is None else leak * parameters.area,
        )

    def layers(self, parameters: CellParameters, count: int) -> Sequence[CellParameters]:
        """Return layers in parallel that all differ so."""
        return [self.of(parameters)] * count


@dataclass(frozen=True)
class LayerDetunings:
    """How layers in parallel differ: each by its number, from 1, and all others."""

    each: Mapping[int, Detuning]
    others: Detuning = field(default_factory=Detuning)

    def layers(self, parameters: CellParameters, count: int) -> Sequence[CellParameters]:
        """Return the layers. Raises ValueError for one that is not there."""
        if beyond := [number for number in self.each if not 1 <= number <= count]:
            raise ValueError(f"of {count} layers, layer {beyond[0]} is to differ")
        return [self.each.get(number, self.others).of(parameters) for number in range(1, count + 1)]
