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


def test_energies_are_the_integral_of_the_voltage_and_their_share_the_efficiency() -> None:
    first, second = capacities(CYCLE, CURRENT, CHARGE, VOLTAGE)
    assert first.charge_energy == pytest.approx(10.0 * 3.85)
    assert first.discharge_energy == pytest.approx(1.0 * 4.1 + 8.0 * 3.5)
    assert first.energy_efficiency == pytest.approx(32.1 / 38.5)
    assert first.voltage_gap == pytest.approx(3.85 - 32.1 / 9.0)
    assert second.energy_efficiency < second.efficiency


def test_energies_without_a_voltage_are_not_numbers() -> None:
    first = capacities(CYCLE, CURRENT, CHARGE)[0]
    assert math.isnan(first.energy_efficiency)
    assert math.isnan(first.voltage_gap)


def test_a_constant_resistance_costs_twice_its_drop() -> None:
    charge = np.concatenate((np.linspace(0.0, 1.0, 50), np.linspace(1.0, 0.0, 50)))
    current = np.repeat([2e-3, -2e-3], 50)
    voltage = 3.6 + 0.5 * charge + 40.0 * current
    (only,) = capacities(np.ones(100, dtype=int), current, charge, voltage)
    assert only.voltage_gap == pytest.approx(2.0 * 40.0 * 2e-3, rel=1e-9)
    assert only.efficiency == pytest.approx(1.0)


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        capacities(CYCLE, CURRENT, CHARGE, VOLTAGE[:-1])


def test_branches_start_at_no_charge() -> None:
    up, down = branches(CYCLE, CURRENT, CHARGE, VOLTAGE, 1)
    assert up[0].tolist() == [0.0, 10.0]
    assert down[0].tolist() == [0.0, 8.0]
    assert down[1].tolist() == [4.0, 3.0]


def test_rows_without_numbers_are_bridged_and_cost_no_charge() -> None:
    charge, voltage = CHARGE.copy(), VOLTAGE.copy()
    charge[2], voltage[5] = math.nan, math.nan
    first, second = capacities(CYCLE, CURRENT, charge, voltage)
    assert (first.charge_capacity, first.discharge_capacity) == (10.0, 9.0)
    assert second.discharge_capacity == 8.0
    assert math.isfinite(first.discharge_energy)


def test_noise_at_rest_is_no_discharge_current_and_uneven_rows_do_not_bend_it() -> None:
    noise = np.array([1e-9, -2e-9, 1e-9, -1e-9] * 5)
    current = np.concatenate(([1.0, 1.0], noise, [-2.0, -2.0, -1.0]))
    charge = np.concatenate(([0.0, 10.0], np.full(20, 10.0), [9.0, 1.0, 0.0]))
    (only,) = capacities(np.ones(25, dtype=int), current, charge)
    assert only.discharge_current == pytest.approx((2.0 * 9.0 + 1.0 * 1.0) / 10.0)
    assert capacities(np.ones(22, dtype=int), current[:22], charge[:22]) == []


def test_a_charge_that_starts_anew_with_each_step_is_refused() -> None:
    with pytest.raises(ValueError, match="net and cumulative"):
        capacities(CYCLE[:4], CURRENT[:4], np.array([0.0, 10.0, 0.0, 9.0]))


@pytest.mark.parametrize("count", [0, 1])
def test_no_rows_and_one_row_are_no_cycle(count: int) -> None:
    assert capacities(CYCLE[:count], CURRENT[:count], CHARGE[:count]) == []
