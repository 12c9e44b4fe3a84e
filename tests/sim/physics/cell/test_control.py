"""Controls, limits and records refuse what cannot be meant."""

import math

import numpy as np
import pytest

from sim.physics.cell.control import REST, Current, Power, Record, RequestError, Resistance, Until, Voltage


@pytest.mark.parametrize("control", [Current(2.0, 0.5), Voltage(3.0, -0.1), Power(4.0), Resistance(7.0)])
def test_residuals_have_the_derivatives_they_say(control) -> None:
    voltage, current, time, small = np.array([3.7]), np.array([-0.2]), np.array([5.0]), 1e-6
    missing, by_voltage, by_current = control.residual(voltage, current, time)
    more_voltage = control.residual(voltage + small, current, time)[0]
    more_current = control.residual(voltage, current + small, time)[0]
    assert (more_voltage - missing) / small == pytest.approx(by_voltage, abs=1e-6)
    assert (more_current - missing) / small == pytest.approx(by_current, abs=1e-6)


def test_controls_are_met_by_what_they_ask_for() -> None:
    one = np.ones(1)
    assert Current(2.0, 0.5).residual(one, 4.5 * one, 5.0 * one)[0] == 0.0
    assert Voltage(3.0, -0.1).residual(2.5 * one, one, 5.0 * one)[0] == 0.0
    assert Power(6.0).residual(3.0 * one, 2.0 * one, one)[0] == 0.0
    assert Resistance(2.0).residual(4.0 * one, -2.0 * one, one)[0] == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(bad: float) -> None:
    for make in (Current, Voltage, Power, Resistance):
        with pytest.raises(RequestError, match=make.__name__.lower()):
            make(bad)
    for name in ("lower", "upper", "smallest_current", "largest_current", "charge", "voltage_rate"):
        with pytest.raises(RequestError, match=name):
            Until(**{name: bad})
    with pytest.raises(RequestError, match="times"):
        Record(times=(bad,))


def test_limits_that_cannot_be_met_are_refused() -> None:
    for request in (
        {"duration": -1.0},
        {"duration": math.nan},
        {"charge": 0.0},
        {"lower": 4.0, "upper": 3.0},
    ):
        with pytest.raises(RequestError):
            Until(**request)
    with pytest.raises(RequestError, match="ohm"):
        Resistance(0.0)
    for name in ("interval", "voltage_change", "current_change"):
        with pytest.raises(RequestError, match=name):
            Record(**{name: 0.0})


def test_only_controls_that_use_a_cell_up_need_no_limit() -> None:
    for control in (Current(1e-4), Current(-1e-4, -1e-6), Current(0.0, 1e-6), Power(1e-4)):
        Until().check(control)
    for control in (REST, Voltage(4.0), Resistance(1.0), Current(1e-4, -1e-6), Power(0.0)):
        with pytest.raises(RequestError, match="no end"):
            Until().check(control)
        Until(duration=1.0).check(control)
