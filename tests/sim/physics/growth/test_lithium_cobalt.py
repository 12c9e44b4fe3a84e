import pytest

from sim.physics.growth.lithium_cobalt import lithium_per_cobalt, phases, scattering


def test_scattering_separates_lithium_only_in_between() -> None:
    assert scattering(0.0, 0.144) == 1.0
    assert scattering(1e4, 0.144) == pytest.approx(1.0)
    assert scattering(3.0, 0.1442) == pytest.approx(0.981, abs=1e-3)


def test_a_stoichiometric_target_gives_nearly_stoichiometric_films_by_the_papers_recipe() -> None:
    """70 to 72 of 71.4 uAh/cm2/um leave Li/Co at 0.97 or more."""
    ratio = lithium_per_cobalt(1.0, 3.0, 0.1442, oxygen=0.04, bias=0.0)
    assert ratio == pytest.approx(0.975, abs=1e-3)
    assert lithium_per_cobalt(1.0 / ratio, 3.0, 0.1442, 0.04, 0.0) == pytest.approx(1.0)


def test_oxygen_and_bias_take_lithium() -> None:
    plain = lithium_per_cobalt(1.0, 3.0, 0.1442, 0.0, 0.0)
    assert lithium_per_cobalt(1.0, 3.0, 0.1442, 0.5, 0.0) / plain == pytest.approx(0.969, abs=1e-3)
    assert lithium_per_cobalt(1.0, 3.0, 0.1442, 0.0, 50.0) / plain == pytest.approx(0.95)


@pytest.mark.parametrize("ratio", [0.6, 0.96, 1.0, 1.2])
def test_phases_hold_all_lithium_and_cobalt(ratio: float) -> None:
    found = phases(ratio)
    assert found.lithium_cobalt_oxide + 3.0 * found.cobalt_oxide == pytest.approx(1.0, abs=1e-12)
    assert found.lithium_cobalt_oxide + 2.0 * found.lithium_oxide == pytest.approx(ratio, abs=1e-12)
    assert found.capacity_share == min(ratio, 1.0)
    # Charges: Co(III) in LiCoO2, two thirds of it in Co3O4, the other Co(II); Li(I).
    charge = ratio + 3.0 * found.lithium_cobalt_oxide + 8.0 * found.cobalt_oxide
    assert 2.0 * found.oxygen == pytest.approx(charge, abs=1e-12)


def test_cobalt_oxide_takes_more_room_than_its_moles_say() -> None:
    volumes = [phases(ratio).cobalt_oxide_volume for ratio in (0.96, 0.9, 0.8)]
    assert volumes == pytest.approx([0.027, 0.070, 0.145], abs=1e-3)
