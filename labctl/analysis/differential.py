"""Differential capacity dQ/dV of one branch of a cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SAME = 1e-12  # V: rows nearer to one another are at one voltage
_AT_ONCE = 10_000  # rows: keeps the memory at some ten megabytes for any number of them


def differential_capacity(charge: Floats, voltage: Floats, width: float) -> tuple[Floats, Floats]:
    """Return voltage [V] (m,) and |dQ/dV| (m,) in windows of a width [V].

    charge (n,) in any unit and voltage [V] (n,) of one charge or one discharge. The charge of each window is
    found between its borders on the curve itself, so sparse rows leave no holes; every row counts with the
    charge that passed in it, so noise of the voltage is averaged and not amplified.

    The width is the only smoothing, and the choice is the reader's: peaks narrower than it are flattened to
    its width, their area kept; rows whose voltages scatter by more than it smear a peak by that scatter. Ten
    times the noise or the step of the voltage, and a fifth of the narrowest peak that matters (for LiCoO2 at
    room temperature 20 to 30 mV, so 5 mV), is a fair start; if a peak changes its height with half the width,
    the width was too large. Leave a hold out: its charge all falls into the window of its voltage.
    Raises ValueError for fewer than three rows, values that are not finite, or a width that is not positive.
    """
    if charge.shape != voltage.shape or charge.ndim != 1 or charge.size < 3:
        raise ValueError("charge and voltage must be vectors of one length, three rows or more")
    if not (np.all(np.isfinite(charge)) and np.all(np.isfinite(voltage)) and width > 0.0):
        raise ValueError("charge and voltage must be finite, and the width positive")
    # The last border lies above every row, so that what passed at the highest voltage has a window, too.
    borders = np.arange(np.floor(voltage.min() / width), np.floor(voltage.max() / width) + 2) * width
    low, high = np.minimum(voltage[1:], voltage[:-1]), np.maximum(voltage[1:], voltage[:-1])
    passed, span = np.abs(np.diff(charge)), np.maximum(high - low, _SAME)
    below = np.zeros(borders.size)
    for first in range(0, low.size, _AT_ONCE):
        # What passed below each border: all of a row that lies below it, a linear part of one across it.
        some = slice(first, first + _AT_ONCE)
        below += np.clip((borders[:, None] - low[some]) / span[some], 0.0, 1.0) @ passed[some]
    return 0.5 * (borders[1:] + borders[:-1]), np.diff(below) / width
