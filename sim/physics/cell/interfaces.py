"""What lies between the lithium at the surface of the film and the voltage at the terminals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.data import CellParameters, CellState
from sim.physics.cell.ocp import OpenCircuitPotential

Floats = NDArray[np.float64]


class Drop(NamedTuple):
    """Hold the voltage across a cell and what it depends on, all (n,).

    lithium, vacancy [-] at the surface and filling = dx/dU [1/V]; voltage [V] and its derivatives to the
    potential [-] and to the current density [ohm m2].
    """

    lithium: Floats
    vacancy: Floats
    filling: Floats
    voltage: Floats
    to_potential: Floats
    to_density: Floats


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

    def at_potential(self, potential: Floats, density: Floats) -> Drop:
        """Return voltage and derivatives at a potential of the surface [V] and a density [A/m2], (n,)."""
        lithium, vacancy, filling = self.ocp.filling(potential)
        double = 2.0 * self.ocp.thermal
        anodic = 0.5 / self.anode_exchange
        both = lithium * vacancy
        exchange = np.sqrt(both) * (4.0 * self.cathode_exchange * self.active)
        cathode, anode = density / exchange, density * anodic
        steep = np.sqrt(cathode * cathode + 1.0)
        slower = filling * (vacancy - lithium) / both  # of ln i0, per volt, twice
        return Drop(
            lithium,
            vacancy,
            filling,
            voltage=potential
            + double * (np.arcsinh(cathode) + np.arcsinh(anode))
            + self.resistance * density,
            to_potential=1.0 - 0.5 * double * (cathode * slower / steep),
            to_density=double / (exchange * steep)
            + (double * anodic / np.sqrt(anode * anode + 1.0) + self.resistance),
        )

    def anode_resistance(self, density: float) -> float:
        """Return the slope of the anode's overpotential [ohm m2] at a current density [A/m2]."""
        driven = density / (2.0 * self.anode_exchange)
        return self.ocp.thermal / self.anode_exchange / float(np.sqrt(1.0 + driven**2))
