"""A cell at another temperature."""

import math
from dataclasses import replace

import pytest

from sim.materials import cathode
from sim.physics.cell.arrhenius import ActivationEnergies, at_temperature
from sim.physics.cell.cell import Cell, CellError, cycled_capacity
from sim.physics.cell.diffusion import graded_edges

CELL = cathode.cell_on(graded_edges(1.2e-6, 30), 5e-15, area=1e-4)
ENERGIES = ActivationEnergies(diffusivity=30e3, exchange=40e3, electrolyte=50e3)


def test_its_own_temperature_changes_nothing() -> None:
    assert at_temperature(CELL, CELL.ocp.temperature, ENERGIES) == CELL


def test_each_rate_follows_arrhenius_and_the_way_back_is_the_same() -> None:
    warm = at_temperature(CELL, 333.15, ENERGIES)
    colder = (1.0 / 333.15 - 1.0 / 298.15) / 8.314462618
    assert warm.diffusivity[0] / 5e-15 == pytest.approx(math.exp(-30e3 * colder))
    assert warm.anode_exchange_current / 50.0 == pytest.approx(math.exp(-40e3 * colder))
    assert warm.electrolyte_resistance / 5e-3 == pytest.approx(math.exp(50e3 * colder))
    back = at_temperature(warm, 298.15, ENERGIES)
    assert back.diffusivity == pytest.approx(CELL.diffusivity, rel=1e-12, abs=0.0)


def test_warm_cell_gives_more_at_a_high_rate() -> None:
    found = [
        cycled_capacity(Cell(at_temperature(CELL, kelvin, cathode.ACTIVATION)), 8.6e-4, 3.0, 4.25, 2)
        for kelvin in (263.15, 298.15, 333.15)
    ]
    assert found[0] < 0.9 * found[1]
    assert found[2] > 1.1 * found[1]


def test_impossible_temperatures_are_refused() -> None:
    for kelvin in (0.0, -1.0, math.nan):
        with pytest.raises(CellError, match="temperature"):
            at_temperature(CELL, kelvin, ENERGIES)
    with pytest.raises(CellError, match="exchange"):
        replace(ENERGIES, exchange=-1.0)
