"""What the lamp's station refuses, before anything is sent."""

from types import SimpleNamespace

import pytest

from devices.errors import LimitError
from devices.flash_lamp import FlashLampStation
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe

WIDE = LampLimits(1000.0, 10e-3, 10_000, 1.0, 1e4)


def station(limits=WIDE, **parameters):
    built = FlashLampStation.Parameters(1e-4, 1.0, 5.6e-3, 35.0, **parameters)
    parts = {part: SimpleNamespace(kind_name=part, watchdog=1.5) for part in FlashLampStation.parts}
    return FlashLampStation(
        name="lamp", clock=None, lane="lamp", instruments=parts, parameters=built, limits=limits, hands=None
    )


def recipe(**changes):
    fields = {"voltage": 900.0, "pulse_duration": 1.8e-3, "pulse_count": 43, "rate": 0.4}
    return AnnealRecipe("r", **{**fields, **changes})


def test_a_rate_that_the_charger_cannot_keep_is_refused():
    lamp = station()
    lamp.check(recipe())
    fastest = lamp.fastest_rate(recipe())
    assert 0.5 < fastest < 0.7
    lamp.check(recipe(rate=fastest))
    with pytest.raises(
        LimitError, match=r"lamp\.rate \(its charger fills the bank again no faster\) = 0\.7 Hz"
    ):
        lamp.check(recipe(rate=0.7))


def test_a_weaker_charger_allows_less():
    weak = station(charger_power=100.0)
    with pytest.raises(LimitError, match="charger"):
        weak.check(recipe())
    weak.check(recipe(rate=0.1))


def test_a_limit_says_where_it_is_set_for_every_lamp_and_for_this_one():
    with pytest.raises(LimitError, match=r"limits\.toml, lamp\.bank_voltage or lamps\.lamp\.bank_voltage"):
        station(LampLimits(800.0, 10e-3, 10_000, 1.0, 1e4)).check(recipe())
