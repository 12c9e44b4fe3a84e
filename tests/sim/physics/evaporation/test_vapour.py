import math

import numpy as np
import pytest

from sim.materials.targets import LITHIUM
from sim.physics.evaporation.vapour import mass_for, rate_above

BOAT, DISTANCE = 1e-4, 0.3  # m2, m


def rate(temperature: float) -> float:
    return rate_above(LITHIUM, BOAT * LITHIUM.flux(temperature), DISTANCE)


@pytest.mark.parametrize(
    ("temperature", "nanometres", "minutes"),
    [(750.0, 0.064, 518.0), (800.0, 0.29, 115.0), (850.0, 1.10, 30.0), (900.0, 3.57, 9.3)],
)
def test_lithium_grows_at_these_rates(temperature: float, nanometres: float, minutes: float) -> None:
    assert rate(temperature) * 1e9 == pytest.approx(nanometres, rel=0.01)
    assert 2e-6 / rate(temperature) / 60.0 == pytest.approx(minutes, rel=0.02)


@pytest.mark.parametrize("temperature", [750.0, 800.0, 900.0])
def test_rate_rises_as_hertz_and_knudsen_say(temperature: float) -> None:
    """d ln R / dT = ln(10) 8023 / T2 - 1 / 2T: 2.8 % per kelvin at 800 K."""
    reach = 1e-3
    slope = math.log(rate(temperature + reach) / rate(temperature - reach)) / (2.0 * reach)
    assert slope == pytest.approx(math.log(10.0) * 8023.0 / temperature**2 - 0.5 / temperature, rel=1e-6)


def test_two_micrometres_of_lithium_need_a_third_of_a_gram() -> None:
    mass = mass_for(LITHIUM, 2e-6, DISTANCE)
    assert mass == pytest.approx(0.302e-3, rel=2e-3)
    assert rate_above(LITHIUM, mass, DISTANCE) == pytest.approx(2e-6)
    charge = 2e-6 * LITHIUM.density / LITHIUM.molar_mass * 96485.33
    assert charge / 36.0 == pytest.approx(412.0, rel=2e-3)


def test_all_that_leaves_upwards_lands_on_a_plane_without_end() -> None:
    radius = np.geomspace(1e-6, 1e4, 200001)
    landed = [rate_above(LITHIUM, 1e-9, DISTANCE, each) * LITHIUM.density for each in radius.tolist()]
    whole = np.trapezoid(2.0 * np.pi * radius**2 * np.array(landed), np.log(radius))
    assert whole == pytest.approx(1e-9, rel=1e-4, abs=0.0)
