"""dQ/dV of a branch: its area is the charge, its peak the plateau, noise does not blow it up."""

import numpy as np
import pytest

from labctl.analysis.differential import differential_capacity

VOLTAGE = np.linspace(3.6, 4.2, 2001)
CHARGE = 10.0 / (1.0 + np.exp(-(VOLTAGE - 3.9) / 0.02))


def test_area_is_the_charge_and_the_peak_the_plateau() -> None:
    places, found = differential_capacity(CHARGE, VOLTAGE, 0.005)
    assert np.sum(found) * 0.005 == pytest.approx(CHARGE[-1] - CHARGE[0], rel=1e-9)
    assert places[np.argmax(found)] == pytest.approx(3.9, abs=0.005)
    assert found.max() == pytest.approx(10.0 / (4 * 0.02), rel=0.02)


def test_discharge_gives_the_same_curve_as_charge() -> None:
    up = differential_capacity(CHARGE, VOLTAGE, 0.01)
    down = differential_capacity(-CHARGE[::-1], VOLTAGE[::-1], 0.01)
    assert down[1] == pytest.approx(up[1], rel=1e-9, abs=1e-9)


def test_sparse_rows_leave_no_holes() -> None:
    _, found = differential_capacity(CHARGE[::100], VOLTAGE[::100], 0.01)
    assert np.all(found[1:-1] > 0.0)


def test_noise_of_the_voltage_is_averaged() -> None:
    random = np.random.default_rng(0)
    noisy = VOLTAGE + 2e-4 * random.standard_normal(VOLTAGE.size)
    _, clean = differential_capacity(CHARGE, VOLTAGE, 0.01)
    _, found = differential_capacity(CHARGE, np.clip(noisy, 3.6, 4.2), 0.01)
    assert found == pytest.approx(clean, abs=0.03 * clean.max())


def test_bad_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="vectors"):
        differential_capacity(CHARGE[:2], VOLTAGE[:2], 0.01)
    with pytest.raises(ValueError, match="finite"):
        differential_capacity(CHARGE * np.nan, VOLTAGE, 0.01)


def test_what_passes_in_a_hold_at_the_highest_voltage_is_in_the_last_window() -> None:
    voltage = np.array([3.0, 4.0, 4.2, 4.2, 4.2])
    charge = np.array([0.0, 1.0, 2.0, 3.0, 5.0])
    _, slopes = differential_capacity(charge, voltage, 0.1)
    assert np.sum(slopes) * 0.1 == pytest.approx(5.0, rel=1e-12)


def test_rows_at_one_voltage_keep_their_charge() -> None:
    middles, slopes = differential_capacity(np.array([0.0, 1.0, 2.0]), np.full(3, 3.9), 0.01)
    assert np.sum(slopes) * 0.01 == pytest.approx(2.0)
    assert abs(float(middles[np.argmax(slopes)]) - 3.9) <= 0.01


def test_many_rows_give_what_few_give() -> None:
    voltage = np.linspace(3.0, 4.2, 25_001)
    few = differential_capacity(voltage[::1000] ** 2, voltage[::1000], 0.05)[1]
    assert differential_capacity(voltage**2, voltage, 0.05)[1] == pytest.approx(few, rel=2e-2)
