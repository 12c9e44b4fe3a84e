"""What watches a boat's film, each on readings alone."""

import math

import pytest

from devices.sputter.boat_watch import BoatWatch, CrystalWatch, ShutterWatch, VacuumWatch
from devices.sputter.parts import MonitorReading
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.watch import Trouble

RATE, LITHIUM = 0.3e-9, 534.0
OPEN = {"shutter_open": True, "shutter_closed": False}
CLOSED = {"shutter_open": False, "shutter_closed": True}
RECIPE = EvaporationRecipe("li", "Li", RATE, 2e-6, 1e-4, 200.0)


def reading(thickness, rate=RATE):
    return MonitorReading(rate, thickness, 5.9e6, 0.9, True)


@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("stays", [dict.fromkeys(OPEN, False), dict.fromkeys(OPEN, True), None])
def test_a_shutter_that_does_not_come_to_its_end_is_told_within_two_seconds(is_open, stays):
    wrong = stays or (CLOSED if is_open else OPEN)
    watch = ShutterWatch()
    watch.look(0.0, wrong, None, is_open=is_open)
    watch.look(1.0, wrong, None, is_open=is_open)
    with pytest.raises(Trouble) as told:
        watch.look(2.0, wrong, None, is_open=is_open)
    assert told.value.code == f"shutter_stuck_{'closed' if is_open else 'open'}"
    assert not watch.was_open


def test_a_shutter_on_its_way_is_no_trouble_and_is_seen_when_it_is_there():
    watch = ShutterWatch()
    watch.look(0.0, CLOSED, reading(1e-9), is_open=True)
    assert not watch.was_open
    watch.look(1.0, OPEN, reading(2e-9), is_open=True)
    assert watch.was_open
    assert watch.thickness == 2e-9


def test_without_end_switches_nobody_saw_it():
    watch = ShutterWatch()
    for now in range(10):
        watch.look(float(now), {}, None, is_open=True)
    assert not watch.was_open


@pytest.mark.parametrize("step", [-4.6e-9, 4.6e-9])
def test_a_film_that_shrinks_or_leaps_is_a_crystal_that_fails(step):
    watch = CrystalWatch(RATE, LITHIUM)
    for now in range(10):
        watch.look(float(now), reading(now * RATE))
    with pytest.raises(Trouble, match="the crystal fails"):
        watch.look(10.0, reading(10 * RATE + step))


def test_noise_and_two_measurements_within_a_row_are_no_fault():
    watch = CrystalWatch(RATE, LITHIUM)
    noise = 4 * 0.1 * 1.23e-7 / LITHIUM
    for now in range(100):
        watch.look(now + (0.001 if now % 7 == 0 else 0.0), reading(now * RATE + noise * (now % 2)))
    watch.look(101.0, reading(101 * RATE))
    assert watch.lately == pytest.approx(RATE, rel=0.2)


def test_a_rate_is_followed_near_the_power_that_held_it_only():
    watch = BoatWatch(RECIPE)
    assert watch.bounds() == (0.0, 200.0)
    watch.learnt = 100.0
    assert watch.bounds() == pytest.approx((95.0, 105.0))
    assert not watch.look(0.0, RATE, RATE, 104.5)
    assert "lead it away" in watch.look(5.0, RATE, RATE, 104.5)


@pytest.mark.parametrize(
    ("lately", "power", "code"),
    [(0.0, 90.0, "boat_empty"), (0.6, 95.0, "boat_empty"), (0.6, 90.0, "crystal")],
)
def test_a_rate_that_is_not_held_is_named_by_what_comes_and_at_which_power(lately, power, code):
    watch = BoatWatch(RECIPE)
    watch.learnt = 90.5
    watch.look(0.0, 0.5 * RATE, lately * RATE, power)
    with pytest.raises(Trouble) as told:
        watch.look(3.0, 0.5 * RATE, lately * RATE, power)
    assert told.value.code == code


def test_three_times_the_base_pressure_is_doubted_and_ten_times_ends_the_film():
    watch = VacuumWatch(1e-4)
    assert watch.good(2.9e-4)
    assert not watch.good(math.nan)
    for now in range(5):
        assert not watch.look(float(now), 2.9e-4)
    said = [watch.look(float(now), 5e-4) for now in range(10, 15)]
    assert not said[0]
    assert "wanted before it" in said[-1]
    watch.look(20.0, 1.1e-3)
    with pytest.raises(Trouble, match="comes in"):
        watch.look(23.0, 1.1e-3)
