import math

import pytest

from sim.physics.anneal.damage import Mechanics, energy_release


def test_an_elastic_film_releases_half_its_modulus_times_strain_squared() -> None:
    mechanics = Mechanics(190e9, 1e-6, 100e-6, math.inf)
    assert energy_release(0.007, mechanics) == pytest.approx(0.5 * 190e9 * 0.007**2 * 1e-6)
    assert energy_release(-0.007, mechanics) == energy_release(0.007, mechanics)


def test_a_yielding_foil_holds_no_more_than_it_can_bear() -> None:
    """10 MPa of 100 um hold 0.30 GPa in a film of 3.3 um: 0.8 J/m2, whatever the strain beyond."""
    mechanics = Mechanics(190e9, 3.3e-6, 100e-6, 10e6)
    assert energy_release(0.01, mechanics) == energy_release(0.1, mechanics)
    stress = 10e6 * 100e-6 / 3.3e-6
    assert energy_release(0.01, mechanics) == pytest.approx(stress**2 * 3.3e-6 / (2.0 * 190e9))
    assert energy_release(0.0, mechanics) == 0.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((math.nan, 1e-6, 1e-4, 1e7), "film_modulus = nan Pa"),
        ((190e9, math.nan, 1e-4, 1e7), "film_thickness = nan m"),
        ((190e9, 1e-6, math.nan, 1e7), "substrate_thickness = nan m"),
        ((190e9, 1e-6, 1e-4, math.nan), "yield_stress = nan Pa"),
        ((190e9, 1e-6, 1e-4, -1.0), r"yield_stress = -1\.0 Pa"),
    ],
)
def test_mechanics_that_cannot_be_are_refused_with_name_and_unit(
    values: tuple[float, float, float, float], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Mechanics(*values)
