"""The lithium that plating loses: all of an anodeless cell's fade, and nothing beside two micrometres of lithium."""

import math
from dataclasses import replace

import pytest

from sim.materials import cathode
from sim.materials.annealed_film import FIT
from sim.physics.cell.cell import Ageing, Cell, cycled_capacity
from sim.physics.cell.diffusion import graded_edges

TEXTURED = 5e-14
"""m2/s, of the (012)-textured film of the anodeless cell, as its use implies (anodeless paper)."""


@pytest.mark.parametrize("row", FIT.rows, ids=lambda row: f"{row.film * 1e6:g} um at {row.current:g} A/m2")
def test_no_row_of_a_cell_with_lithium_moves_by_it(row):
    plain = cathode.cell_on(graded_edges(row.film, 30), 2e-14, area=1.5e-5)
    lossy = replace(plain, ageing=cathode.ANODELESS_AGEING)
    found = [
        cycled_capacity(Cell(each), row.current * 1.5e-5, 3.0, 4.25, 4)
        for each in (replace(plain, ageing=Ageing()), lossy)
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-12, abs=0.0)


@pytest.mark.parametrize("excess", [0.0, 0.2e-6, 2e-6])
def test_an_excess_of_lithium_moves_the_knee(excess):
    cell = Cell(
        replace(
            cathode.cell_on(graded_edges(10e-6, 30), 5e-14, area=1e-4),
            anode_lithium=excess * cathode.LITHIUM_SITE_CHARGE,
            ageing=Ageing(plating_loss=5e-3),
        )
    )
    state, given = cell.fresh(), []
    for _ in range(60):
        state = cell.current_step(state, 1.38e-4, 1e6, upper=4.25).state
        discharge = cell.current_step(state, -1.38e-4, 1e6, lower=3.0)
        state = discharge.state
        given.append(-float(discharge.charge[-1]))
    knee = next((at for at, each in enumerate(given) if each < 0.995 * given[1]), 60)
    assert {0.0: 5 < knee < 15, 0.2e-6: 15 < knee < 30, 2e-6: knee == 60}[excess]


@pytest.mark.parametrize(("excess", "kept", "within"), [(0.0, 0.95, 0.01), (2e-6, 1.0, 1e-3)])
def test_the_stated_loss_leaves_95_per_cent_after_150_cycles_and_all_beside_two_micrometres(
    excess, kept, within
):
    cell = Cell(
        replace(
            cathode.cell_on(graded_edges(10e-6, 30), TEXTURED, area=1.5e-5),
            anode_lithium=excess * cathode.LITHIUM_SITE_CHARGE,
            ageing=cathode.ANODELESS_AGEING,
        )
    )
    fifth, state, given = 1.38 * 1.5e-5, cell.fresh(), []  # C/5 of 0.69 mAh/cm2
    for _ in range(150):
        state = cell.current_step(state, fifth, math.inf, upper=4.25).state
        discharge = cell.current_step(state, -fifth, math.inf, lower=3.0)
        state = discharge.state
        given.append(-float(discharge.charge[-1]))
    assert given[-1] / given[0] == pytest.approx(kept, abs=within)
