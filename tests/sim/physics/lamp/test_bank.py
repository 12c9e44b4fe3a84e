import math

import numpy as np
import pytest
from scipy.integrate import quad

from sim.physics.lamp.bank import Bank, bleed, charge, charging_time, discharge


@pytest.mark.parametrize(("voltage", "exposure"), [(850.0, 16.5e4), (900.0, 19.3e4)])
def test_exposure_meets_the_paper_within_half_a_percent(voltage: float, exposure: float) -> None:
    assert discharge(Bank(), voltage, 1.8e-3).exposure == pytest.approx(exposure, rel=5e-3)


def test_bank_loses_what_the_lamp_takes() -> None:
    bank = Bank()
    pulse = discharge(bank, 850.0, 1.8e-3)
    stored = 0.5 * bank.capacitance * (pulse.voltage_before**2 - pulse.voltage_after**2)
    assert stored == pytest.approx(pulse.electrical_energy, rel=1e-12)
    assert pulse.light_energy == pytest.approx(bank.efficiency * stored, rel=1e-12)


def test_lamp_voltage_obeys_its_own_equation() -> None:
    """C dV/dt = -(V / K0)^2, integrated by tiny steps, ends where the closed form does."""
    bank, voltage, steps = Bank(), 850.0, 20000
    for _ in range(steps):
        middle = voltage - 0.5 * (1.8e-3 / steps) * (voltage / bank.lamp_constant) ** 2 / bank.capacitance
        voltage -= 1.8e-3 / steps * (middle / bank.lamp_constant) ** 2 / bank.capacitance
    assert voltage == pytest.approx(discharge(bank, 850.0, 1.8e-3).voltage_after, rel=1e-8)


def test_energy_share_is_the_integral_of_the_power_share() -> None:
    pulse = discharge(Bank(), 900.0, 1.5e-3)
    for time in (0.2e-3, 0.9e-3, 1.5e-3):
        integral = quad(lambda t: float(pulse.power_share(t)), 0.0, time, epsabs=0.0, epsrel=1e-10)[0]
        assert pulse.energy_share(time) == pytest.approx(integral, rel=1e-9)
    assert pulse.energy_share([-1.0, 0.0, 1.5e-3, 9.0]).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_a_stiff_bank_gives_a_rectangular_pulse() -> None:
    pulse = discharge(Bank(capacitance=1e6), 850.0, 2e-3)
    assert np.allclose(pulse.power_share([0.0, 1e-3, 2e-3]) * 2e-3, 1.0, rtol=1e-6)
    assert pulse.power_share(2.1e-3) == 0.0


