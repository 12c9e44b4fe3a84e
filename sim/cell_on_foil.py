"""The cell that the films on a foil make: each of its parameters follows from one of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.grown_film import GrownFilm
from sim.materials.thermal import LCO
from sim.materials.treatments import ANNEALED, OVERLAYER
from sim.physics.anneal.crystallisation import GAS_CONSTANT, dose_for
from sim.physics.anneal.state import AnnealResult
from sim.physics.growth.lithium_cobalt import phases
from sim.under_lamp import FoilError

if TYPE_CHECKING:
    from sim.physics.cell.arrhenius import ActivationEnergies
    from sim.physics.cell.cell import Cell, CellState
    from sim.physics.cell.data import CellParameters

CATHODE = "LiCoO2"
STACK = ("LiPON", "Li")
"""What lies on the cathode of a cell, from the cathode up, where nothing else is described."""
COLLECTORS = frozenset({"Cu", "Ti", "steel", "Ni", "Cr", "V"})
"""Metals that take no lithium up: on the electrolyte, lithium comes onto them; others may be described [handbook]."""
PINHOLE_RESISTANCE = 1e6
"""ohm through lithium in one pinhole of the electrolyte; guess: the 1 ohm m2 of a sheet's shorts, on 1 mm2."""
TIME_HOT = 0.04
"""s near its peak that a film of the FLA paper had in 20 pulses; guess, to half a decade."""
ELECTRONVOLT = 96485.33212
"""J/mol of 1 eV, CODATA."""

Values = Mapping[str, Any]
"""A material as a sample brings it along, see devices.materials.Material."""

Layer = Values | GrownFilm
"""A layer as it is described, of which nothing but the thickness is known, or as it grew."""


@dataclass
class BuiltCell:
    """A cell built on a foil: its model and its state, which whatever it is wired to writes back."""

    cell: Cell
    state: CellState


def check_cell_layers(cell_layers: Sequence[Layer], described: Sequence[Values] = ()) -> None:
    """Raise FoilError when the layers on the cathode are no electrolyte with an anode or a collector on it.

    described: the materials that a sample brings, beside those which the twins know themselves.
    """
    names = [material_of(layer) for layer in cell_layers]
    known = len(names) > 1
    for name, own, kinds in zip(names, STACK, (("electrolyte",), ("anode", "collector")), strict=False):
        described_so = any(of_kind(described, kind, name) for kind in kinds)
        known &= name == own or described_so or ("collector" in kinds and name in COLLECTORS)
    if not known or (len(names) > 2 and not is_anodeless(cell_layers, described)):
        raise FoilError(
            f"the cell twin knows {' / '.join(STACK)} on the cathode, not {' / '.join(names) or 'nothing'};"
            " `labctl materials --runnable` lists what else it takes"
        )


def is_anodeless(upper: Sequence[Layer], described: Sequence[Values]) -> bool:
    """Return whether a collector lies on the electrolyte, and no anode: lithium comes there as the cell is charged."""
    name = material_of(upper[1])
    return name != STACK[1] and of_kind(described, "anode", name) is None


def cell_on(
    film: Layer,
    result: AnnealResult | None,
    upper: Sequence[Layer],
    area: float,
    *,
    luck: float = 0.0,
    described: Sequence[Values] = (),
    treatments: Sequence[str] = (),
) -> Cell:
    """Return the cell of a cathode film and what lies on it; area [m2] where no mask says another.

    result: what its anneals made of a film that was under the lamp; None of one that is as described. luck in [0, 1):
    which cell of many this is, for the number of its shorts. described: materials beside those the twins know
    themselves. treatments: what its parts went through, see sim.materials.interfaces. Raises FoilError.
    """
    # A film under the lamp is no cell yet, and the packages of one take a quarter of a second to import.
    from sim.materials.interfaces import treated
    from sim.physics.cell.cell import Cell

    check_cell_layers(upper, described)
    if ANNEALED in treatments and material_of(upper[0]) != STACK[0]:
        raise FoilError(f"what 250 C do is known of {STACK[0]} only, not of {material_of(upper[0])}")
    area = min(
        (each.area for each in upper if isinstance(each, GrownFilm) and each.area is not None), default=area
    )
    parameters = _with_anode(
        _with_electrolyte(_film_cell(film, result, area, described), upper[0], luck, described),
        upper,
        described,
        upper_voltage(material_of(film), described),
    )
    covered = not is_anodeless(upper, described) or len(upper) > 2 or OVERLAYER in treatments
    return Cell(treated(parameters, treatments, cathode=material_of(film), covered=covered))


