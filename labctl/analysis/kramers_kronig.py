"""Whether a spectrum can be that of a linear, causal cell that stood still: the linear Kramers-Kronig test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_PER_DECADE = 6.0  # relaxations per decade, where there are frequencies enough
_BESIDE = 3  # resistance, inductance, capacitance: terms beside the relaxations
_CLEAN, _BAD = 1e-3, 1e-2  # rms residuals, relative to |Z|: below the first a spectrum passes


@dataclass(frozen=True, eq=False)
class KramersKronigTest:
    """Hold the spectrum nearest by that obeys the relations [ohm] (n,) and the residuals relative to |Z| (n,)."""

    fitted: Complexes
    residuals: Complexes

    @property
    def rms(self) -> float:
        """Return the root of the mean square of the residuals [-]."""
        return float(np.sqrt(np.mean(np.abs(self.residuals) ** 2)))

    @property
    def verdict(self) -> str:
        """Return "consistent" below 1e-3 rms, "inconsistent" above 1e-2, "doubtful" between."""
        return "consistent" if self.rms < _CLEAN else "inconsistent" if self.rms > _BAD else "doubtful"


def linear_test(frequency: Floats, impedance: Complexes, relaxations: int | None = None) -> KramersKronigTest:
    """Fit a row of relaxations, a resistance, an inductance and a capacitance, all linear, and compare.

    frequency [Hz] (n,), impedance [ohm] (n,). Every term obeys the relations, so what they cannot follow does
    not. The default is six relaxations a decade, at most 1.4 terms in all for each frequency, so that noise stays
    visible in the two numbers that each has.
    Source: Schoenleber, Klotz, Ivers-Tiffee, Electrochim. Acta 131 (2014) 20.
    Raises ValueError for fewer than five frequencies or values that are not finite and positive.
    """
    check_spectrum(frequency, impedance)
    turning = 2.0 * np.pi * frequency
    decades = math.log10(float(turning.max() / turning.min()))
    default = min(math.ceil(_PER_DECADE * decades) + 1, math.floor(1.4 * frequency.size) - _BESIDE)
    count = default if relaxations is None else relaxations
    times = np.geomspace(1.0 / turning.max(), 1.0 / turning.min(), count)
    columns = np.concatenate(
        (
            1.0 / (1.0 + 1j * np.multiply.outer(turning, times)),
            np.stack((np.ones_like(turning), 1j * turning, -1j / turning), axis=1),
        ),
        axis=1,
    )
    weighted = columns / np.abs(impedance)[:, None]
    scale = np.linalg.norm(weighted, axis=0)
    target = impedance / np.abs(impedance)
    both = np.concatenate((weighted.real, weighted.imag)) / scale
    answer, *_ = np.linalg.lstsq(both, np.concatenate((target.real, target.imag)), rcond=1e-12)
    fitted = columns @ (answer / scale)
    return KramersKronigTest(fitted, (fitted - impedance) / np.abs(impedance))


def check_spectrum(frequency: Floats, impedance: Complexes) -> None:
    """Refuse what is no spectrum.

    Raises ValueError for fewer than five frequencies or values that are not finite and positive.
    """
    if frequency.shape != impedance.shape or frequency.ndim != 1 or frequency.size < 5:
        raise ValueError("frequency and impedance must be vectors of one length, five rows or more")
    if not (np.all(np.isfinite(frequency)) and np.all(frequency > 0.0) and np.all(np.isfinite(impedance))):
        raise ValueError("frequencies must be positive and impedances finite")
    if not np.all(np.abs(impedance) > 0.0):
        raise ValueError("an impedance of zero cannot be weighted")
