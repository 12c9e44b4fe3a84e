"""What watches a boat's film, each on readings alone."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from devices.limits import SputterLimits
from devices.sputter.boat_watch import BoatWatch, CrystalWatch, VacuumWatch
from devices.sputter.parts import MonitorReading
from devices.sputter.quartz import noise_of
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.watch import Trouble

RATE, LITHIUM = 0.3e-9, 534.0
SETTLES = 15.0
NOISE = 2e-10
RECIPE = EvaporationRecipe("li", "Li", RATE, 2e-6, 1e-4, 200.0)


def reading(thickness, rate=RATE):
    return MonitorReading(rate, thickness, 5.9e6, 0.9, True)


@pytest.mark.parametrize("step", [-4.6e-9, 4.6e-9])
def test_a_film_that_shrinks_or_leaps_is_a_crystal_that_fails(step):
    watch = CrystalWatch(RATE, noise_of(SputterLimits(), LITHIUM))
    for now in range(10):
        watch.look(float(now), reading(now * RATE))
    with pytest.raises(Trouble, match="the crystal fails"):
        watch.look(10.0, reading(10 * RATE + step))


def test_a_film_that_shrinks_slowly_under_a_cold_boat_is_a_crystal_that_fails():
    watch = CrystalWatch(RATE, noise_of(SputterLimits(), LITHIUM))
    lost = 0.115e-9  # each second, by 0.5 Hz/s, which is less than noise [deposition twins]
    watch.look(0.0, reading(0.0, 0.0))
    watch.look(1.0, reading(-lost, 0.0))
    with pytest.raises(Trouble, match="the crystal fails"):
        watch.look(2.0, reading(-2.0 * lost, 0.0))


def test_noise_and_two_measurements_within_a_row_are_no_fault():
    watch = CrystalWatch(RATE, noise_of(SputterLimits(), LITHIUM))
    noise = 4 * 0.1 * 1.23e-7 / LITHIUM
    for now in range(100):
        watch.look(now + (0.001 if now % 7 == 0 else 0.0), reading(now * RATE + noise * (now % 2)))
    watch.look(101.0, reading(101 * RATE))
    assert watch.lately == pytest.approx(RATE, rel=0.2)


def test_a_rate_is_followed_near_the_power_that_held_it_only():
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
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
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
    watch.learnt = 90.5
    watch.look(0.0, 0.5 * RATE, lately * RATE, power)
    with pytest.raises(Trouble) as told:
        watch.look(3.0, 0.5 * RATE, lately * RATE, power)
    assert told.value.code == code


def steady(rate, power=90.0, until=60):
    """Return a watch of a boat that held a rate at one power for so many seconds."""
    watch = BoatWatch(replace(RECIPE, rate=rate), NOISE, SETTLES)
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


def led(watch, rates, powers, lately=None):
    """Return after which row a watch behind the closed shutter tells something, and its code; None where nothing."""
    for number, (rate, late, power) in enumerate(zip(rates, lately or rates, powers, strict=True)):
        try:
            watch.behind(float(number), rate, late, power)
        except Trouble as trouble:
            return number, trouble.code
    return None


LED = [80.0 + row // 20 for row in range(100)]
RISING = [0.1e-9 + 1.5e-12 * row for row in range(100)]


@pytest.mark.parametrize(("kept", "code"), [(0.0, "boat_empty"), (0.5, "crystal")])
def test_a_rate_that_falls_while_the_power_is_led_up_is_told(kept, code):
    given = [rate * (kept if row > 60 else 1.0) for row, rate in enumerate(RISING)]
    shown = [math.fsum(given[max(row - 6, 0) : row + 1]) / min(row + 1, 7) for row in range(100)]
    number, said = led(BoatWatch(RECIPE, NOISE, SETTLES), shown, LED, given)
    assert 60 < number <= 69
    assert said == code


def test_a_boat_that_gives_more_at_more_power_and_less_at_less_is_no_fault():
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
    assert led(watch, RISING, LED) is None
    falling = [RISING[-1] - 2e-12 * row for row in range(100)]
    assert led(watch, falling, [85.0 - row // 10 for row in range(100)]) is None


def test_the_noise_of_a_monitors_rate_is_no_fall():
    generator = random.Random(4)
    sd = 0.1 * 1.23e-7 / LITHIUM * math.sqrt(2.0) / 7.0
    rates = [RATE + generator.gauss(0.0, sd) for _ in range(3000)]
    assert led(BoatWatch(RECIPE, NOISE, SETTLES), rates, [89.0] * 3000) is None


def test_what_a_film_had_of_a_boat_is_no_measure_for_it_behind_the_shutter_again():
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
    watch.learnt = 90.0
    assert led(watch, [RATE] * 50, [90.0] * 50) is None
    watch.look(50.0, 0.85 * RATE, 0.85 * RATE, 90.0)
    assert led(watch, [0.85 * RATE] * 50, [90.0] * 50) is None


def test_a_boat_that_is_empty_is_told_while_its_power_is_led_up_and_down():
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
    rates = [RATE] * 40 + [max(0.0, RATE * (1.0 - row / 7.0)) for row in range(30)]
    number, said = led(watch, rates, [88.0 + row // 2 % 2 for row in range(70)])
    assert 40 < number <= 40 + 9
    assert said == "boat_empty"


def test_a_boat_that_was_led_far_down_may_give_nothing():
    watch = BoatWatch(RECIPE, NOISE, SETTLES)
    rates = [RATE] * 40 + [0.0] * 30
    powers = [90.0] * 40 + [max(0.0, 84.0 - 3.0 * row) for row in range(30)]
    assert led(watch, rates, powers) is None


@pytest.mark.parametrize("lag", [20.0, 60.0])
def test_a_boat_that_is_slower_than_others_is_given_its_time(lag):
    """Its power is lowered by two watts, of which each is worth 15 % of the rate."""
    rows = np.arange(400)
    rates = RATE * (1.3 - 0.3 * -np.expm1(-np.maximum(rows - 40.0, 0.0) / lag))
    powers = [92.0 if row < 40 else 90.0 for row in rows]
    assert led(BoatWatch(RECIPE, NOISE, SETTLES), rates, powers) is not None
    assert led(BoatWatch(RECIPE, NOISE, 4.0 * lag), rates, powers) is None
