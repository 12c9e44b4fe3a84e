"""Peaks of cyclic voltammograms: how they grow with the scan rate, and what that says about diffusion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RANDLES_SEVCIK = 0.4463  # peak of the semi-infinite, reversible wave (Nicholson, Shain 1964)
_GAS_OVER_FARADAY = 8.617333262e-5  # V/K, CODATA
_TOLERATED = 0.03  # of the exponent 0.5


@dataclass(frozen=True)
class PeakAnalysis:
    """Hold D [m2/s], the exponent of peak current against scan rate and its standard error [-], and doubts."""

    diffusivity: float
    exponent: float
    exponent_error: float
    doubts: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Return whether the peaks follow the root of the scan rate, as semi-infinite diffusion asks."""
        return not self.doubts


def randles_sevcik(
    scan_rate: Floats, peak_current: Floats, charge_density: float, area: float, temperature: float = 298.15
) -> PeakAnalysis:
    """Return D from peak currents: i_p = 0.4463 q A sqrt(F v D / (R T)).

    scan_rate [V/s] (n,), peak_current [A] (n,), n >= 2; charge_density q [C/m3] of the reaction in the film,
    area [m2], temperature [K]. An exponent near 1 is a film emptied to its back, one below 0.5 a resistance.
    The exponent's error is NaN for two peaks. Raises ValueError for fewer than two peaks, values that are not
    positive, or peaks at one scan rate only.
    """
    size = np.abs(peak_current)
    if scan_rate.shape != size.shape or scan_rate.ndim != 1 or scan_rate.size < 2:
        raise ValueError("scan rates and peaks must be vectors of one length, two or more")
    if not (np.all(scan_rate > 0.0) and np.all(size > 0.0) and np.all(np.isfinite(size))):
        raise ValueError("scan rates and peak currents must be finite and not zero")
    if not all(math.isfinite(each) and each > 0.0 for each in (charge_density, area, temperature)):
        raise ValueError("charge density, area and temperature must be positive")
    if not np.ptp(scan_rate) > 0.0:
        raise ValueError("all peaks are of one scan rate: they say nothing of how peaks grow with it")
    across, along = np.log(scan_rate), np.log(size)
    exponent, offset = np.polyfit(across, along, 1)
    rest = along - (exponent * across + offset)
    spread = np.sum((across - across.mean()) ** 2)
    error = float(np.sqrt(np.sum(rest**2) / (size.size - 2) / spread)) if size.size > 2 else math.nan
    factor = _RANDLES_SEVCIK * charge_density * area / np.sqrt(_GAS_OVER_FARADAY * temperature)
    diffusivity = float(np.exp(np.mean(2.0 * np.log(size / (factor * np.sqrt(scan_rate))))))
    doubts = []
    if exponent > 0.5 + _TOLERATED:
        doubts.append(
            f"peaks grow with the {exponent:.2f}th power of the rate: the film is emptied to its back"
        )
    if exponent < 0.5 - _TOLERATED:
        doubts.append(f"peaks grow with the {exponent:.2f}th power of the rate: a resistance flattens them")
    return PeakAnalysis(diffusivity, float(exponent), error, tuple(doubts))
