import pytest

from sim.physics.lamp.bank import Bank, charge, discharge
from sim.physics.lamp.load import explosion_energy, lamp_load

BANK = Bank()


def test_the_explosion_energy_grows_as_the_root_of_the_pulse_length() -> None:
    assert explosion_energy(1e5, 4e-3) == pytest.approx(2.0 * explosion_energy(1e5, 1e-3))


def test_at_one_energy_the_shorter_pulse_is_worse() -> None:
    long = discharge(BANK, 700.0, 3e-3)
    short = min(
        (discharge(BANK, float(voltage), 1e-3) for voltage in range(700, 1400)),
        key=lambda pulse: abs(pulse.electrical_energy - long.electrical_energy),
    )
    assert lamp_load(BANK, short, 2.5).explosion_share > lamp_load(BANK, long, 2.5).explosion_share


def test_life_falls_by_the_power_of_eight_and_a_half() -> None:
    load = lamp_load(BANK, discharge(BANK, 850.0, 1.8e-3), 2.5)
    weak = Bank(explosion_constant=0.5 * BANK.explosion_constant)
    half = lamp_load(weak, discharge(weak, 850.0, 1.8e-3), 2.5)
    assert half.explosion_share == pytest.approx(2.0 * load.explosion_share)
    assert load.life / half.life == pytest.approx(2.0**8.5)


def test_after_the_recharge_time_the_bank_is_full() -> None:
    pulse = discharge(BANK, 900.0, 1.8e-3)
    load = lamp_load(BANK, pulse, 2.5)
    again = charge(pulse.voltage_after, 900.0, 600.0, load.recharge_time * (1 + 1e-9), BANK.capacitance, 0.6)
    assert again.reached
    assert load.fastest_rate == pytest.approx(1.0 / (load.recharge_time + 1.8e-3))
    assert load.average_power == pytest.approx(pulse.electrical_energy / 2.5)


def test_a_pulse_longer_than_its_period_is_refused() -> None:
    with pytest.raises(ValueError, match=r"period = 0\.001 s is not longer than the pulse"):
        lamp_load(BANK, discharge(BANK, 850.0, 1.8e-3), 1e-3)
