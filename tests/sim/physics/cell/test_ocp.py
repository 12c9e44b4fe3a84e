"""The potential of LiCoO2 as a sum of reactions: monotone, invertible, faithful to its target."""

import numpy as np
import pytest

from sim.materials.cathode import LITHIUM_COBALT_OXIDE, UTILISATION
from sim.physics.cell.ocp import FractionOutOfRangeError, OpenCircuitPotential, Reaction, thermal_voltage

FRACTIONS = np.array([0.475, 0.5, 0.6, 0.7, 0.8, 0.9])
TARGET = np.array([4.250, 4.195, 4.020, 3.930, 3.912, 3.898])
MARQUIS_2019 = np.array([4.238, 4.186, 4.027, 3.939, 3.913, 3.906])


def test_potential_meets_its_target_table_within_5_millivolts() -> None:
    assert np.max(np.abs(LITHIUM_COBALT_OXIDE.potential(FRACTIONS) - TARGET)) < 5e-3


def test_potential_meets_the_set_of_marquis_within_18_millivolts() -> None:
    assert np.max(np.abs(LITHIUM_COBALT_OXIDE.potential(FRACTIONS) - MARQUIS_2019)) < 18e-3


def test_potential_falls_over_the_whole_range_down_to_single_vacancies() -> None:
    tail = np.logspace(-13, -2, 2000)
    fractions = np.concatenate((tail, np.linspace(0.0101, 0.9899, 20000), 1.0 - tail[::-1]))
    assert np.all(np.diff(LITHIUM_COBALT_OXIDE.potential(fractions)) < 0.0)
    assert np.all(LITHIUM_COBALT_OXIDE.slope(fractions) < 0.0)


def test_potential_inverts_the_sum() -> None:
    potentials = np.linspace(3.3, 4.9, 4001)
    returned = LITHIUM_COBALT_OXIDE.potential(LITHIUM_COBALT_OXIDE.lithium(potentials))
    assert np.max(np.abs(returned - potentials)) < 1e-9


def test_cut_off_of_3_volts_lies_at_vacancies_of_2e_minus_8() -> None:
    vacancy = float(LITHIUM_COBALT_OXIDE.vacancy(3.0))
    assert vacancy == pytest.approx(2.3e-8, rel=0.1)
    assert float(LITHIUM_COBALT_OXIDE.potential(1.0 - vacancy)) == pytest.approx(3.0, abs=1e-6)


def test_occupied_and_vacant_sites_add_up_to_one() -> None:
    potentials = np.linspace(2.5, 5.5, 301)
    total = LITHIUM_COBALT_OXIDE.lithium(potentials) + LITHIUM_COBALT_OXIDE.vacancy(potentials)
    assert np.max(np.abs(total - 1.0)) < 1e-12


def test_one_potential_is_filled_as_many_are() -> None:
    potentials = np.linspace(-4.0, 10.0, 57)
    many = LITHIUM_COBALT_OXIDE.filling(potentials)
    one = np.array([LITHIUM_COBALT_OXIDE.filling_at(each) for each in potentials.tolist()]).T
    for found, expected in zip(one, many, strict=True):
        assert found == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert LITHIUM_COBALT_OXIDE.fractions(potentials) == pytest.approx(np.array(many[:2]), rel=1e-14, abs=0.0)


def test_slope_is_the_derivative() -> None:
    fractions = np.linspace(0.05, 0.95, 181)
    step = 1e-5
    upper, lower = (LITHIUM_COBALT_OXIDE.potential(fractions + sign * step) for sign in (1.0, -1.0))
    assert np.allclose(LITHIUM_COBALT_OXIDE.slope(fractions), (upper - lower) / (2.0 * step), rtol=1e-4)


def test_single_ideal_reaction_is_the_nernst_equation() -> None:
    site = OpenCircuitPotential((Reaction(potential=3.9, share=1.0, width=1.0),), temperature=300.0)
    fractions = np.array([1e-30, 1e-6, 0.2, 0.5, 0.9, 1.0 - 1e-10])
    nernst = 3.9 - thermal_voltage(300.0) * (np.log(fractions) - np.log1p(-fractions))
    assert np.max(np.abs(site.potential(fractions) - nernst)) < 1e-10


def test_crystal_holds_72_6_microampere_hours_between_3_and_4_25_volts() -> None:
    low, high = LITHIUM_COBALT_OXIDE.lithium([4.25, 3.0])
    assert 138.3 * UTILISATION * (high - low) == pytest.approx(72.6 * UTILISATION, rel=1e-3)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.1, float("nan")])
def test_fraction_outside_the_open_interval_is_refused(fraction: float) -> None:
    with pytest.raises(FractionOutOfRangeError):
        LITHIUM_COBALT_OXIDE.potential([0.5, fraction])
    with pytest.raises(FractionOutOfRangeError):
        LITHIUM_COBALT_OXIDE.slope(fraction)


def test_reactions_that_do_not_share_all_sites_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        OpenCircuitPotential((Reaction(3.9, 0.9, 1.0),), temperature=300.0)
    with pytest.raises(ValueError, match="positive"):
        OpenCircuitPotential((Reaction(3.9, 1.0, 0.0),), temperature=300.0)
    with pytest.raises(ValueError, match="temperature"):
        OpenCircuitPotential((Reaction(3.9, 1.0, 1.0),), temperature=0.0)
