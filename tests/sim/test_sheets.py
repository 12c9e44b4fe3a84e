"""The cells of a sheet in the world: formed, leaking, missing, each the cell that it is cut out as."""

from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.control import REST, Until, Voltage
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.sheet import Variation
from sim.physics.web import Web
from sim.sheets import SheetOfCells, SheetTruth
from sim.under_lamp import FoilError

CELL = Cell(replace(cathode.cell_on(graded_edges(10e-6, 40), 5e-14, area=1e-6), anode_lithium=0.0))
FREQUENCIES = np.array([3e4, 1e3, 100.0, 20.0])


def sheet(rows=4, columns=5, **truth):
    return SheetOfCells(CELL, SheetTruth(**truth), (rows, columns))


def test_a_cell_without_lithium_has_no_voltage_until_it_is_formed():
    cells = sheet()
    assert np.isnan(cells.open_circuit((1, 2), 0.0))
    cells.hold([(1, 2)], 4.1, 30.0, 30.0)
    assert 3.6 < cells.open_circuit((1, 2), 30.0) < 4.1
    assert np.isnan(cells.open_circuit((1, 3), 30.0))


def test_a_short_falls_as_its_cell_would_and_others_keep_their_voltage():
    cells = sheet(shorts=((2, 2),), variation=Variation(short_resistance=10.0))
    everywhere = [(row, column) for row in range(4) for column in range(5)]
    cells.hold(everywhere, 4.1, 600.0, 0.0)
    began, later = ([cells.open_circuit(place, at) for place in everywhere] for at in (0.0, 3600.0))
    fallen = np.array(began) - np.array(later)
    assert [everywhere[at] for at in np.flatnonzero(fallen > 1e-6)] == [(2, 2)]
    one = Cell(cells.one((2, 2)).of(CELL.parameters))
    rest = one.step(cells.state_of((2, 2), one), REST, Until(duration=3600.0))
    assert cells.open_circuit((2, 2), 3600.0) == pytest.approx(rest.voltage[-1], abs=3e-3)


def test_a_missing_cell_shows_nothing():
    cells = sheet(missing=((0, 0),))
    cells.hold([(0, 0)], 4.1, 30.0, 0.0)
    assert np.isnan(cells.open_circuit((0, 0), 0.0))
    assert np.all(np.isinf(cells.impedance((0, 0), FREQUENCIES)))


def test_spectrum_is_that_of_the_cell_that_is_cut_out():
    cells = sheet(variation=Variation(0.03, 0.1, 0.2, 0.2), seed=3)
    cells.hold([(3, 1)], 4.1, 600.0, 0.0)
    one = Cell(cells.one((3, 1)).of(CELL.parameters))
    found = one.impedance(cells.state_of((3, 1), one), FREQUENCIES)
    assert cells.impedance((3, 1), FREQUENCIES) == pytest.approx(found, rel=1e-4)


def test_a_web_thins_the_cells_at_its_edges():
    cells = sheet(40, 60, web=Web(), web_length=1.0)
    thickness = cells.sheet.thickness
    assert thickness[:, 0].mean() / thickness[:, 30].mean() == pytest.approx(0.96, abs=1e-3)


@pytest.mark.parametrize("leak_resistance", [0.3, 0.02, 2e-4])
def test_what_leaks_draw_from_the_source_leaves_all_cells_of_a_group_with_less(leak_resistance):
    cells = sheet(shorts=((2, 2),), variation=Variation(short_resistance=leak_resistance))
    leaky, whole = ([(row, column) for column in range(5)] for row in (2, 3))
    for group in (leaky, whole):
        cells.hold(group, 4.1, 30.0, 0.0)
    drawn = 100.0 * 1e-6 / leak_resistance
    behind = Cell(replace(CELL.parameters, contact_resistance=100.0 * 5 * 1e-6))
    for group, voltage in ((leaky, 4.1 / (1.0 + drawn)), (whole, 4.1)):
        held = behind.step(behind.fresh(), Voltage(voltage), Until(duration=30.0)).state
        lithium = np.average(held.lithium, weights=np.diff(CELL.parameters.edges))
        for place in group:
            assert cells.state_of(place, CELL).lithium[0] == pytest.approx(lithium, abs=1e-4)


def test_each_cell_has_the_spectrum_of_its_own_state_of_charge():
    cells = sheet()
    cells.hold([(0, 0)], 4.1, 600.0, 0.0)
    cells.hold([(1, 1)], 3.95, 60.0, 600.0)
    for place in ((0, 0), (1, 1)):
        found = CELL.impedance(cells.state_of(place, CELL), FREQUENCIES)
        assert cells.impedance(place, FREQUENCIES) == pytest.approx(found, rel=1e-4)


def test_what_was_kept_with_one_state_for_all_cells_is_read():
    cells = sheet()
    cells.hold([(1, 2)], 4.1, 30.0, 30.0)
    lithium = cells.state_of((1, 2), CELL).lithium
    again = sheet()
    again.restore({**cells.to_dict(), "lithium": lithium[0]})
    assert again.state_of((1, 2), CELL).lithium == lithium


def test_what_happened_survives_a_session():
    cells = sheet()
    cells.hold([(1, 2)], 4.1, 30.0, 30.0)
    again = sheet()
    again.restore(cells.to_dict())
    assert again.open_circuit((1, 2), 99.0) == cells.open_circuit((1, 2), 99.0)
    assert np.isnan(again.open_circuit((0, 0), 99.0))


def test_a_cell_that_the_sheet_does_not_have_is_refused():
    with pytest.raises(FoilError, match="row 9"):
        sheet(missing=((8, 0),))
