"""What one step of a program says: the resistance at its start, the mean and the drift at its end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FEWEST = 5  # rows that make a mean, a slope and a scatter
_SMALLEST = 0.1  # of the larger current: a change below it is no step


@dataclass(frozen=True)
class StepResistance:
    """Hold a resistance [ohm] and how long after the step [s] it was seen at the most; NaN where it cannot be."""

    resistance: float
    delay: float


UNSEEN = StepResistance(math.nan, math.nan)


def step_resistance(
    time: Floats, voltage: Floats, current: Floats, delay: float, latest: float
) -> StepResistance:
    """Return change of voltage over change of current, from the last row before a step to the first a delay after.

    time [s], voltage [V], current [A] (n,): row 0 is the last one before the step, row 1 the first after it. delay
    and latest [s] count from row 0, as when between the two the step came is not known. What is seen holds
    whatever answers faster than that: nothing is extrapolated. NaN without a row by `latest`, a step, or numbers.
    Raises ValueError for vectors of different lengths, or unless 0 <= delay <= latest.
    """
    if not (time.shape == voltage.shape == current.shape and time.ndim == 1):
        raise ValueError("time, voltage and current must be vectors of one length")
    if not 0.0 <= delay <= latest:
        raise ValueError(f"delay = {delay!r} s must lie between 0 and latest = {latest!r} s")
    known = np.isfinite(time) & np.isfinite(voltage) & np.isfinite(current)
    if time.size < 2 or not known[0]:
        return UNSEEN
    later = np.flatnonzero(known & (np.arange(time.size) > 0) & (time - time[0] >= delay))
    if not later.size or time[later[0]] - time[0] > latest:
        return UNSEEN
    row = int(later[0])
    change = float(current[row] - current[0])
    if abs(change) <= _SMALLEST * max(abs(float(current[row])), abs(float(current[0]))):
        return UNSEEN
    return StepResistance(float(voltage[row] - voltage[0]) / change, float(time[row] - time[0]))


@dataclass(frozen=True)
class Ending:
    """Hold what a quantity did at the end of a step: mean, slope (per s), scatter about its line, over a span [s]."""

    mean: float
    slope: float
    scatter: float
    span: float


def ending(time: Floats, values: Floats, share: float) -> Ending:
    """Return mean over time, slope and scatter of a quantity in the last share [1] of a step, of five rows at least.

    time [s] (n,) in order, values (n,): rows without a number are left out. The mean is over time and not over rows,
    so uneven rows do not bend it; all are NaN with fewer than five rows.
    Raises ValueError for vectors of different lengths, rows not in order, or a share outside 0 to 1.
    """
    if time.shape != values.shape or time.ndim != 1:
        raise ValueError("time and values must be vectors of one length")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share = {share!r} is not between 0 and 1")
    known = np.isfinite(time) & np.isfinite(values)
    time, values = time[known], values[known]
    if np.any(np.diff(time) < 0.0):
        raise ValueError("the rows are not in order of time")
    if time.size < _FEWEST or not time[-1] > time[-_FEWEST]:
        return Ending(math.nan, math.nan, math.nan, math.nan)
    late = time >= min(float(time[-1] - share * (time[-1] - time[0])), float(time[-_FEWEST]))
    moments, seen = time[late] - time[-1], values[late]
    span = float(moments[-1] - moments[0])
    slope, offset = np.polyfit(moments, seen, 1)
    rest = seen - (offset + slope * moments)
    scatter = float(np.sqrt(np.sum(rest**2) / (moments.size - 2)))
    return Ending(float(np.trapezoid(seen, moments)) / span, float(slope), scatter, span)
