"""Limits are told in the units that people type, and carried in SI."""

import math

import pytest

from devices.errors import LimitError


@pytest.mark.parametrize(
    ("value", "unit", "low", "high", "said"),
    [
        (240 * 7.4358e-7, "mol/s", 0.0, 100 * 7.4358e-7, "240 sccm is outside [0, 100] sccm"),
        (1173.15, "K", 0.0, 773.15, "900 degC is above 500 degC"),
        (200.0, "K", 273.15, 773.15, "-73.15 degC is outside [0, 500] degC"),
        (500 / 60, "W/s", 0.0, 20 / 60, "500 W/min is outside [0, 20] W/min"),
        (20e-6, "m", 0.0, 10e-6, "20 um is outside [0, 10] um"),
        (1e-12, "Pa", 1e-7, math.inf, "1e-12 Pa is below 1e-07 Pa"),
        (960.0, "V", 0.0, 950.0, "960 V is outside [0, 950] V"),
    ],
)
def test_a_limit_is_told_in_the_unit_people_type(value, unit, low, high, said):
    error = LimitError("it", value, unit, low, high)
    assert str(error) == f"it = {said}; nothing was sent"
    assert (error.value, error.low, error.high) == (value, low, high)
