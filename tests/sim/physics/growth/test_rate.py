import numpy as np
import pytest

from sim.physics.growth.geometry import Throw, share_per_area
from sim.physics.growth.rate import Deposited, arriving, whereabouts
from sim.physics.growth.transport import kappa

FILM = Deposited(97.87e-3, 4500.0, 0.2)


def test_a_formula_unit_has_its_mass_and_its_volume() -> None:
    assert FILM.formula_mass / FILM.formula_volume == pytest.approx(4500.0)
    assert FILM.formula_volume == pytest.approx(3.61e-29, rel=1e-3, abs=0.0)


def test_arrivals_are_emission_times_geometry_times_what_gas_lets_through() -> None:
    assert arriving(4e17, 8.66, 3.0, 0.1442, 0.2) == pytest.approx(4e17 * 8.66 * kappa(3.0 * 0.1442 / 0.2))
    assert arriving(4e17, 8.66, 0.0, 0.1442, 0.2) == pytest.approx(4e17 * 8.66)


@pytest.mark.parametrize("pressure", [0.0, 0.4, 3.0])
def test_eroded_mass_is_on_the_wafer_on_the_walls_or_back(pressure: float) -> None:
    throw = Throw()
    radius = (np.arange(200) + 0.5) * 0.05 / 200
    on_wafer = float(share_per_area(throw, radius, 0.0) @ (2.0 * np.pi * radius) * 0.05 / 200)
    ends = whereabouts(on_wafer, pressure, throw.distance, FILM.reach)
    assert ends.plane + ends.walls + ends.back == pytest.approx(1.0, abs=1e-9)
    assert 0.0 < ends.plane < 0.1
    per_area = arriving(1.0, 8.66, pressure, throw.distance, FILM.reach)
    assert ends.plane == pytest.approx(per_area * np.pi * 0.05**2, rel=0.01)
