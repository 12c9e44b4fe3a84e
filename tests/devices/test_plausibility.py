"""What is unlikely to be meant is said, and nothing is refused for it."""

import pytest

from devices.cells import CellSize
from devices.plausibility import FASTEST, plausibility
from devices.programs import CellLimits, Program, Step
from devices.techniques import ConstantCurrent, ConstantPower, ConstantVoltage, OpenCircuit, Until

CELL = CellSize(1.5e-5, 0.036)
"""10 uAh."""


def doubts(run, cell=CELL, **ends):
    program = Program("p", (Step(run, Until(**ends)),), CellLimits(2.0, 5.0, 10.0))
    return plausibility(program, cell)


@pytest.mark.parametrize("unit", [1e-3, 1.0])
def test_milliamperes_where_microamperes_were_meant_are_doubted(unit):
    (doubt,) = doubts(ConstantCurrent(5.0 * unit), voltage_above=4.2)
    assert "step 0" in doubt
    assert "uA, not mA" in doubt


@pytest.mark.parametrize("rate", [0.01, 0.5, 10.0, FASTEST])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_currents_that_films_bear_are_not_doubted(rate, sign):
    end = {"voltage_above" if sign > 0 else "voltage_below": 4.2}
    assert doubts(ConstantCurrent(sign * rate * 0.036 / 3600 * 0.999), **end) == []


def test_charges_powers_and_cut_offs_are_held_against_the_film_too():
    assert "uAh, not mAh" in doubts(ConstantCurrent(1e-6), charge=36.0)[0]
    assert "C of the film" in doubts(ConstantPower(-5e-3), voltage_below=3.0)[0]
    assert "ends at once" in doubts(ConstantVoltage(4.2), current_below=1e-3)[0]
    assert "larger unit" in doubts(ConstantCurrent(5e-9), voltage_above=4.2)[0]


def test_what_is_repeated_is_said_once_per_step():
    assert doubts(OpenCircuit(), duration=60.0) == []


def test_nothing_is_known_of_a_film_without_a_capacity():
    assert doubts(ConstantCurrent(1.0), CellSize(1.5e-5), voltage_above=4.2) == []
