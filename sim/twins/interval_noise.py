"""Noise that belongs to an interval of measurement: whoever looks, and however often, sees the same."""

from __future__ import annotations

import math

import numpy as np

BLOCK = 256
"""Intervals whose numbers are drawn together."""


class IntervalNoise:
    """Standard normal numbers, one per interval [s] of bench time, from a seed that `rng` gives once.

    The number of an interval depends on nothing but the seed and the interval, so looking changes nothing and a jump
    over a night costs nothing.
    """

    def __init__(self, rng: np.random.Generator, interval: float) -> None:
        self.interval = interval
        self._seed = int(rng.integers(2**63))
        self._block = -1
        self._drawn: list[float] = []

    def number(self, now: float) -> int:
        """Return the number of the interval that holds a time [s]; its end belongs to the next."""
        return math.floor(now / self.interval + 1e-9)

    def of(self, number: int) -> float:
        """Return what belongs to an interval, by its number (0 and up)."""
        block, place = divmod(number, BLOCK)
        if block != self._block:
            self._drawn = np.random.default_rng((self._seed, block)).standard_normal(BLOCK).tolist()
            self._block = block
        return self._drawn[place]

    def at(self, now: float) -> float:
        """Return what belongs to the interval that holds a time [s]."""
        return self.of(self.number(now))
