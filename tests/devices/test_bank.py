"""The station's small formulas are those of the physics, which devices may not import."""

import pytest

from devices.bank import charging_time, energy_between, voltage_after
from devices.flash_lamp import FlashLampStation
from sim.apparatus import bank_from
from sim.physics.lamp import bank as physics
from sim.physics.lamp.load import lamp_load

PARAMETERS = FlashLampStation.Parameters(1e-4, 1.0, 5.6e-3, 35.0)


@pytest.mark.parametrize("voltage", [300.0, 850.0, 1200.0])
@pytest.mark.parametrize("duration", [0.1e-3, 1.8e-3, 8e-3])
def test_droop_and_energy_are_those_of_the_physics(voltage, duration):
    pulse = physics.discharge(physics.Bank(), voltage, duration)
    assert voltage_after(voltage, duration, 5.6e-3, 35.0) == pytest.approx(pulse.voltage_after, rel=1e-12)
    energy = energy_between(voltage, pulse.voltage_after, 5.6e-3)
    assert energy == pytest.approx(pulse.electrical_energy, rel=1e-11)


@pytest.mark.parametrize(
    ("voltage", "target"), [(0.0, 900.0), (700.0, 900.0), (1100.0, 1200.0), (0.0, 1200.0)]
)
def test_charging_takes_as_long_as_in_the_physics(voltage, target):
    ours = charging_time(voltage, target, 600.0, 0.6, 5.6e-3)
    assert ours == pytest.approx(physics.charging_time(voltage, target, 600.0, 5.6e-3, 0.6), rel=1e-12)


def test_a_station_that_says_no_more_than_it_must_has_the_lamp_of_the_physics():
    ours, example = vars(bank_from(vars(PARAMETERS))), vars(physics.Bank())
    assert ours == pytest.approx(example, rel=1e-5)


def test_the_fastest_rate_of_the_physics_is_what_the_station_enforces():
    bank = bank_from(vars(PARAMETERS))
    pulse = physics.discharge(bank, 900.0, 1.8e-3)
    recharge = charging_time(pulse.voltage_after, 900.0, 600.0, 0.6, 5.6e-3)
    assert 1 / (recharge + 1.8e-3) == pytest.approx(lamp_load(bank, pulse, 2.5).fastest_rate)
