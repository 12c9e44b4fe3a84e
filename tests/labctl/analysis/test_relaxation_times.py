"""Relaxations come out where they are, with the resistance they have."""

import numpy as np
import pytest

from labctl.analysis.relaxation_times import distribution_of_relaxation_times

FREQUENCY = np.logspace(6, -3, 91)
TURNING = 2 * np.pi * FREQUENCY


def spectrum() -> np.ndarray:
    return 10.0 + 50.0 / (1 + 1j * TURNING * 1e-4) + 30.0 / (1 + 1j * TURNING * 1.0)


def test_two_relaxations_are_two_peaks_with_their_resistances() -> None:
    found = distribution_of_relaxation_times(FREQUENCY, spectrum())
    assert found.residual < 1e-2
    assert found.resistance == pytest.approx(10.0, rel=0.02)
    assert found.polarisation(1e-5, 1e-2) == pytest.approx(50.0, rel=0.02)
    assert found.polarisation(1e-2, 1e2) == pytest.approx(30.0, rel=0.02)
    inner = found.distribution[1:-1]
    peaks = (inner > found.distribution[:-2]) & (inner >= found.distribution[2:]) & (inner > 1.0)
    assert found.time[1:-1][peaks] == pytest.approx([1e-4, 1.0], rel=0.15)


def test_series_capacitance_and_inductance_are_told_apart() -> None:
    found = distribution_of_relaxation_times(FREQUENCY, spectrum() + 1e-6j * TURNING + 1.0 / (2j * TURNING))
    assert found.inductance == pytest.approx(1e-6, rel=0.02)
    assert found.capacitance == pytest.approx(2.0, rel=0.05)


def test_larger_smoothness_widens_the_peaks() -> None:
    sharp, smooth = (
        distribution_of_relaxation_times(FREQUENCY, spectrum(), smoothness) for smoothness in (1e-6, 1e-2)
    )
    assert smooth.distribution.max() < sharp.distribution.max()


def test_noise_does_not_move_the_resistances() -> None:
    random = np.random.default_rng(5)
    noise = 2e-3 * (random.standard_normal(91) + 1j * random.standard_normal(91))
    found = distribution_of_relaxation_times(FREQUENCY, spectrum() * (1.0 + noise), 1e-3)
    assert found.polarisation(1e-6, 1e-2) == pytest.approx(50.0, rel=0.05)


def test_smoothness_must_be_positive() -> None:
    with pytest.raises(ValueError, match="smoothness"):
        distribution_of_relaxation_times(FREQUENCY, spectrum(), 0.0)
