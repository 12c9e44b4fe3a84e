"""What steps say at their start and their end, from made-up rows."""

import math

import numpy as np
import pytest

from labctl.analysis.steps import ending, step_resistance

TIME = np.array([0.0, 0.0, 1.0, 5.0, 20.0])
VOLTAGE = np.array([4.0, 3.9, 3.88, 3.85, 3.8])
CURRENT = np.array([0.0, -1e-3, -1e-3, -1e-3, -1e-3])


def test_resistance_is_the_change_of_voltage_over_that_of_current_at_the_delay_asked_for() -> None:
    first = step_resistance(TIME, VOLTAGE, CURRENT, 0.0, 30.0)
    assert (first.resistance, first.delay) == (pytest.approx(100.0), 0.0)
    later = step_resistance(TIME, VOLTAGE, CURRENT, 2.0, 30.0)
    assert (later.resistance, later.delay) == (pytest.approx(150.0), 5.0)


def test_what_was_not_seen_is_no_number() -> None:
    for rows in (slice(0, 1), slice(0, 0)):
        assert math.isnan(step_resistance(TIME[rows], VOLTAGE[rows], CURRENT[rows], 0.0, 30.0).resistance)
    assert math.isnan(step_resistance(TIME, VOLTAGE, CURRENT, 10.0, 15.0).resistance)
    assert math.isnan(step_resistance(TIME, VOLTAGE, np.full(5, -1e-3), 0.0, 30.0).resistance)
    assert math.isnan(step_resistance(TIME, VOLTAGE, np.zeros(5), 0.0, 30.0).resistance)
    unread = np.where(TIME == 0.0, math.nan, VOLTAGE)
    assert math.isnan(step_resistance(TIME, unread, CURRENT, 0.0, 30.0).resistance)


def test_a_row_that_was_not_read_is_passed_over() -> None:
    voltage = VOLTAGE.copy()
    voltage[1] = math.nan
    assert step_resistance(TIME, voltage, CURRENT, 0.0, 30.0).delay == 1.0


def test_ending_of_a_line_is_its_mean_slope_and_no_scatter_whatever_the_rows() -> None:
    time = np.concatenate((np.linspace(0.0, 80.0, 30), np.linspace(90.0, 91.0, 50), [100.0]))
    found = ending(time, 2.0 + 0.1 * time, 0.1)
    assert found.span == pytest.approx(10.0)
    assert found.mean == pytest.approx(2.0 + 9.5)
    assert found.slope == pytest.approx(0.1)
    assert found.scatter == pytest.approx(0.0, abs=1e-9)


def test_ending_takes_five_rows_at_least_and_without_them_is_no_number() -> None:
    time = np.arange(6.0)
    assert ending(time, time, 0.1).span == 4.0
    assert math.isnan(ending(time[:4], time[:4], 0.1).mean)
    assert math.isnan(ending(np.zeros(9), np.ones(9), 0.1).mean)
    assert math.isnan(ending(time, np.full(6, math.nan), 0.1).mean)


def test_bad_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        step_resistance(TIME, VOLTAGE[:2], CURRENT, 0.0, 1.0)
    with pytest.raises(ValueError, match="latest"):
        step_resistance(TIME, VOLTAGE, CURRENT, 2.0, 1.0)
    with pytest.raises(ValueError, match="order"):
        ending(np.arange(6.0)[::-1], np.ones(6), 0.1)
    with pytest.raises(ValueError, match="share"):
        ending(np.arange(6.0), np.ones(6), 0.0)
