from dataclasses import replace
from typing import get_args, get_type_hints

import pytest
from pydantic import ValidationError

from devices.limits import (
    ChannelLimits,
    DamageLimits,
    LampException,
    LampLimits,
    Limits,
    ShareThresholds,
    TemperatureThresholds,
)


def test_a_warning_comes_before_the_fault():
    with pytest.raises(ValidationError, match=r"warn = 0\.4 must be below fault = 0\.3"):
        ShareThresholds(0.4, 0.3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_temperature_that_cannot_be_is_refused(value):
    with pytest.raises(ValidationError):
        TemperatureThresholds(value, 1400.0)


def test_one_lamp_may_have_limits_of_its_own():
    every = LampLimits(950.0, 5e-3, 500, 0.5, 500.0)
    limits = Limits(every, ChannelLimits(0.0, 5.0, 0.01), lamps={"lamp_2": LampException(bank_voltage=900.0)})
    assert limits.of_lamp("lamp") == every
    assert limits.of_lamp("lamp_2") == replace(every, bank_voltage=900.0)


def test_an_exception_is_held_to_the_same_ranges_as_the_rule():
    for name, annotation in get_type_hints(LampException, include_extras=True).items():
        rule = get_type_hints(LampLimits, include_extras=True)[name]
        assert repr(get_args(annotation)[1:]) == repr(get_args(rule)[1:])
    with pytest.raises(ValidationError):
        LampException(bank_voltage=1200.0)


def test_every_damage_term_warns_before_it_faults():
    for thresholds in vars(DamageLimits()).values():
        assert thresholds.warn < thresholds.fault
