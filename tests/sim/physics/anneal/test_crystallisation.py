import numpy as np
import pytest

from sim.physics.anneal.crystallisation import (
    Kinetics,
    along,
    crystalline,
    crystalline_bound,
    dose_along,
    isothermal,
)

KINETICS = Kinetics(exponent=0.75, rate=4.0, reference=900.0, activation_energy=480e3)


def test_the_rate_is_that_of_the_reference_and_follows_arrhenius() -> None:
    assert KINETICS.rate_at(900.0) == pytest.approx(4.0)
    slope = np.log(KINETICS.rate_at(1000.0) / KINETICS.rate_at(800.0)) / (1 / 800.0 - 1 / 1000.0)
    assert slope == pytest.approx(480e3 / 8.314462618, rel=1e-9)


def test_two_anneals_in_a_row_count_as_one() -> None:
    time = np.linspace(0.0, 2.0, 41)
    temperature = 800.0 + 60.0 * np.sin(time)[:, None] * np.array([1.0, 1.2])
    whole = dose_along(KINETICS, time, temperature)
    parts = dose_along(KINETICS, time[:18], temperature[:18]) + dose_along(
        KINETICS, time[17:], temperature[17:]
    )
    assert np.allclose(whole, parts, rtol=1e-13)


def test_the_dose_of_a_hot_film_at_rest_is_that_of_a_furnace() -> None:
    dose = dose_along(KINETICS, np.array([0.0, 1.0, 7.0]), np.full((3, 1), 850.0))
    assert crystalline(dose, 0.75)[0] == pytest.approx(isothermal(KINETICS, 850.0, 7.0), rel=1e-12, abs=0.0)


def test_coarse_steps_catch_a_steep_dose() -> None:
    """Heating by 20 K per step changes the rate threefold; the dose is still good to 1 %."""
    coarse, fine = np.linspace(0.0, 1e-3, 11), np.linspace(0.0, 1e-3, 10001)
    doses = [dose_along(KINETICS, time, 800.0 + 200e3 * time[:, None])[0] for time in (coarse, fine)]
    assert doses[0] == pytest.approx(doses[1], rel=1e-2)


def test_a_film_starts_amorphous_and_ends_crystalline() -> None:
    share = crystalline(np.array([0.0, 0.1, 1.0, 100.0]), 0.75)
    assert share[0] == 0.0
    assert share[2] == pytest.approx(1.0 - np.exp(-1.0))
    assert np.all(np.diff(share) > 0.0)
    assert share[3] == pytest.approx(1.0)


def test_the_capacity_bound_is_proportional_to_the_crystalline_share() -> None:
    assert crystalline_bound(0.25, 2.0e9) == 0.5e9


def test_a_rapid_anneal_that_holds_its_temperature_is_a_furnace() -> None:
    held = along(KINETICS, np.array([0.0, 60.0]), np.array([800.0, 800.0]))
    assert held == pytest.approx(isothermal(KINETICS, 800.0, 60.0), rel=1e-12, abs=0.0)


def test_a_ramp_adds_what_the_integral_of_the_rate_says() -> None:
    """From 600 K at 10 K/s; fine quadrature of k over temperature."""
    temperature = np.linspace(600.0, 850.0, 200001)
    dose = np.trapezoid(KINETICS.rate_at(temperature), temperature) / 10.0
    share = along(KINETICS, np.array([0.0, 25.0]), np.array([600.0, 850.0]))
    assert share == pytest.approx(float(crystalline(dose, 0.75)), rel=1e-3)


@pytest.mark.parametrize(
    ("time", "temperature"), [([0.0, 0.0], [800.0, 800.0]), ([0.0, 1.0], [800.0, np.nan])]
)
def test_a_profile_with_a_hole_is_refused(time: list[float], temperature: list[float]) -> None:
    with pytest.raises(ValueError, match=r"time \[s\] of a profile must rise, and its temperature \[K\]"):
        along(KINETICS, np.array(time), np.array(temperature))


@pytest.mark.parametrize(
    ("name", "unit"), [("exponent", ""), ("rate", "1/s"), ("reference", "K"), ("activation_energy", "J/mol")]
)
def test_kinetics_that_cannot_be_are_refused_with_name_and_unit(name: str, unit: str) -> None:
    good = {"exponent": 0.75, "rate": 4.0, "reference": 900.0, "activation_energy": 480e3}
    for value in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match=f"kinetics.{name} = {value} {unit}"):
            Kinetics(**{**good, name: value})
