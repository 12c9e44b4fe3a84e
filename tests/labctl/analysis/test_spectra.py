"""Circuits chosen without a first guess."""

import numpy as np
import pytest

from labctl.analysis.spectra import CIRCUITS, best_fit

FREQUENCY = np.geomspace(1e5, 0.1, 37)
ARC = {"r0": 20.0, "r1": 300.0, "q1": 1e-6, "q1_n": 0.9}


def spectrum(name: str, values: dict[str, float], noise: float = 5e-4) -> np.ndarray:
    rng = np.random.default_rng(3)
    exact = CIRCUITS[name].impedance(values, 2.0 * np.pi * FREQUENCY)
    both = rng.standard_normal((2, FREQUENCY.size))
    return np.asarray(exact * (1.0 + noise * (both[0] + 1j * both[1])))


def test_an_arc_is_found_as_one_arc_with_its_values_within_their_errors() -> None:
    found = best_fit(FREQUENCY, spectrum("R-RQ", ARC))
    assert found.circuit == "R-RQ"
    for name, value in ARC.items():
        assert found.fit.values[name] == pytest.approx(value, abs=5.0 * found.fit.errors[name])
    assert not found.fit.undetermined


def test_diffusion_behind_charge_transfer_is_told_from_an_arc() -> None:
    truth = {**ARC, "d_R": 900.0, "d_T": 5.0}
    found = best_fit(FREQUENCY, spectrum("R-(RD)Q", truth))
    assert found.circuit == "R-(RD)Q"
    assert found.fit.values["r1"] == pytest.approx(300.0, rel=0.02)
    assert found.fit.values["d_T"] == pytest.approx(5.0, rel=0.1)


def test_a_spectrum_of_no_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="five rows"):
        best_fit(FREQUENCY[:3], np.ones(3, dtype=complex))
    with pytest.raises(ValueError, match="finite"):
        best_fit(FREQUENCY, np.full(37, np.nan, dtype=complex))
