import numpy as np
import pytest

from sim.physics.growth.as_deposited import (
    active_share,
    basal_share,
    density,
    intrinsic_stress,
    peeling_energy,
    thermal_stress,
)

ROOM = 295.0


def test_a_film_is_amorphous_unless_biased_or_hot() -> None:
    assert active_share(0.0, ROOM) < 2e-3
    assert active_share(50.0, ROOM) * 71.4 == pytest.approx(63.0, rel=1e-3)
    assert active_share(0.0, 573.15) == pytest.approx(0.5)
    assert active_share(20.0, 573.15) > active_share(20.0, ROOM) > active_share(10.0, ROOM)
    assert (density(0.0), density(50.0), density(100.0)) == (4500.0, 4800.0, 4800.0)


def test_texture_turns_at_a_micrometre() -> None:
    shares = [basal_share(micrometres * 1e-6) for micrometres in (0.7, 1.2, 3.3, 10.0)]
    assert shares == pytest.approx([0.94, 0.78, 0.30, 0.10], abs=6e-3)
    assert basal_share(0.0) == 1.0


def test_texture_of_a_film_is_the_mean_of_its_layers() -> None:
    z = (np.arange(100000) + 0.5) * 3.3e-11
    assert basal_share(3.3e-6) == pytest.approx(np.mean(1.0 / (1.0 + np.exp((z - 1e-6) / 0.2e-6))), rel=1e-6)


def test_growth_strains_a_film_to_either_side_of_a_pressure() -> None:
    assert intrinsic_stress(0.7, 0.0) == 0.0
    assert intrinsic_stress(3.0, 0.0) > 0.0 > intrinsic_stress(0.3, 0.0)
    assert intrinsic_stress(3.0, 50.0) == pytest.approx(intrinsic_stress(3.0, 0.0) - 150e6)


@pytest.mark.parametrize(
    ("expansion", "gigapascal"), [(2.6, 1.78), (7.5, 0.94), (8.0, 0.86), (17.3, -0.74), (23.1, -1.73)]
)
def test_cooling_from_an_anneal_strains_after_the_substrate(expansion: float, gigapascal: float) -> None:
    """Silicon, sapphire, mica, steel and aluminium below a film annealed at 700 C."""
    stress = thermal_stress(190e9, 0.25, 13e-6, expansion * 1e-6, 675.0)
    assert stress == pytest.approx(gigapascal * 1e9, abs=1e7)


def test_a_thick_strained_film_has_more_to_give() -> None:
    assert peeling_energy(1.78e9, 3.3e-6, 190e9) == pytest.approx(55.0, rel=0.01)
    assert peeling_energy(-1e8, 2e-6, 190e9) == pytest.approx(2.0 * peeling_energy(1e8, 1e-6, 190e9))
