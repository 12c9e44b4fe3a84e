"""Capacities and efficiencies from rows."""

import math

import numpy as np
import pytest

from labctl.analysis.cycles import branches, capacities

CYCLE = np.array([1, 1, 1, 1, 2, 2, 2, 2])
CURRENT = np.array([1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0])
CHARGE = np.array([0.0, 10.0, 9.0, 1.0, 2.0, 10.0, 9.0, 2.0])
VOLTAGE = np.array([3.5, 4.2, 4.0, 3.0, 3.5, 4.2, 4.0, 3.0])


def test_each_cycle_has_its_capacities_and_efficiency() -> None:
    first, second = capacities(CYCLE, CURRENT, CHARGE)
    assert (first.charge_capacity, first.discharge_capacity) == (10.0, 9.0)
    assert first.efficiency == pytest.approx(0.9)
    assert second.discharge_capacity == 8.0
    assert first.discharge_current == 1.0


def test_cycle_without_a_charge_has_no_efficiency() -> None:
    (only,) = capacities(CYCLE[2:4], CURRENT[2:4], CHARGE[2:4])
    assert math.isnan(only.efficiency)


def test_branches_start_at_no_charge() -> None:
    up, down = branches(CYCLE, CURRENT, CHARGE, VOLTAGE, 1)
    assert up[0].tolist() == [0.0, 10.0]
    assert down[0].tolist() == [0.0, 8.0]
    assert down[1].tolist() == [4.0, 3.0]
