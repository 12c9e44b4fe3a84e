from typing import Any

import numpy as np
import pytest

from sim.physics.heat.medium import Melting, constant, medium, tabulated

METAL = medium(
    "metal",
    2000.0,
    lambda t: 500.0 + 0.5 * t,
    constant(100.0),
    Melting(900.0, 4e5, specific_heat=1000.0, conductivity=50.0),
)


@pytest.mark.parametrize("temperature", [250.0, 298.15, 612.3, 900.0, 1200.0])
def test_temperature_and_enthalpy_are_inverse(temperature: float) -> None:
    assert METAL.temperature(METAL.enthalpy(temperature)) == pytest.approx(temperature, abs=1e-9)


def test_enthalpy_is_the_integral_of_the_heat_capacity() -> None:
    by_hand = 2000.0 * (500.0 * (800.0 - 298.15) + 0.25 * (800.0**2 - 298.15**2))
    assert METAL.enthalpy(800.0) == pytest.approx(by_hand, rel=1e-5)


def test_melting_takes_its_latent_heat_at_one_temperature() -> None:
    assert METAL.melting is not None
    solid, liquid = METAL.melting
    assert liquid - solid == pytest.approx(2000.0 * 4e5)
    between = np.linspace(solid, liquid, 7)
    assert np.allclose(METAL.temperature(between), 900.0)
    assert np.allclose(METAL.molten(between), np.linspace(0.0, 1.0, 7))
    assert METAL.enthalpy(900.0) == solid


def test_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the table"):
        METAL.enthalpy(3000.0)
    with pytest.raises(ValueError, match="outside the table"):
        METAL.temperature(1e11)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"density": -1.0}, "metal.density = -1 kg/m3"),
        ({"density": np.nan}, "metal.density = nan kg/m3"),
        ({"specific_heat": lambda t: 800.0 - t}, r"metal.specific_heat = .* J/\(kg K\) at 800 K"),
        (
            {"conductivity": lambda t: np.where(t > 500.0, np.nan, 100.0)},
            r"metal.conductivity = nan W/\(m K\) at 505",
        ),
        ({"melting": Melting(900.0, 0.0, 1000.0, 50.0)}, "metal.melting.latent = 0 J/kg"),
    ],
)
def test_a_property_that_cannot_be_is_refused_with_name_and_unit(change: dict[str, Any], said: str) -> None:
    good = {"density": 2000.0, "specific_heat": constant(500.0), "conductivity": constant(100.0)}
    with pytest.raises(ValueError, match=said):
        medium("metal", **{**good, **change})


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (
            ((300.0, 1.0), (400.0, np.nan)),
            r"tin\.conductivity = nan W/\(m K\) at temperature = 400 K: a hole",
        ),
        (((300.0, 1.0), (300.0, 2.0)), r"tin\.conductivity: temperatures = .* K must be finite and rise"),
    ],
)
def test_a_table_with_a_hole_is_refused(points: tuple[tuple[float, float], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        tabulated("tin.conductivity", "W/(m K)", points)


def test_a_table_is_straight_between_its_points_and_level_beyond() -> None:
    values = tabulated("tin.conductivity", "W/(m K)", ((300.0, 1.0), (400.0, 3.0)))(
        np.array([200.0, 350.0, 500.0])
    )
    assert values.tolist() == [1.0, 2.0, 3.0]
