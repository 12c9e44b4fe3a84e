"""Piecewise polynomials: values, integrals and crossings."""

import numpy as np
import pytest

from sim.physics.cell.panels import NODES, ORDER
from sim.physics.cell.trace import Trace, crossings

LENGTHS = np.array([0.5, 1.0, 2.0])
STARTS = np.array([0.0, 0.5, 1.5])
TIMES = STARTS[:, None] + LENGTHS[:, None] * NODES
TRACE = Trace(LENGTHS, 3.0 + np.sin(TIMES), np.cos(TIMES) - 0.5)


def test_values_and_integrals_are_those_of_the_history() -> None:
    times = np.linspace(0.0, 3.5, 29)
    assert TRACE.voltage(times) == pytest.approx(3.0 + np.sin(times), abs=1e-8)
    assert TRACE.current(times) == pytest.approx(np.cos(times) - 0.5, abs=1e-8)
    charge, energy = TRACE.counters(times)
    assert charge == pytest.approx(np.sin(times) - 0.5 * times, abs=1e-8)
    exact = 3.0 * np.sin(times) - 1.5 * times + 0.5 * np.sin(times) ** 2 - 0.5 * (1.0 - np.cos(times))
    assert energy == pytest.approx(exact, abs=1e-8)
    assert (charge[-1], energy[-1]) == pytest.approx((TRACE.charge, TRACE.energy), rel=1e-12)


def test_only_what_leaves_counts_as_discharged() -> None:
    steps = Trace(np.ones(2), np.ones((2, ORDER)), np.array([[2.0] * ORDER, [-3.0] * ORDER]))
    assert steps.discharged() == pytest.approx(3.0)
    assert steps.charge == pytest.approx(-1.0)


def test_crossings_are_the_change_apart_and_fixed_rows_start_anew() -> None:
    fixed = np.array([0.0, 1.0, 3.5])
    found = crossings(TRACE.voltage, TRACE.nodes(), fixed, 0.1)
    rows = np.union1d(found, fixed)
    moved = np.abs(np.diff(TRACE.voltage(rows)))
    assert np.max(moved) < 0.1 + 1e-9
    assert moved[~np.isin(rows[1:], fixed)] == pytest.approx(0.1, abs=1e-9)
    assert crossings(TRACE.voltage, TRACE.nodes(), fixed, 5.0).size == 0
