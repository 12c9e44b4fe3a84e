"""The cell that the tests of every potentiostat have on their leads: 1.2 um of LiCoO2 on 1 cm2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellParameters, CellState
from sim.physics.cell.control import REST, Current, Until
from sim.physics.cell.diffusion import graded_edges

CURRENT = 8.6e-5  # A, about 1C of the film below


def make_cell(**changes: Any) -> Cell:
    """Return a cell of 1.2 um LiCoO2 on 1 cm2."""
    described: dict[str, Any] = {
        "area": 1e-4,
        "edges": tuple(graded_edges(1.2e-6, 20, 5.0).tolist()),
        "diffusivity": (5e-15,) * 20,
        "active_share": (0.985,) * 20,
        "site_charge": cathode.SITE_CHARGE,
        "cathode_exchange_current": 50.0,
        "anode_exchange_current": 50.0,
        "electrolyte_resistance": 5e-3,
        "contact_resistance": 0.0,
        "anode_lithium": 1e4,
        "as_made_lithium": cathode.AS_MADE_LITHIUM,
        "ocp": cathode.LITHIUM_COBALT_OXIDE,
    }
    return Cell(CellParameters(**(described | changes)))


CELL = make_cell()
HALF = CELL.current_step(CELL.fresh(), CURRENT, 1500.0).state
"""Half charged, the current just off."""
RESTED = CELL.step(
    CELL.step(CELL.fresh(), Current(CURRENT), Until(duration=1600.0)).state, REST, Until(duration=1e5)
).state
"""Half charged and at rest, at about 3.94 V."""


@dataclass
class Foil:
    """What a bench wires: the cell as it was made, unless told otherwise."""

    cell: Cell = CELL
    state: CellState = field(default_factory=CELL.fresh)
