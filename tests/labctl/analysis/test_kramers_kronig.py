"""What stood still passes, what drifted or jumped does not."""

import numpy as np
import pytest

from labctl.analysis.kramers_kronig import linear_test

FREQUENCY = np.logspace(6, -4, 101)
TURNING = 2 * np.pi * FREQUENCY


def cell(transfer: float | np.ndarray = 60.0) -> np.ndarray:
    """Return electrolyte, two interfaces and a film with a wall."""
    root = np.sqrt(1j * TURNING * 300.0)
    film = 200.0 / (root * np.tanh(np.minimum(root.real, 300.0) * (1 + 1j)))
    spectrum = 50.0 / (1.0 + 1j * TURNING * 50.0 * 1.5e-8)
    spectrum = spectrum + 5.0 / (1.0 + 1j * TURNING * 5e-5)
    return spectrum + 1.0 / (1j * TURNING * 1e-5 + 1.0 / (transfer + film))


def test_clean_spectrum_is_consistent() -> None:
    found = linear_test(FREQUENCY, cell())
    assert found.rms < 1e-4
    assert found.verdict == "consistent"


def test_residuals_show_the_noise_that_is_there() -> None:
    random = np.random.default_rng(2)
    noise = 1e-3 * (random.standard_normal(101) + 1j * random.standard_normal(101))
    found = linear_test(FREQUENCY, cell() * (1.0 + noise))
    assert 5e-4 < found.rms < 2e-3


def test_drift_over_the_sweep_is_seen() -> None:
    drifted = cell() * np.linspace(1.0, 1.05, 101)
    assert linear_test(FREQUENCY, drifted).rms > 1e-3


def test_jump_of_the_resistance_is_inconsistent() -> None:
    jumped = cell() + np.where(FREQUENCY < 10.0, 8.0, 0.0)
    found = linear_test(FREQUENCY, jumped)
    assert found.rms > 1e-2
    assert found.verdict == "inconsistent"


@pytest.mark.parametrize(
    ("frequency", "impedance"),
    [
        (FREQUENCY[:3], cell()[:3]),
        (FREQUENCY, cell()[:5]),
        (-FREQUENCY, cell()),
        (FREQUENCY, cell() * np.nan),
        (FREQUENCY, cell() * 0.0),
    ],
)
def test_what_is_no_spectrum_is_refused(frequency, impedance) -> None:
    with pytest.raises(ValueError):
        linear_test(frequency, impedance)


def test_five_frequencies_of_noise_do_not_pass_for_a_cell() -> None:
    """With as many terms as numbers anything would fit."""
    rng = np.random.default_rng(7)
    frequency = np.geomspace(1e4, 1.0, 5)
    noise = 100.0 * (1.0 + 0.3 * rng.standard_normal(5) + 0.3j * rng.standard_normal(5))
    assert linear_test(frequency, noise).verdict == "inconsistent"
