"""An oven's temperature in closed form."""

import math

import pytest

from sim.sputter.warmth import Oven


class Time:
    now = 0.0


def test_it_goes_to_its_goal_with_its_lag_and_stays_on_its_way_when_told_anew():
    time = Time()
    oven = Oven(lambda: time.now, wall=295.0, span=1000.0, lag=100.0)
    oven.heat(0.5)
    time.now = 100.0
    assert oven.temperature() == pytest.approx(295.0 + 500.0 * (1 - math.exp(-1)))
    reached = oven.temperature()
    oven.heat(0.0)
    assert oven.temperature() == pytest.approx(reached)
    time.now = 200.0
    assert oven.temperature() == pytest.approx(295.0 + (reached - 295.0) * math.exp(-1))
    assert oven.moves(1.0)


def test_an_open_contactor_gives_no_heat_whatever_it_is_told():
    time = Time()
    oven = Oven(lambda: time.now, wall=295.0, span=1000.0, lag=100.0)
    oven.switch(False)
    oven.heat(1.0)
    time.now = 1000.0
    assert oven.temperature() == pytest.approx(295.0)
    oven.switch(True)
    time.now = 1100.0
    assert oven.temperature() > 800.0
