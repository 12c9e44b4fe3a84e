"""What watches a boat's film, each on readings alone."""

import math
from dataclasses import replace

import pytest

from devices.sputter.boat_watch import BoatWatch, CrystalWatch, VacuumWatch
from devices.sputter.parts import MonitorReading
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.watch import Trouble

RATE, LITHIUM = 0.3e-9, 534.0
NOISE = 2e-10
RECIPE = EvaporationRecipe("li", "Li", RATE, 2e-6, 1e-4, 200.0)


def reading(thickness, rate=RATE):
    return MonitorReading(rate, thickness, 5.9e6, 0.9, True)


@pytest.mark.parametrize("step", [-4.6e-9, 4.6e-9])
def test_a_film_that_shrinks_or_leaps_is_a_crystal_that_fails(step):
    watch = CrystalWatch(RATE, LITHIUM)
    for now in range(10):
        watch.look(float(now), reading(now * RATE))
    with pytest.raises(Trouble, match="the crystal fails"):
        watch.look(10.0, reading(10 * RATE + step))


def test_a_film_that_shrinks_slowly_under_a_cold_boat_is_a_crystal_that_fails():
    watch = CrystalWatch(RATE, LITHIUM)
    lost = 0.115e-9  # each second, by 0.5 Hz/s, which is less than noise [deposition twins]
    watch.look(0.0, reading(0.0, 0.0))
    watch.look(1.0, reading(-lost, 0.0))
    with pytest.raises(Trouble, match="the crystal fails"):
        watch.look(2.0, reading(-2.0 * lost, 0.0))


def test_noise_and_two_measurements_within_a_row_are_no_fault():
    watch = CrystalWatch(RATE, LITHIUM)
    noise = 4 * 0.1 * 1.23e-7 / LITHIUM
    for now in range(100):
        watch.look(now + (0.001 if now % 7 == 0 else 0.0), reading(now * RATE + noise * (now % 2)))
    watch.look(101.0, reading(101 * RATE))
    assert watch.lately == pytest.approx(RATE, rel=0.2)


def test_a_rate_is_followed_near_the_power_that_held_it_only():
    watch = BoatWatch(RECIPE, NOISE)
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
    watch = BoatWatch(RECIPE, NOISE)
    watch.learnt = 90.5
    watch.look(0.0, 0.5 * RATE, lately * RATE, power)
    with pytest.raises(Trouble) as told:
        watch.look(3.0, 0.5 * RATE, lately * RATE, power)
    assert told.value.code == code


def steady(rate, power=90.0, until=60):
    """Return a watch of a boat that held a rate at one power for so many seconds."""
    watch = BoatWatch(replace(RECIPE, rate=rate), NOISE)
    watch.learnt = power
    for now in range(until):
        assert not watch.moved(float(now), rate, power)
    return watch


@pytest.mark.parametrize("rate", [0.3e-9, 1e-9, 3e-9])
def test_a_rate_that_leaves_where_it_stayed_at_one_power_is_the_crystals_at_any_rate(rate):
    watch, lost = steady(rate), 0.115e-9  # of a failing crystal, 0.5 Hz/s [deposition twins]
    seen = [watch.moved(60.0 + each, rate - lost * min(each / 7.0, 1.0), 90.0) for each in range(9)]
    assert not seen[2]
    assert seen[8]
    assert not watch.may_follow(rate - lost)
    with pytest.raises(Trouble, match="the crystal fails") as told:
        watch.look(68.0, rate - lost, rate - lost, 90.0, moved=True)
    assert told.value.code == "crystal"


@pytest.mark.parametrize("rate", [0.3e-9, 1e-9, 3e-9])
def test_a_boat_that_empties_slowly_and_one_whose_power_was_moved_are_followed(rate):
    watch = steady(rate)
    for now in range(60, 600):
        slowly = rate * (1.0 - 2e-5 * (now - 60))
        assert not watch.moved(float(now), slowly, 90.0)
        assert watch.may_follow(slowly)
    for now in range(600, 620):
        assert not watch.moved(float(now), slowly + 0.05 * rate * min((now - 600) / 10.0, 1.0), 91.0)


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
