"""Cells of a sheet in bins: every injected fault in its own, no good cell lost."""

import math
from dataclasses import replace

import numpy as np
import pytest

from devices.sheet.recipe import BinRule
from labctl.analysis.sheets import Measured, below_own_group, sort_cells
from sim.materials import cathode
from sim.physics.cell.diffusion import graded_edges
from sim.physics.cell.sheet import Sheet, SheetSpectra, Variation, make_sheet, open_circuit_map

FREQUENCIES = (3e4, 100.0)
RULES = (
    BinRule("short", "voltage", drop=0.03),
    BinRule("electrolyte", "electrolyte", deviation=0.2, frequency=3e4),
    BinRule("interface", "interface", deviation=0.6, frequency=100.0, against=3e4),
)
CELL = cathode.cell_on(graded_edges(10e-6, 30), 5e-14, area=1e-6)


def measured(sheet, missing=()):
    voltage = open_circuit_map(CELL, sheet, 4.05, 3600.0).ravel()
    real = SheetSpectra(CELL).impedance(sheet, 0.8, np.array(FREQUENCIES)).real.reshape(-1, 2)
    absent = np.zeros(voltage.size, dtype=bool)
    absent[list(missing)] = True
    voltage[absent] = math.nan
    real[absent] = math.nan
    return Measured(voltage, real, FREQUENCIES, absent)


def test_faults_fall_into_their_bins_and_no_good_cell_is_lost():
    made = make_sheet(40, 60, Variation(0.01, 0.04, 0.1, 0.1), seed=2)
    leak, electrolyte, exchange = made.leak.copy(), made.electrolyte.copy(), made.exchange.copy()
    random = np.random.default_rng(5)
    chosen = random.choice(2400, 90, replace=False)
    leak.flat[chosen[:40]] = 10.0 ** random.uniform(-1.0, 2.0, 40)  # S/m2: 10 to 0.01 ohm m2
    electrolyte.flat[chosen[40:65]] = 1.5
    exchange.flat[chosen[65:]] = 0.3
    bins = sort_cells(measured(Sheet(made.thickness, electrolyte, made.diffusivity, exchange, leak)), RULES)
    wanted = np.full(2400, "good", dtype=object)
    wanted[chosen[:40]], wanted[chosen[40:65]], wanted[chosen[65:]] = "short", "electrolyte", "interface"
    assert bins == wanted.tolist()


def test_what_is_missing_is_in_no_bin_and_moves_no_median():
    sheet = make_sheet(4, 5, Variation(), seed=1)
    assert sort_cells(measured(sheet, missing=(3, 7)), RULES) == [
        "missing" if at in (3, 7) else "good" for at in range(20)
    ]


def test_a_cell_of_which_something_is_not_known_is_not_called_good():
    found = measured(make_sheet(4, 5, Variation(), seed=1))
    resistance = found.resistance.copy()
    resistance[2, 1] = math.nan
    assert sort_cells(replace(found, resistance=resistance), RULES)[2] == "interface"


def test_a_frequency_that_was_not_measured_is_an_error():
    with pytest.raises(ValueError, match="not measured"):
        measured(make_sheet(2, 2, Variation(), seed=1)).at(50.0)


def formed_in_groups(group, starts):
    found = measured(make_sheet(8, 10, Variation(), seed=1))
    return replace(found, voltage=found.voltage + np.asarray(starts)[group], group=np.asarray(group))


def test_a_group_that_began_lower_is_not_shorted_and_a_leak_in_a_high_one_is_found():
    group = np.repeat([0, 1], 40)
    found = formed_in_groups(group, [0.0, -0.05])
    found.voltage[3] -= 0.045
    bins = sort_cells(found, RULES)
    assert [at for at, each in enumerate(bins) if each == "short"] == [3]
    below = below_own_group(found, ~found.missing)
    assert below[3] == pytest.approx(0.045, abs=1e-3)
    assert np.abs(np.median(below[:40]) - np.median(below[40:])) < 1e-12


def test_a_short_in_a_group_too_small_for_a_median_is_held_against_the_sheet():
    found = formed_in_groups(np.repeat([0, 1], [79, 1]), [0.0, 0.0])
    found.voltage[79] -= 0.1
    assert sort_cells(found, RULES)[79] == "short"