@pytest.mark.parametrize(("voltage", "duration"), [(0.0, 1e-3), (850.0, 0.0), (-1.0, 1e-3), (math.nan, 1e-3)])
def test_a_discharge_of_nothing_is_refused(voltage: float, duration: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        discharge(Bank(), voltage, duration)


def test_constant_power_fills_the_bank_at_that_power() -> None:
    filled = charge(600.0, 900.0, power=300.0, dt=0.5, capacitance=5.6e-3)
    assert filled.energy == pytest.approx(150.0, rel=1e-12)
    assert not filled.reached


def test_below_the_corner_the_current_limits() -> None:
    assert charge(0.0, 900.0, 300.0, 1.0, 5.6e-3, current=0.6).voltage == pytest.approx(
        0.6 / 5.6e-3, rel=1e-12
    )


def test_two_waits_charge_as_one_does_and_stop_at_the_target() -> None:
    whole = charge(100.0, 850.0, 300.0, 4.5, 5.6e-3)
    half = charge(charge(100.0, 850.0, 300.0, 2.2, 5.6e-3).voltage, 850.0, 300.0, 2.3, 5.6e-3)
    assert half.voltage == pytest.approx(whole.voltage, rel=1e-12)
    needed = charging_time(100.0, 850.0, 300.0, 5.6e-3, 0.6)
    assert charge(100.0, 850.0, 300.0, needed * (1 + 1e-9), 5.6e-3).voltage == 850.0
    assert charge(100.0, 850.0, 300.0, needed * (1 - 1e-6), 5.6e-3).voltage == pytest.approx(850.0, rel=1e-5)


def test_a_charger_cannot_sink() -> None:
    left = charge(900.0, 850.0, 300.0, 10.0, 5.6e-3)
    assert (left.voltage, left.energy, left.reached) == (900.0, 0.0, True)


def test_the_bank_is_full_again_within_a_period_at_850_volt() -> None:
    after = discharge(Bank(), 850.0, 1.8e-3).voltage_after
    assert charging_time(after, 850.0, 300.0, Bank().capacitance, 0.6) < 2.5 - 1.8e-3


def test_bleeding_is_exponential() -> None:
    assert bleed(bleed(900.0, 3.0, 10.0), 7.0, 10.0) == pytest.approx(900.0 / math.e, rel=1e-12)
    with pytest.raises(ValueError, match="negative"):
        bleed(900.0, -1.0, 10.0)


THREE = ((0.0, 0.3e-3), (0.6e-3, 0.9e-3), (1.2e-3, 1.5e-3))


def test_micro_pulses_give_the_light_of_their_summed_length() -> None:
    split, whole = discharge(Bank(), 850.0, 1.8e-3, THREE), discharge(Bank(), 850.0, 0.9e-3)
    assert split.exposure == pytest.approx(whole.exposure, rel=1e-12)
    assert split.voltage_after == pytest.approx(whole.voltage_after, rel=1e-12)
    assert split.lit_duration == pytest.approx(0.9e-3)


def test_micro_pulses_are_dark_in_between_and_each_goes_on_where_the_last_stopped() -> None:
    pulse = discharge(Bank(), 850.0, 1.8e-3, THREE)
    assert pulse.power_share([0.45e-3, 1.1e-3, 1.7e-3]).tolist() == [0.0, 0.0, 0.0]
    assert pulse.power_share(0.3e-3) == pytest.approx(float(pulse.power_share(0.6e-3)), rel=1e-12)
    for time in (0.2e-3, 0.5e-3, 1.3e-3, 1.8e-3):
        integral = quad(lambda t: float(pulse.power_share(t)), 0.0, time, points=np.ravel(THREE), limit=200)[
            0
        ]
        assert pulse.energy_share(time) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize(
    "lit", [((0.0, 2e-3),), ((0.5e-3, 0.4e-3),), ((0.0, 0.5e-3), (0.4e-3, 0.6e-3)), ((-1e-3, 0.1e-3),)]
)
def test_micro_pulses_that_overlap_or_outlast_the_pulse_are_refused(
    lit: tuple[tuple[float, float], ...],
) -> None:
    with pytest.raises(ValueError, match=r"lit = .* s"):
        discharge(Bank(), 850.0, 1.8e-3, lit)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("capacitance", "F"),
        ("lamp_constant", "ohm"),
        ("exposed_area", "m2"),
        ("explosion_constant", r"J/s\^0.5"),
        ("charger_power", "W"),
        ("charger_current", "A"),
    ],
)
def test_a_bank_that_cannot_be_is_refused_with_name_and_unit(name: str, unit: str) -> None:
    for value in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"{name} = {value} {unit}"):
            Bank(**{name: value})


@pytest.mark.parametrize(
    ("voltage", "target", "dt", "said"),
    [
        (math.nan, 900.0, 1.0, "voltage = nan V"),
        (0.0, math.nan, 1.0, "target = nan V"),
        (-1.0, 900.0, 1.0, r"voltage = -1\.0 V"),
        (0.0, 900.0, math.nan, "dt = nan s"),
    ],
)
def test_charging_by_what_is_no_number_is_refused_with_name_and_unit(
    voltage: float, target: float, dt: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        charge(voltage, target, 300.0, dt, 5.6e-3)


@pytest.mark.parametrize(
    ("voltage", "dt", "said"), [(math.nan, 1.0, "voltage = nan V"), (9.0, math.nan, "dt = nan s")]
)
def test_bleeding_what_is_no_number_is_refused_with_name_and_unit(
    voltage: float, dt: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        bleed(voltage, dt, 5.0)
