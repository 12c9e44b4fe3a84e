"""The voltage over the interfaces: in one point as in many, and its derivatives."""

from dataclasses import replace

import numpy as np
import pytest

from sim.materials import cathode
from sim.physics.cell.cell import Cell
from sim.physics.cell.interfaces import Interfaces

CELL = Cell(cathode.cell_on([0.0, 0.5e-6, 1e-6], 1e-14, area=1e-4))
FACES = replace(Interfaces.of(CELL.parameters, CELL.fresh()), active=0.9, anode_exchange=20.0)
POTENTIALS = np.array([2.5, 3.0, 3.9, 3.909, 4.02, 4.3, 5.2])
DENSITIES = np.array([-30.0, -8.0, -1e-6, 0.0, 1e-3, 8.0, 40.0])


def test_one_point_is_what_many_are() -> None:
    many = FACES.at_potential(POTENTIALS, DENSITIES)
    for number, (potential, density) in enumerate(zip(POTENTIALS.tolist(), DENSITIES.tolist(), strict=True)):
        one = FACES.at_point(potential, density)
        assert list(one) == pytest.approx([float(each[number]) for each in many], rel=1e-12, abs=1e-15)


def test_voltage_is_the_same_by_potential_and_by_lithium() -> None:
    lithium, voltage = FACES.below(POTENTIALS, DENSITIES)
    full = FACES.at_potential(POTENTIALS, DENSITIES)
    assert voltage == pytest.approx(full.voltage, abs=1e-14)
    assert lithium == pytest.approx(full.lithium, rel=1e-14, abs=0.0)
    inside = slice(2, 6)
    assert FACES.at_lithium(lithium[inside], DENSITIES[inside]) == pytest.approx(voltage[inside], abs=2e-9)


def test_derivatives_are_those_of_the_voltage() -> None:
    drop, step = FACES.at_potential(POTENTIALS, DENSITIES), 1e-6
    up, down = (FACES.at_potential(POTENTIALS + sign * step, DENSITIES).voltage for sign in (1.0, -1.0))
    assert drop.to_potential == pytest.approx((up - down) / (2.0 * step), rel=1e-7, abs=1e-7)
    more, less = (FACES.at_potential(POTENTIALS, DENSITIES + sign * step).voltage for sign in (1.0, -1.0))
    assert drop.to_density == pytest.approx((more - less) / (2.0 * step), rel=1e-5)