def upper_voltage(name: str, described: Sequence[Values]) -> float:
    """Return up to which potential [V] against lithium a cathode is charged."""
    from sim.materials import cathode

    material = of_kind(described, "cathode", name)
    return cathode.UPPER if material is None else float(material["upper"])


def _film_cell(
    film: Layer, result: AnnealResult | None, area: float, described: Sequence[Values]
) -> CellParameters:
    """Return the cell of a cathode film with the twins' own electrolyte and anode."""
    from sim.materials.annealed_film import annealed_cell
    from sim.materials.described import as_described, cell_of

    material = of_kind(described, "cathode", material_of(film))
    if result is None:
        assert material is not None
        return cell_of(material, thickness_of(film), area)
    peak = result.peak
    if isinstance(film, GrownFilm) and film.active > 0.0:
        peak = np.maximum(peak, equivalent_peak(film.active))
    parameters = annealed_cell(result.depth, result.width, result.crystalline, peak, area=area)
    if isinstance(film, GrownFilm):
        share = phases(film.li_co).capacity_share
        parameters = replace(parameters, active_share=tuple(share * each for each in parameters.active_share))
    return parameters if material is None else as_described(parameters, material)


def _with_electrolyte(
    parameters: CellParameters, electrolyte: Layer, luck: float, described: Sequence[Values]
) -> CellParameters:
    from sim.materials import cathode

    conductivity, permittivity, leak = cathode.LIPON_CONDUCTIVITY, cathode.LIPON_PERMITTIVITY, math.inf
    if (material := of_kind(described, "electrolyte", material_of(electrolyte))) is not None:
        conductivity, permittivity = material["conductivity"], material["permittivity"]
    if isinstance(electrolyte, GrownFilm):
        conductivity = electrolyte.ionic_conductivity
        count = shorts(electrolyte.pinholes, parameters.area, luck)
        leak = parameters.area * PINHOLE_RESISTANCE / count if count else math.inf
    thickness = thickness_of(electrolyte)
    return replace(
        parameters,
        electrolyte_resistance=thickness / conductivity,
        electrolyte_capacitance=permittivity / thickness,
        leak_resistance=leak,
    )


def _with_anode(
    parameters: CellParameters, upper: Sequence[Layer], described: Sequence[Values], charged: float
) -> CellParameters:
    """Return a cell with what lies on its electrolyte; charged [V]: how far its film is charged."""
    from sim.materials import cathode
    from sim.materials.described import with_host

    name, thickness = material_of(upper[1]), thickness_of(upper[1])
    material = of_kind(described, "anode", name)
    try:
        if is_anodeless(upper, described):
            bare = with_host(parameters, None, thickness, charged)
            return replace(bare, ageing=cathode.ANODELESS_AGEING)
        if material is not None and material.get("reactions"):
            return with_host(parameters, material, thickness, charged)
    except ValueError as error:
        raise FoilError(str(error)) from error
    site_charge = cathode.LITHIUM_SITE_CHARGE if material is None else material["site_charge"]
    # Lithium is lost where it plates, whatever lies there already: beside an excess nobody sees it.
    lithium = thickness * site_charge
    return replace(parameters, anode_lithium=lithium, ageing=cathode.ANODELESS_AGEING)


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


def of_kind(described: Sequence[Values], kind: str, name: str) -> Values | None:
    """Return the material of a kind and a name, None where none is described."""
    return next((each for each in described if (each["kind"], each["name"]) == (kind, name)), None)
