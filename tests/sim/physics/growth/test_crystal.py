import json

import pytest

from sim.physics.growth.crystal import (
    BARE,
    FREQUENCY_CONSTANT,
    QUARTZ_DENSITY,
    Crystal,
    frequency_under,
    life_left,
    loaded,
    mass_on,
    shown_frequency,
    warmed,
)


@pytest.mark.parametrize("z_ratio", [0.6, 1.0, 1.4])
@pytest.mark.parametrize("thickness", [1e-9, 0.7e-6, 3.3e-6, 20e-6])
def test_frequency_and_mass_are_each_others_inverse(z_ratio: float, thickness: float) -> None:
    mass = thickness * 5050.0
    frequency = frequency_under(mass, z_ratio)
    assert mass_on(frequency, z_ratio) == pytest.approx(mass, rel=1e-9, abs=0.0)
    assert frequency < BARE


def test_a_thin_film_weighs_after_sauerbrey() -> None:
    mass = 1e-9 * 5050.0
    sauerbrey = BARE**2 * mass / (FREQUENCY_CONSTANT * QUARTZ_DENSITY)
    assert BARE - frequency_under(mass, 0.7) == pytest.approx(sauerbrey, rel=1e-4)
    assert mass_on(BARE - 1.0, 1.0) / 5050.0 == pytest.approx(0.0243e-9, rel=2e-3, abs=0.0)


def test_a_wrong_z_ratio_tells_in_thick_films_only() -> None:
    for thickness, error in ((3.3e-6, 0.001), (20e-6, 0.030)):
        frequency = frequency_under(thickness * 5050.0, 1.0)
        assert mass_on(frequency, 0.6) / mass_on(frequency, 1.0) - 1.0 == pytest.approx(error, rel=0.1)


def test_one_thick_film_takes_an_eighth_of_a_crystals_life() -> None:
    assert 1.0 - life_left(frequency_under(3.3e-6 * 5050.0, 1.0)) == pytest.approx(0.13, abs=0.005)


def test_a_film_too_heavy_is_refused() -> None:
    with pytest.raises(ValueError, match="more than a crystal of 6 MHz weighs"):
        frequency_under(2.0, 1.0)


def test_layers_add_up_and_a_new_substance_does_not_jump() -> None:
    crystal = Crystal()
    assert shown_frequency(crystal) == BARE
    for _ in range(700):
        crystal = loaded(crystal, 1e-9 * 4500.0, 1.0)
    assert mass_on(shown_frequency(crystal), 1.0) / 4500.0 == pytest.approx(700e-9, rel=1e-9, abs=0.0)
    jump = shown_frequency(crystal) - shown_frequency(loaded(crystal, 1e-15, 1.4))
    assert 0.0 <= jump < 1e-6
    assert crystal.z_ratio == pytest.approx(1.0)


def test_ignition_warms_a_crystal_by_half_a_nanometre_that_is_gone_after_a_minute() -> None:
    lit = warmed(Crystal(), True, 60.0)
    apparent = mass_on(shown_frequency(lit), 1.0) / 5050.0
    assert apparent == pytest.approx(0.5e-9, rel=0.05)
    later = warmed(lit, True, 600.0)
    assert mass_on(shown_frequency(later), 1.0) / 5050.0 - apparent < 0.02e-9
    assert warmed(warmed(Crystal(), True, 5.0), True, 5.0).warmth == pytest.approx(
        warmed(Crystal(), True, 10.0).warmth
    )


def test_a_load_survives_a_file() -> None:
    crystal = warmed(loaded(Crystal(), 1e-3, 0.9), True, 3.0)
    assert Crystal.from_dict(json.loads(json.dumps(crystal.to_dict()))) == crystal
