"""What target, crystal and strike allow, at their own bounds, whether a rate is known or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.errors import InterlockError, LimitError
from devices.limits import SputterLimits
from devices.roles.films import FilmRate
from devices.sputter.checks import (
    check_deposition,
    check_station,
    energy_wanted,
    require_crystal,
    require_life,
)
from devices.sputter.guns import GunPlan, Wear
from devices.sputter.makings import require_endable
from devices.sputter.parameters import FilmConstants, SputterParameters, Target
from devices.sputter.parts import MonitorReading
from devices.sputter.reach import Reach
from devices.sputter.recipe import Strike

LIMITS = SputterLimits()
TARGET = Target("LiCoO2", ramp=4.0)
TARGETS = {"gun1": TARGET}
BUILT = SputterParameters(targets=TARGETS)
RATE = FilmRate(0.05e-9, 0.02, "a test")


def check(recipe, power=100.0):
    check_deposition("sputter", recipe, LIMITS, BUILT, [GunPlan("gun1", TARGET, power, 4.0)])


def reading(life, *, ok=True):
    return MonitorReading(0.0, 0.0, 5.9e6, life, ok)


def test_a_film_wears_its_target_while_it_is_cleaned_and_ramped_too(recipes):
    plan = GunPlan("gun1", TARGET, 120.0, 4.0)
    recipe = recipes["lco"](presputter=600.0, thickness=20e-9)
    assert energy_wanted(recipe, plan, RATE) == pytest.approx(120.0 * (400.0 + 600.0 + 30.0))
    assert energy_wanted(recipe, plan, None) is None


@pytest.mark.parametrize("rate", [RATE, None])
def test_a_target_that_is_worn_out_is_refused_whether_its_rate_is_known_or_not(recipes, rate):
    plan, recipe = GunPlan("gun1", TARGET, 120.0, 4.0), recipes["lco"]()
    wear = Wear(TARGETS)
    spared = (1.0 - LIMITS.life_left) * TARGET.life
    wear.add("gun1", spared - 1.01 * (energy_wanted(recipe, plan, rate) or 1.0))
    require_life([plan], recipe, wear, rate, LIMITS)
    wear.add("gun1", spared - wear.of("gun1"))
    with pytest.raises(InterlockError, match=r"has 0\.00 kWh left"):
        require_life([plan], recipe, wear, rate, LIMITS)


def test_a_crystal_must_oscillate_and_keep_what_the_limits_say_after_the_film():
    left = LIMITS.crystal_left
    require_crystal(reading(left + 0.11), 1e-6, 1e-5, LIMITS)
    require_crystal(None, 1e-6, 1e-5, LIMITS)
    for bad in (reading(left + 0.09), reading(1.0, ok=False)):
        with pytest.raises(InterlockError, match="put in a new one"):
            require_crystal(bad, 1e-6, 1e-5, LIMITS)


@pytest.mark.parametrize(
    ("changes", "rate", "least"),
    [
        ({}, RATE, RATE.rate),
        ({"end": "rate"}, RATE, RATE.rate),
        ({}, None, 2e-11),
    ],
)
def test_a_film_that_is_over_before_anything_ends_it_is_refused_with_what_it_must_be(
    recipes, changes, rate, least
):
    built = replace(BUILT, films={"LiCoO2": FilmConstants(4500.0)})
    plans = [GunPlan("gun1", TARGET, 100.0, 4.0)]

    def checked(thickness):
        recipe = recipes["lco"](presputter=600.0, thickness=thickness, **changes)
        check_station("sputter", recipe, LIMITS, built, plans, rate, ("monitor",), Reach)

    checked(1.001 * least)
    with pytest.raises(LimitError, match=f"is below {least * 1e6:g} um"):
        checked(0.999 * least)


def test_a_film_by_time_must_last_a_second_however_thin_it_is_nominally():
    require_endable("sputter", 1e-13, 1e-9, 1.0)
    with pytest.raises(LimitError, match="is below 1 s"):
        require_endable("sputter", 1e-6, 1e-9, 0.9)


def test_a_target_bears_its_power_density_over_its_own_area_and_no_more(recipes):
    most = TARGET.power_density * TARGET.area
    check(recipes["lco"](), most)
    with pytest.raises(LimitError, match=r"gun1\.power \(its target bears no more\)"):
        check(recipes["lco"](), 1.001 * most)


@pytest.mark.parametrize(
    ("strike", "power", "match"),
    [
        (Strike(3.0, LIMITS.strike_power), 100.0, ""),
        (Strike(3.0, LIMITS.strike_power + 0.1), 100.0, r"strike\.power"),
        (Strike(3.0, 31.0), 30.0, r"strike\.power"),
        (Strike(LIMITS.plasma_pressure, 30.0), 100.0, ""),
        (Strike(LIMITS.plasma_pressure + 0.01, 30.0), 100.0, r"strike\.pressure"),
    ],
)
def test_a_strike_has_no_more_power_than_the_film_and_no_more_pressure_than_a_plasma(
    recipes, strike, power, match
):
    recipe = replace(recipes["lco"](), strike=strike)
    if not match:
        check(recipe, power)
        return
    with pytest.raises(LimitError, match=match):
        check(recipe, power)
