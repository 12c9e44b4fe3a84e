"""Choose the instants of a step that become rows, and read them off its trace."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import Record

if TYPE_CHECKING:
    from sim.physics.cell.trace import Trace

Floats = NDArray[np.float64]
History = Callable[[Floats], Floats]

_SAME_INSTANT = 1e-9  # of the sample interval: a regular sample this close to the end is the last one


def row_times(record: Record, trace: Trace, end: float, voltage: History, current: History) -> Floats:
    """Return the instants [s] of all rows, ascending, from 0 to the end [s] of a step."""
    # Open leads have rows too, and no trace: a twin does not wait for its packages.
    from sim.physics.cell.trace import crossings

    times = regular_times(end, record.interval)
    if record.times:
        asked = np.array(record.times)
        times = np.union1d(times, asked[asked < end])
    changes = ((voltage, record.voltage_change), (current, record.current_change))
    met = [crossings(history, trace.nodes(), times, change) for history, change in changes if change]
    return np.unique(np.concatenate((times, *met))) if met else times


def regular_times(end: float, interval: float | None) -> Floats:
    """Return 0, every whole interval [s] before the end, and the end [s]."""
    if end == 0.0:
        return np.zeros(1)
    if interval is None:
        return np.array([0.0, end])
    regular = interval * np.arange(math.ceil(end / interval) + 1)
    return np.append(regular[end - regular > _SAME_INSTANT * interval], end)
