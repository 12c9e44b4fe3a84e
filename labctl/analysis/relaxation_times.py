"""The distribution of relaxation times of a spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from labctl.analysis.kramers_kronig import check_spectrum

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_PER_DECADE = 12


@dataclass(frozen=True, eq=False)
class RelaxationTimes:
    """Hold times [s] (m,), the distribution [ohm per unit of ln(time)] (m,), and what is in series with it.

    resistance [ohm], inductance [H], capacitance [F] (infinite without one); residual: rms over |Z| [-].
    """

    time: Floats
    distribution: Floats
    resistance: float
    inductance: float
    capacitance: float
    residual: float

    def polarisation(self, shortest: float, longest: float) -> float:
        """Return the resistance [ohm] of all relaxations between two times [s]."""
        step = math.log(float(self.time[1] / self.time[0]))
        chosen = (self.time >= shortest) & (self.time <= longest)
        return float(np.sum(self.distribution[chosen])) * step


def distribution_of_relaxation_times(
    frequency: Floats, impedance: Complexes, smoothness: float = 1e-4
) -> RelaxationTimes:
    """Fit Z = R + j w L + 1 / (j w C) + integral of g / (1 + j w t) over ln(t), g >= 0 and smooth.

    frequency [Hz] (n,), impedance [ohm] (n,), smoothness: weight of the curvature of g against the residuals
    over |Z| (Tikhonov); larger widens the peaks, smaller splits them. Times reach a decade beyond both ends.
    Raises ValueError for a bad spectrum or a smoothness that is not positive.
    """
    check_spectrum(frequency, impedance)
    if not smoothness > 0.0:
        raise ValueError(f"smoothness = {smoothness!r} is not positive")
    turning = 2.0 * np.pi * frequency
    low, high = -math.log10(float(turning.max())) - 1.0, -math.log10(float(turning.min())) + 1.0
    times = np.logspace(low, high, math.ceil(_PER_DECADE * (high - low)) + 1)
    step = math.log(float(times[1] / times[0]))
    extra = np.stack((np.ones_like(turning), 1j * turning, -1j / turning), axis=1)
    columns = np.concatenate((step / (1.0 + 1j * np.multiply.outer(turning, times)), extra), axis=1)
    size = np.abs(impedance)
    weighted = columns / size[:, None]
    scale = np.concatenate(
        (np.full(times.size, float(np.mean(size))), 1.0 / np.linalg.norm(weighted[:, -3:], axis=0))
    )
    curvature = np.diff(np.eye(times.size), n=2, axis=0) * math.sqrt(smoothness) / step
    curvature = np.concatenate((curvature, np.zeros((curvature.shape[0], 3))), axis=1)
    target = impedance / size
    matrix = np.concatenate((weighted.real * scale, weighted.imag * scale, curvature))
    answer, _ = nnls(matrix, np.concatenate((target.real, target.imag, np.zeros(curvature.shape[0]))))
    found = answer * scale
    off = (columns @ found - impedance) / size
    return RelaxationTimes(
        time=times,
        distribution=found[:-3],
        resistance=float(found[-3]),
        inductance=float(found[-2]),
        capacitance=math.inf if found[-1] == 0.0 else 1.0 / float(found[-1]),
        residual=float(np.sqrt(np.mean(np.abs(off) ** 2))),
    )
