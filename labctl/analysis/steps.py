"""What one step of a program says: the resistance at its start, the mean and the drift at its end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LATEST = 10.0  # times the delay asked for: a row that comes later says nothing of that moment
_SMALLEST = 0.1  # of the larger current: a change below it is no step


@dataclass(frozen=True)
class StepResistance:
    """Hold a resistance [ohm] and when after the step [s] it was seen; both NaN where it cannot be."""

    resistance: float
    delay: float


UNSEEN = StepResistance(math.nan, math.nan)


def step_resistance(time: Floats, voltage: Floats, current: Floats, delay: float) -> StepResistance:
    """Return change of voltage over change of current, from the last row before a step to the first a delay after.

    time [s], voltage [V], current [A] (n,): row 0 is the last one before the step, row 1 the first after it; the
    delay [s] counts from row 1. What is seen holds whatever answers faster than the delay: nothing is
    extrapolated. It is NaN without a row in ten times the delay, without a step, or without numbers.
    Raises ValueError for vectors of different lengths, or a delay that is negative.
    """
    if not (time.shape == voltage.shape == current.shape and time.ndim == 1):
        raise ValueError("time, voltage and current must be vectors of one length")
    if not delay >= 0.0:
        raise ValueError(f"delay = {delay!r} s is negative")
    known = np.isfinite(time) & np.isfinite(voltage) & np.isfinite(current)
    if time.size < 2 or not known[0]:
        return UNSEEN
    later = np.flatnonzero(known & (np.arange(time.size) > 0) & (time - time[1] >= delay))
    if not later.size or time[later[0]] - time[1] > _LATEST * max(delay, time[1] - time[0]):
        return UNSEEN
    row = int(later[0])
    change = float(current[row] - current[0])
    if abs(change) <= _SMALLEST * max(abs(float(current[row])), abs(float(current[0]))):
        return UNSEEN
    return StepResistance(float(voltage[row] - voltage[0]) / change, float(time[row] - time[1]))


@dataclass(frozen=True)
class Ending:
    """Hold what a quantity did at the end of a step: mean and scatter about its line (its unit), slope (per s)."""

    mean: float
    scatter: float
    slope: float
    rows: int


def ending(time: Floats, values: Floats, share: float) -> Ending:
    """Return mean over time, slope and scatter of a quantity in the last share [1] of a step.

    time [s] (n,) in order, values (n,): rows without a number are left out. The mean is over time and not over rows,
    so uneven rows do not bend it; all are NaN with fewer than three rows in that share.
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
    late = time >= time[-1] - share * (time[-1] - time[0]) if time.size else known[known]
    moments, seen = time[late], values[late]
    if moments.size < 3 or not moments[-1] > moments[0]:
        return Ending(math.nan, math.nan, math.nan, int(moments.size))
    span = float(moments[-1] - moments[0])
    mean = float(np.trapezoid(seen, moments)) / span
    slope, offset = np.polyfit(moments - moments[0], seen, 1)
    rest = seen - (offset + slope * (moments - moments[0]))
    return Ending(mean, float(np.sqrt(np.sum(rest**2) / (moments.size - 2))), float(slope), int(moments.size))
