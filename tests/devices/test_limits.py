import pytest
from pydantic import ValidationError

from devices.limits import DamageLimits, LampLimits, ShareThresholds, TemperatureThresholds


def test_a_warning_comes_before_the_fault():
    with pytest.raises(ValidationError, match=r"warn = 0\.4 must be below fault = 0\.3"):
        ShareThresholds(0.4, 0.3)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_a_temperature_that_cannot_be_is_refused(value):
    with pytest.raises(ValidationError):
        TemperatureThresholds(value, 1400.0)


def test_lamps_described_before_there_were_explosion_limits_are_still_whole():
    lamp = LampLimits(950.0, 5e-3, 500, 0.5, 500.0)
    assert (lamp.explosion_constant, lamp.charger_power, lamp.charger_current) == (1.5e5, 600.0, 0.6)


def test_every_damage_term_warns_before_it_faults():
    for thresholds in vars(DamageLimits()).values():
        assert thresholds.warn < thresholds.fault
