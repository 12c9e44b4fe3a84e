import math

import pytest

from sim.physics.vacuum.gases import (
    BOLTZMANN,
    GASES,
    H2O,
    NAMES,
    SCCM,
    amounts,
    as_ion_gauge,
    as_pirani,
    impingement,
)


def test_a_standard_cubic_centimetre_per_minute_is_as_many_molecules_at_any_temperature() -> None:
    throughputs = [SCCM * BOLTZMANN * temperature for temperature in (273.15, 295.0)]
    assert throughputs == pytest.approx([1.68875e-3, 1.82384e-3], rel=1e-5)


def test_amounts_are_given_by_name() -> None:
    assert amounts({"Ar": 2.0, "N2": 1.0}) == (2.0, 0.0, 1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="unknown gases He; there are Ar, O2"):
        amounts({"He": 1.0})


def test_what_strikes_a_wall_is_a_quarter_of_density_times_mean_speed() -> None:
    flux = impingement(1e-4, GASES[H2O].molecule, 295.0)
    assert flux / (1e-4 / (BOLTZMANN * 295.0)) == pytest.approx(
        0.25 * math.sqrt(8.0 * BOLTZMANN * 295.0 / (math.pi * GASES[H2O].molecule)), rel=1e-12
    )


def test_water_counts_against_a_slowly_growing_film() -> None:
    """Molecules that strike per formula unit: 0.26 for LiCoO2 at 3 nm/min and 1e-5 Pa, 0.87 for LiPON at 2 nm/min."""
    water = impingement(1e-5, GASES[H2O].molecule, 295.0)
    lithium_cobalt = 3e-9 / 60.0 * 4500.0 / 97.87e-3 * 6.02214076e23
    lipon = 2e-9 / 60.0 * 2400.0 / 115.8e-3 * 6.02214076e23
    assert water / lithium_cobalt == pytest.approx(0.26, rel=0.02)
    assert water / lipon == pytest.approx(0.87, rel=0.02)


def test_gauges_set_to_nitrogen_read_argon_as_more_or_less() -> None:
    argon = amounts({"Ar": 1.0})
    assert as_ion_gauge(argon) == 1.29
    assert as_pirani(argon) == 0.6
    nitrogen = amounts({"N2": 2.0})
    assert as_ion_gauge(nitrogen) == as_pirani(nitrogen) == 2.0
    assert len(NAMES) == len(set(NAMES)) == len(GASES)
