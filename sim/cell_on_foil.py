"""The cell that the films on a foil make: each of its parameters follows from one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.grown_film import GrownFilm
from sim.materials.thermal import LCO
from sim.physics.anneal.crystallisation import GAS_CONSTANT, dose_for
from sim.physics.anneal.state import AnnealResult
from sim.physics.growth.lithium_cobalt import phases

if TYPE_CHECKING:
    from sim.physics.cell.arrhenius import ActivationEnergies
    from sim.physics.cell.cell import Cell, CellState

STACK = ("LiPON", "Li")
"""What lies on the cathode of a cell, from the cathode up."""
PINHOLE_RESISTANCE = 1e6
"""ohm through lithium in one pinhole of the electrolyte; guess: the 1 ohm m2 of a sheet's shorts, on 1 mm2."""
TIME_HOT = 0.04
"""s near its peak that a film of the FLA paper had in 20 pulses; guess, to half a decade."""
ELECTRONVOLT = 96485.33212
"""J/mol of 1 eV, CODATA."""

Layer = Mapping[str, Any] | GrownFilm
"""A layer as it is described, of which nothing but the thickness is known, or as it grew."""


@dataclass
class BuiltCell:
    """A cell built on a foil: its model and its state, which whatever it is wired to writes back."""

    cell: Cell
    state: CellState


def cell_on(
    result: AnnealResult,
    upper: Sequence[Layer],
    area: float,
    cathode_film: GrownFilm | None = None,
    luck: float = 0.0,
) -> Cell:
    """Return the cell of an annealed film and what lies on it, LiPON and Li; area [m2] where no mask says another.

    cathode_film: the film, where it grew. luck in [0, 1): which cell of many this is, for the number of its shorts.
    """
    # A film under the lamp is no cell yet, and the packages of one take a quarter of a second to import.
    from sim.materials import cathode
    from sim.materials.annealed_film import annealed_cell
    from sim.physics.cell.cell import Cell

    electrolyte, anode = upper
    area = min(
        (each.area for each in upper if isinstance(each, GrownFilm) and each.area is not None), default=area
    )
    peak = result.peak
    if cathode_film is not None and cathode_film.active > 0.0:
        peak = np.maximum(peak, equivalent_peak(cathode_film.active))
    parameters = annealed_cell(result.depth, result.width, result.crystalline, peak, area=area)
    if cathode_film is not None:
        share = phases(cathode_film.li_co).capacity_share
        parameters = replace(parameters, active_share=tuple(share * each for each in parameters.active_share))
    conductivity, leak = cathode.LIPON_CONDUCTIVITY, math.inf
    if isinstance(electrolyte, GrownFilm):
        conductivity = electrolyte.ionic_conductivity
        count = shorts(electrolyte.pinholes, area, luck)
        leak = area * PINHOLE_RESISTANCE / count if count else math.inf
    thickness = thickness_of(electrolyte)
    return Cell(
        replace(
            parameters,
            electrolyte_resistance=thickness / conductivity,
            electrolyte_capacitance=cathode.LIPON_PERMITTIVITY / thickness,
            anode_lithium=thickness_of(anode) * cathode.LITHIUM_SITE_CHARGE,
            leak_resistance=leak,
        )
    )


def energies_of(electrolyte: Layer) -> ActivationEnergies:
    """Return the activation energies of a cell with this electrolyte.

    A grown film's is of conductivity times temperature: that of the conductivity is less by R T, here at 298 K.
    """
    from sim.materials import cathode

    if not isinstance(electrolyte, GrownFilm):
        return cathode.ACTIVATION
    of_conductivity = electrolyte.activation * ELECTRONVOLT - GAS_CONSTANT * cathode.TEMPERATURE
    return replace(cathode.ACTIVATION, electrolyte=of_conductivity)


def thickness_of(layer: Layer) -> float:
    """Return the thickness [m] of a layer."""
    return layer.thickness if isinstance(layer, GrownFilm) else float(layer["thickness"])


def material_of(layer: Layer) -> str:
    """Return what a layer is of."""
    return layer.material if isinstance(layer, GrownFilm) else str(layer["material"])


def equivalent_peak(active: float) -> float:
    """Return the temperature [K] whose flashes would have made a share [1] of a film active that grew so.

    For the diffusivity, which is known by peak temperature only: that of films which are active as deposited is a
    guess. The kinetics of the lamp's set S1, for TIME_HOT.
    """
    kinetics = LCO.kinetics
    rate = dose_for(active, kinetics.exponent) / TIME_HOT
    inverse = (
        1.0 / kinetics.reference - math.log(rate / kinetics.rate) * GAS_CONSTANT / kinetics.activation_energy
    )
    return 1.0 / inverse


def shorts(pinholes: float, area: float, luck: float) -> int:
    """Return how many pinholes [1/m2] a cell of an area [m2] has: Poisson, cells of luck below exp(-D0 A) none."""
    expected = pinholes * area
    share = total = math.exp(-expected)
    count = 0
    while luck >= total and share > 0.0:
        count += 1
        share *= expected / count
        total += share
    return count
