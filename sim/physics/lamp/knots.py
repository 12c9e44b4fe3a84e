"""When the steps of a calculation end: fine after the lamp switches, coarse while nothing happens."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sim.physics.lamp.bank import Discharge

Array = NDArray[np.float64]

FIRST_STEP = 1e-6  # s, after the lamp switches: films of 0.7 to 3.3 um follow within 3 to 60 us
MICRO_SHARE, LONGEST_FIRST = (
    0.1,
    2e-6,
)  # first step of a micro-pulse, up to this [s]: peaks stay within 0.05 K
LIT_GROWTH, LIT_STEP = 1.3, 20e-6  # growth of the steps in a pulse, up to this [s]
DARK_GROWTH, DARK_STEP = 1.3, 0.1  # growth of the steps after a pulse, up to this [s]
DARK_HOLD = 10.0  # s after a pulse, beyond which steps may grow again: nothing happens any more
DARK_END = 1e9  # s, the longest wait, 30 years


def _dark_knots() -> Array:
    """Return the times after a pulse [s] that end a step, whoever looks in between."""
    knots, step = [0.0], FIRST_STEP
    while knots[-1] < DARK_END:
        knots.append(knots[-1] + step)
        grown = step * DARK_GROWTH
        step = grown if knots[-1] > DARK_HOLD else min(grown, DARK_STEP)
    return np.array(knots)


DARK_KNOTS = _dark_knots()


def lit_knots(pulse: Discharge) -> Array:
    """Return the times after the start of a pulse [s] that end a step, from 0 to its duration.

    Steps begin small whenever the lamp switches, so micro-pulses are resolved as the pulse's own start is.
    """
    switches = sorted({0.0, pulse.duration, *(moment for window in pulse.windows for moment in window)})
    # The light of a pulse all through begins as finely as its picture needs; micro-pulses follow one another.
    first = [FIRST_STEP if not pulse.lit else _first_step(end - start) for start, end in pairwise(switches)]
    parts = [
        start + _ramp(end - start, step)[:-1]
        for (start, end), step in zip(pairwise(switches), first, strict=True)
    ]
    return np.append(np.concatenate(parts), pulse.duration)


def dark_knots(duration: float) -> Array:
    """Return the times after a pulse [s] that end a step, from 0 to a duration [s]."""
    return np.append(DARK_KNOTS[: np.searchsorted(DARK_KNOTS, duration)], duration)


def _first_step(duration: float) -> float:
    """Return the first step [s] within a micro-pulse or between two of a duration [s]."""
    return min(max(MICRO_SHARE * duration, FIRST_STEP), LONGEST_FIRST)


def _ramp(duration: float, first: float) -> Array:
    """Return times [s] from 0 to a duration: steps that grow from the first [s], then even ones no longer."""
    growing = np.log(LIT_STEP / first) / np.log(LIT_GROWTH)
    ramp = np.append(0.0, np.cumsum(first * LIT_GROWTH ** np.arange(growing)))
    ramp = ramp[ramp < 0.5 * duration]
    rest, longest = duration - ramp[-1], min(first * LIT_GROWTH ** (len(ramp) - 1), LIT_STEP)
    even = np.linspace(ramp[-1], duration, int(np.ceil(rest / longest - 1e-9)) + 1)
    return np.append(ramp[:-1], even)
