"""What lies between the lithium at the surface of the film and the voltage at the terminals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import Number
from sim.physics.cell.data import CellParameters, CellState
from sim.physics.cell.ocp import OpenCircuitPotential

Floats = NDArray[np.float64]


class Drop(NamedTuple, Generic[Number]):
    """Hold the voltage across a cell and what it depends on, all (n,), or numbers at one point.

    lithium, vacancy [-] at the surface and filling = dx/dU [1/V]; voltage [V] and its derivatives to the
    potential [-] and to the current density [ohm m2].
    """

    lithium: Number
    vacancy: Number
    filling: Number
    voltage: Number
    to_potential: Number
    to_density: Number


@dataclass(frozen=True)
class Interfaces:
    """Give the voltage of a cell, V = U + eta_c + eta_a + i R, eta = (2 R T / F) asinh(i / (2 i0)).

    Butler-Volmer with equal transfer coefficients on both sides, double layers quasi-static; i [A/m2] flows
    through the area, i / active through what is left of the film; i0 of the film is 2 k sqrt(x (1 - x)), k
    its value at x = 0.5. U is the open-circuit potential of the surface: written in U instead of x, every
    relation stays smooth and bounded up to a full film.

    cathode_exchange, anode_exchange [A/m2], resistance [ohm m2], active [-], leak_conductance [S/m2].
    """

    ocp: OpenCircuitPotential
    cathode_exchange: float
    anode_exchange: float
    resistance: float
    active: float
    leak_conductance: float

    @classmethod
    def of(cls, parameters: CellParameters, state: CellState) -> Interfaces:
        """Return the interfaces of a cell as aged as a state says."""
        ageing = parameters.ageing
        grown = ageing.resistance_growth * state.cycles**0.5
        return cls(
            ocp=parameters.ocp,
            cathode_exchange=parameters.cathode_exchange_current,
            anode_exchange=parameters.anode_exchange_current,
            resistance=parameters.electrolyte_resistance + parameters.contact_resistance + grown,
            active=(1.0 - ageing.active_loss) ** state.cycles,
            leak_conductance=1.0 / parameters.leak_resistance,
        )

    def at_lithium(self, lithium: Floats, density: Floats | float) -> Floats:
        """Return the voltage [V] at x of the surface [-] and a current density [A/m2], of any shape."""
        return self.over(self.ocp.potential(lithium), lithium, density)

    def over(self, potential: Floats, lithium: Floats, density: Floats | float) -> Floats:
        """Return the voltage [V] over a surface whose potential [V] at x [-] is known, of any shape."""
        root = np.sqrt(lithium * (1.0 - lithium))
        double = 2.0 * self.ocp.thermal
        cathode = np.arcsinh(density / self.active / (4.0 * self.cathode_exchange * root))
        anode = np.arcsinh(density / (2.0 * self.anode_exchange))
        return np.asarray(potential + double * (cathode + anode) + self.resistance * density)

    def below(self, potential: Floats, density: Floats) -> tuple[Floats, Floats]:
        """Return x [-] and voltage [V] at a potential of the surface [V] and a density [A/m2], (n,)."""
        lithium, vacancy = self.ocp.fractions(potential)
        scale = 4.0 * self.cathode_exchange * self.active
        driven = np.arcsinh(density / (scale * np.sqrt(lithium * vacancy)))
        driven += np.arcsinh((0.5 / self.anode_exchange) * density)
        return lithium, potential + 2.0 * self.ocp.thermal * driven + self.resistance * density

    def at_potential(self, potential: Floats, density: Floats) -> Drop[Floats]:
        """Return voltage and derivatives at a potential of the surface [V] and a density [A/m2], (n,)."""
        return self._drop(potential, density, self.ocp.filling(potential), np.sqrt, np.arcsinh)

    def at_point(self, potential: float, density: float) -> Drop[float]:
        """Return voltage and derivatives at one potential of the surface [V] and one density [A/m2]."""
        return self._drop(potential, density, self.ocp.filling_at(potential), math.sqrt, math.asinh)

    def _drop(
        self,
        potential: Number,
        density: Number,
        fractions: tuple[Number, Number, Number],
        root: Callable[[Number], Number],
        inverse: Callable[[Number], Number],
    ) -> Drop[Number]:
        lithium, vacancy, filling = fractions
        thermal = self.ocp.thermal
        double = 2.0 * thermal
        anodic = 0.5 / self.anode_exchange
        both = lithium * vacancy
        exchange = root(both) * (4.0 * self.cathode_exchange * self.active)
        anode = density * anodic
        # exchange * sqrt(1 + (density / exchange)^2), of which both derivatives are made
        steep = root(exchange * exchange + density * density)
        slower = filling * (vacancy - lithium) / both  # of ln i0, per volt, twice
        driven = inverse(density / exchange) + inverse(anode)
        return Drop(
            lithium,
            vacancy,
            filling,
            voltage=potential + double * driven + self.resistance * density,
            to_potential=1.0 - thermal * slower * (density / steep),
            to_density=double / steep + (double * anodic) / root(anode * anode + 1.0) + self.resistance,
        )

    def anode_resistance(self, density: float) -> float:
        """Return the slope of the anode's overpotential [ohm m2] at a current density [A/m2]."""
        driven = density / (2.0 * self.anode_exchange)
        return self.ocp.thermal / self.anode_exchange / float(np.sqrt(1.0 + driven**2))
