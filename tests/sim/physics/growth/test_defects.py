import math

import pytest

from sim.physics.growth.defects import cell_yield, cut_area, pinhole_density


def test_half_a_pinhole_per_square_centimetre_costs_these_cells() -> None:
    pinholes = pinhole_density(39.27, math.pi * 0.05**2)
    assert pinholes == pytest.approx(0.5e4, rel=1e-3)
    areas = (0.15e-4, 0.25 * math.pi * 1e-6, 1.5e-4)
    assert [cell_yield(0.5e4, area) for area in areas] == pytest.approx([0.928, 0.996, 0.472], abs=1e-3)


def test_a_cut_takes_area_and_adds_edge() -> None:
    assert cut_area(3e-3, 5e-3, 1e-4) == pytest.approx(2.9e-3 * 4.9e-3)
    assert cell_yield(0.0, 1.0, edge=0.1, shorts_per_metre=2.0) == pytest.approx(math.exp(-0.2))
