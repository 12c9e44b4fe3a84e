"""A monitor is held against rate times time, whichever of both says more."""

from __future__ import annotations

import pytest

from devices.limits import SputterLimits
from devices.sputter.parts import MonitorReading
from devices.sputter.records import Film
from devices.sputter.thickness import COMPARABLE, ThicknessKeeper


def read(thickness, *, ok=True):
    return MonitorReading(0.0, thickness, 5.9e6, 0.9, ok)


@pytest.mark.parametrize(("share", "fails"), [(0.89, True), (0.91, False), (1.09, False), (1.11, True)])
def test_a_crystal_that_weighs_too_little_fails_as_one_that_weighs_too_much(share, fails):
    keeper = ThicknessKeeper(Film(), 1e-9, 0.02, SputterLimits(monitor_difference=0.1), monitored=True)
    keeper.opened(0.0, read(0.0))
    for now in range(1, 101):
        keeper.grown(float(now), read(share * now * 1e-9))
    assert keeper.film.by_time > COMPARABLE
    said = keeper.monitor_fails(read(share * 100e-9))
    assert bool(said) is fails
    assert "does not oscillate" in keeper.monitor_fails(read(0.0, ok=False))
