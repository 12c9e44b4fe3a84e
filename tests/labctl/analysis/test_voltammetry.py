"""Peaks against scan rate."""

import numpy as np
import pytest

from labctl.analysis.voltammetry import randles_sevcik

RATES = np.array([1e-4, 1e-3, 1e-2])


def test_peaks_of_semi_infinite_diffusion_give_it_back() -> None:
    peaks = 0.4463 * 5e9 * 1e-4 * np.sqrt(RATES * 1e-14 / (8.314462618 * 298.15 / 96485.33212))
    found = randles_sevcik(RATES, peaks, 5e9, 1e-4)
    assert found.diffusivity == pytest.approx(1e-14, rel=1e-6, abs=0.0)
    assert found.exponent == pytest.approx(0.5, abs=1e-12)
    assert found.valid


@pytest.mark.parametrize(("exponent", "word"), [(1.0, "emptied"), (0.4, "resistance")])
def test_other_exponents_are_doubted(exponent: float, word: str) -> None:
    found = randles_sevcik(RATES, RATES**exponent, 5e9, 1e-4)
    assert found.exponent == pytest.approx(exponent)
    assert word in found.doubts[0]


def test_bad_peaks_are_refused() -> None:
    for rates, peaks in (
        (RATES[:1], RATES[:1]),
        (RATES, RATES * np.nan),
        (-RATES, RATES),
        (RATES, RATES * 0.0),
    ):
        with pytest.raises(ValueError):
            randles_sevcik(rates, peaks, 5e9, 1e-4)


def test_two_peaks_have_an_exponent_without_an_error_and_one_rate_has_none() -> None:
    rate = np.array([1e-4, 4e-4])
    found = randles_sevcik(rate, np.array([1.0, 2.0]), 1e9, 1e-5)
    assert found.exponent == pytest.approx(0.5)
    assert np.isnan(found.exponent_error)
    with pytest.raises(ValueError, match="one scan rate"):
        randles_sevcik(np.full(3, 1e-4), np.ones(3), 1e9, 1e-5)
    with pytest.raises(ValueError, match="positive"):
        randles_sevcik(rate, np.array([1.0, 2.0]), 1e9, float("nan"))
