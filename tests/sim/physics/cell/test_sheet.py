"""A sheet of cells: each is the cell it says, shorts show at rest, maps are quick and repeatable."""

from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell, CellError
from sim.physics.cell.control import REST, Until
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.impedance import impedance, regular_frequencies
from sim.physics.cell.sheet import Sheet, SheetSpectra, Variation, make_sheet, open_circuit_map

EDGES = graded_edges(1.2e-6, 40)
CELL = cathode.cell_on(EDGES, 2e-14 * 20.0 ** -np.linspace(0.0, 1.0, 40), area=1e-6)
SPREAD = Variation(0.03, 0.05, 0.2, 0.2, correlation=5.0, short_share=0.015, short_resistance=1.0)
SHEET = make_sheet(40, 60, SPREAD, seed=4)


def test_seed_gives_the_same_sheet_and_the_spread_asked_for() -> None:
    again = make_sheet(40, 60, SPREAD, seed=4)
    assert np.array_equal(again.thickness, SHEET.thickness)
    assert np.std(np.log(SHEET.diffusivity)) == pytest.approx(0.2, rel=1e-6)
    neighbours = np.corrcoef(SHEET.thickness[:, 1:].ravel(), SHEET.thickness[:, :-1].ravel())[0, 1]
    assert neighbours > 0.9
    assert 15 < np.count_nonzero(SHEET.leak) < 60


def test_spectrum_of_every_cell_is_that_of_the_cell_it_is() -> None:
    frequency = regular_frequencies()
    found = SheetSpectra(CELL).impedance(SHEET, 0.6, frequency)
    for place in ((0, 0), (17, 23), tuple(np.argwhere(SHEET.leak > 0.0)[0])):
        factor = {name: float(getattr(SHEET, name)[place]) for name in vars(SHEET)}
        leak = factor["leak"]
        one = replace(
            CELL,
            edges=tuple((EDGES * factor["thickness"]).tolist()),
            diffusivity=tuple(factor["diffusivity"] * each for each in CELL.diffusivity),
            cathode_exchange_current=50.0 * factor["exchange"],
            electrolyte_resistance=5e-3 * factor["electrolyte"],
            electrolyte_capacitance=CELL.electrolyte_capacitance / factor["electrolyte"],
            leak_resistance=1.0 / leak if leak else float("inf"),
        )
        state = replace(Cell(one).fresh(), lithium=(0.6,) * 40)
        assert found[place] == pytest.approx(impedance(one, state, frequency), rel=1e-5)


def test_voltage_after_a_rest_is_that_of_a_leaking_cell() -> None:
    leaks = np.array([[0.0, 1e-3, 1e-2]])
    ones = np.ones_like(leaks)
    found = open_circuit_map(CELL, Sheet(ones, ones, ones, ones, leaks), 4.1, 3600.0)
    for place, leak in enumerate(leaks[0]):
        cell = Cell(replace(CELL, leak_resistance=1.0 / leak if leak else float("inf")))
        start = float(CELL.ocp.lithium(4.1))
        rest = cell.step(replace(cell.fresh(), lithium=(start,) * 40), REST, Until(duration=3600.0))
        assert found[0, place] == pytest.approx(rest.voltage[-1], abs=2e-3)


def test_rest_separates_shorts_and_a_kilohertz_the_electrolyte() -> None:
    voltage = open_circuit_map(CELL, SHEET, 4.1, 3600.0)
    assert np.array_equal(voltage < 4.0, SHEET.leak > 0.0)
    good = SHEET.leak == 0.0
    kilohertz = np.abs(SheetSpectra(CELL).impedance(SHEET, 0.6, np.array([1e3]))[..., 0])
    assert np.corrcoef(kilohertz[good], SHEET.electrolyte[good])[0, 1] > 0.9


def test_sheets_out_of_range_are_refused() -> None:
    with pytest.raises(CellError):
        Variation(thickness=-0.1)
    with pytest.raises(CellError):
        Variation(short_share=1.5)
    with pytest.raises(CellError, match="too far"):
        SheetSpectra(CELL).impedance(SHEET, 0.6, np.array([1e30]))
