"""Cells of materials that are handed over as plain numbers: open-circuit potentials and parameters made of them.

A material is a mapping as devices.materials.Material says, in SI: a sample's description carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls

from sim.materials import cathode
from sim.physics.cell.data import Ageing, CellParameters
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.ocp import OpenCircuitPotential, Reaction, thermal_voltage

Floats = NDArray[np.float64]
Values = Mapping[str, Any]

REACTIONS = 24
"""Of which a curve through points is made at most: LiCoO2 against silicon is then met within 20 mV (measured)."""

NARROWEST = 0.3
"""Width [1] of a reaction of such a curve at the least; guess, below that of the flattest cathode here."""

OVERLAP = 0.8
"""Width of such a reaction over the distance of two, in volts; so they add up to a smooth curve."""

SMALLEST = 1e-6
"""Share below which a reaction is left out."""

LEAST = 0.05
"""Of its sites, that a film gives at the least where nothing else brings lithium; guess."""

_PER_AREA = 36.0  # C/m2 in one uAh/cm2

ENDS = 1e-3
"""Of x, where a curve through points begins and ends: a potential has no value at 0 and 1."""


def reactions_through(lithium: ArrayLike, potential: ArrayLike) -> tuple[Reaction, ...]:
    """Return reactions whose sum runs through points of an open-circuit potential: x [-] (n,), U [V] (n,).

    Between points as straight lines; x from 0 to 1 is the span of the points. Raises ValueError unless x rises and U
    falls from each point to the next.
    """
    filled, volts = np.asarray(lithium, dtype=np.float64), np.asarray(potential, dtype=np.float64)
    if filled.size < 2 or filled.shape != volts.shape:
        raise ValueError("an open-circuit potential needs two points at least")
    if not (np.all(np.diff(filled) > 0.0) and np.all(np.diff(volts) < 0.0)):
        raise ValueError("an open-circuit potential must fall as x rises, from each point to the next")
    scale = thermal_voltage(cathode.TEMPERATURE)
    low, high = float(volts[-1]), float(volts[0])
    apart = max((high - low) / (REACTIONS - 1), NARROWEST * scale / OVERLAP)
    width = apart * OVERLAP / scale
    centres = np.arange(low, high + 0.5 * apart, apart)
    at = np.linspace(low - 2.0 * apart, high + 2.0 * apart, 40 * centres.size)
    wanted = np.interp(at, volts[::-1], (filled[::-1] - filled[0]) / (filled[-1] - filled[0]))
    occupied = 1.0 / (1.0 + np.exp((at[:, None] - centres) / (width * scale)))
    # Shares add up to one as well as they follow the curve: a row of its own says so.
    heavy = 1e3
    found, _ = nnls(np.vstack((occupied, np.full(centres.size, heavy))), np.append(wanted, heavy))
    kept = found > SMALLEST
    shares = found[kept] / found[kept].sum()
    return tuple(
        Reaction(float(centre), float(share), float(width))
        for centre, share in zip(centres[kept], shares, strict=True)
    )


def ocp_of(material: Values) -> OpenCircuitPotential:
    """Return the open-circuit potential of a material. Raises ValueError where its reactions are none."""
    reactions = tuple(Reaction(*each) for each in material["reactions"])
    return OpenCircuitPotential(reactions, cathode.TEMPERATURE)


def cell_of(material: Values, thickness: float, area: float) -> CellParameters:
    """Return the cell of a cathode film of one material, thickness [m] and area [m2], all else as LiCoO2's.

    Raises CellError for values out of range.
    """
    plain = cathode.cell_on(
        graded_edges(thickness),
        material["diffusivity"],
        area=area,
        active_share=material.get("utilisation", 1.0),
    )
    return _with_film(plain, material)


def as_described(parameters: CellParameters, material: Values) -> CellParameters:
    """Return a cell whose annealed film is of a material, its depth profiles as they were."""
    share = material.get("utilisation", cathode.UTILISATION) / cathode.UTILISATION
    active = tuple(min(share * each, 1.0) for each in parameters.active_share)
    return replace(_with_film(parameters, material), active_share=active)


def _with_film(parameters: CellParameters, material: Values) -> CellParameters:
    return replace(
        parameters,
        site_charge=material["site_charge"],
        cathode_exchange_current=material["exchange_current"],
        as_made_lithium=material["as_made"],
        ocp=ocp_of(material),
    )


def with_host(
    parameters: CellParameters, host: Values | None, thickness: float, charged: float
) -> CellParameters:
    """Return a cell whose anode brings no lithium: a host as made empty, thickness [m], or None, a bare collector.

    A host is filled evenly, as full as the film is empty: one plateau shifts the film's potential, a slope is
    subtracted point by point, for a film that is filled as its surface is.

    charged [V] against lithium: how far the film is charged. What a host keeps of each charge is its `lost`. Raises
    ValueError where the film as made has no lithium, or gives more than the host takes.
    """
    film = float(np.sum(parameters.site_density * np.diff(np.array(parameters.edges))))
    gives = (parameters.as_made_lithium - float(parameters.ocp.lithium(charged))) * film
    if gives < LEAST * film:
        raise ValueError(
            "its cathode as made has no lithium to give, and what lies on the electrolyte has none"
        )
    if host is None:
        return replace(parameters, anode_lithium=0.0)
    # What a host keeps is missing as what plating loses is: the next discharge ends when all that came is gone.
    bare = replace(parameters, anode_lithium=0.0, ageing=Ageing(plating_loss=host.get("lost", 0.0)))
    room = float(host["site_charge"]) * thickness
    if gives > room:
        raise ValueError(
            f"charged to {charged:g} V its cathode gives {gives / _PER_AREA:.1f} uAh/cm2, and {thickness * 1e9:.0f} nm"
            f" of {host['name']} take {room / _PER_AREA:.1f}: lithium would plate"
        )
    potentials = [float(potential) for potential, _, _ in host["reactions"]]
    if len(potentials) > 1:
        reactions = _difference(parameters, ocp_of(host), film / room)
    else:
        reactions = tuple(
            replace(each, potential=each.potential - potentials[0]) for each in parameters.ocp.reactions
        )
    return replace(bare, ocp=replace(parameters.ocp, reactions=reactions))


def _difference(parameters: CellParameters, host: OpenCircuitPotential, ratio: float) -> tuple[Reaction, ...]:
    """Return the reactions of film against host; ratio: sites of the film over those of the host."""
    near = np.geomspace(ENDS, 0.1, 40)
    filled = np.concatenate((near, np.linspace(0.1, 0.9, 121)[1:-1], 1.0 - near[::-1]))
    taken = np.clip((parameters.as_made_lithium - filled) * ratio, ENDS, 1.0 - ENDS)
    return reactions_through(filled, parameters.ocp.potential(filled) - host.potential(taken))
