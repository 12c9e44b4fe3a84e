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


@pytest.mark.parametrize(("by_rate", "rate"), [(True, 1e-9), (False, 1.3e-9)])
def test_a_guessed_rate_that_ends_the_film_is_kept_and_one_that_does_not_is_taken_from_the_monitor(
    by_rate, rate
):
    keeper = ThicknessKeeper(Film(), 1e-9, 0.5, SputterLimits(), monitored=True)
    keeper.by_rate = by_rate
    keeper.opened(0.0, read(0.0))
    for now in range(1, 401):
        keeper.grown(float(now), read(1.3e-9 * now))
    assert keeper.rate == pytest.approx(rate, rel=1e-6, abs=0.0)
    assert keeper.film.by_time == pytest.approx(rate * 400.0, rel=1e-6, abs=0.0)
    assert keeper.film.monitor == pytest.approx(1.3e-9 * 400.0, rel=1e-6, abs=0.0)
    assert not keeper.monitor_fails(read(1.3e-9 * 400.0))
    for now in range(401, 801):
        keeper.grown(float(now), read(1.3e-9 * 400.0))
    assert "520.0 nm, rate times time 10" in keeper.monitor_fails(read(1.3e-9 * 400.0))


def test_what_a_monitor_shows_after_the_shutter_closed_is_counted_and_nothing_before_it_ever_opened():
    keeper = ThicknessKeeper(Film(), 1e-9, 0.5, SputterLimits(), monitored=True)
    keeper.caught_up(read(7e-9))
    assert keeper.film.monitor == 0.0
    keeper.opened(0.0, read(7e-9))
    keeper.closed(4.0, read(10e-9))
    keeper.caught_up(read(11e-9))
    assert keeper.film.monitor == pytest.approx(4e-9, rel=1e-9, abs=0.0)
    assert keeper.film.open_time == 4.0
