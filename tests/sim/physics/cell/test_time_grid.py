"""Times at which a constant current is looked at first."""

import numpy as np
import pytest

from sim.physics.cell.panels import ORDER
from sim.physics.cell.time_grid import TimeGrids

RATES = np.geomspace(1e-2, 1e2, 9)


@pytest.mark.parametrize("horizon", [1e-9, 0.7, 1.0, 3000.0, 1e12])
def test_grid_reaches_the_horizon_from_the_fastest_mode_on(horizon: float) -> None:
    grid = TimeGrids(RATES).reaching(horizon)
    assert horizon <= grid.borders[-1] < 2.0 * horizon
    assert grid.borders[0] == 0.0
    assert grid.borders[1] <= max(1.0 / RATES[-1], grid.borders[-1] / 16.0)
    assert np.all(np.diff(grid.borders) > 0.0)
    assert np.all(np.diff(grid.nodes) > 0.0)
    assert grid.nodes.size == (grid.borders.size - 1) * ORDER


def test_decays_are_those_of_the_modes_at_the_nodes() -> None:
    grid = TimeGrids(RATES).reaching(100.0)
    assert grid.decayed == pytest.approx(np.expm1(-np.multiply.outer(grid.nodes, RATES)), abs=1e-15)


def test_steps_of_like_length_share_a_grid_and_only_so_many_are_kept() -> None:
    grids = TimeGrids(RATES)
    assert grids.reaching(100.0) is grids.reaching(120.0)
    first = grids.reaching(1.0)
    for level in range(1, 40):
        grids.reaching(2.0**level)
    assert grids.reaching(1.0) is not first
    assert np.array_equal(grids.reaching(1.0).nodes, first.nodes)
