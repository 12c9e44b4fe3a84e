import pytest

from sim.materials.targets import TARGETS
from sim.physics.growth.lipon import CALIBRATION_RATE, Lipon, nitrogen_per_phosphorus, powers_for

ROOM = 298.15


def test_nitrogen_has_a_best_pressure_and_falls_with_the_rate() -> None:
    pressures = (0.4, 1.0, 2.0, 0.2, 0.05, 0.0)
    found = [nitrogen_per_phosphorus(pressure, CALIBRATION_RATE) for pressure in pressures]
    assert found == pytest.approx([0.60, 0.56, 0.44, 0.53, 0.26, 0.0], abs=5e-3)
    assert nitrogen_per_phosphorus(0.4, 2.0 * CALIBRATION_RATE) == pytest.approx(0.45)
    assert nitrogen_per_phosphorus(0.4, 0.0) == pytest.approx(0.9)


def test_lithium_doubles_the_conductivity_and_nitrogen_brings_it_about() -> None:
    """1e-6 S/cm from Li3PO4 alone, 2e-6 with Li2O beside it, 2e-8 without nitrogen (predicted)."""
    assert Lipon(0.6, 2.9).conductivity() == pytest.approx(1e-4)
    assert Lipon(0.6, 3.6).conductivity() == pytest.approx(2e-4, rel=0.005)
    assert Lipon(0.0, 2.9).conductivity() == pytest.approx(2.0e-6, rel=0.03)


def test_conductivity_goes_with_temperature_as_its_activation_says() -> None:
    film = Lipon(0.6, 2.9)
    assert (film.activation, Lipon(0.0, 2.9).activation) == pytest.approx((0.53, 0.63))
    assert film.conductivity(333.15) / film.conductivity(ROOM) == pytest.approx(7.8, abs=0.05)
    assert film.conductivity(263.15) / film.conductivity(ROOM) == pytest.approx(0.073, abs=5e-4)


def test_too_much_lithium_separates_and_gains_nothing() -> None:
    assert Lipon(0.6, 5.0).conductivity() == Lipon(0.6, 4.5).conductivity()
    assert Lipon(0.6, 5.0).separated
    assert not Lipon(0.6, 3.6).separated


def test_powers_of_two_guns_give_the_rate_and_the_lithium_asked_for() -> None:
    volumes = tuple(TARGETS[name].film.formula_volume for name in ("Li3PO4", "Li2O"))
    phosphate, oxide = 1.78e-9 / 60.0 / 101.3, 0.2e-9 / 60.0 / 101.3
    powers = powers_for(2e-9 / 60.0, 3.6, phosphate, oxide, (volumes[0], volumes[1]))
    rates = (powers[0] * phosphate, powers[1] * oxide)
    assert sum(rates) == pytest.approx(2e-9 / 60.0, rel=1e-6, abs=0.0)
    assert 2.9 + 2.0 * rates[1] / volumes[1] / (rates[0] / volumes[0]) == pytest.approx(3.6)
    assert powers_for(1e-10, 2.9, phosphate, oxide, (volumes[0], volumes[1]))[1] == 0.0
    with pytest.raises(ValueError, match=r"Li/P = 2.5 is less than the 2.9"):
        powers_for(1e-10, 2.5, phosphate, oxide, (volumes[0], volumes[1]))
