"""Times at which a film under a constant current is looked at first, with the decays of its modes by then."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.panels import NODES

Floats = NDArray[np.float64]

_EVEN = 16  # panels of one length up to the end: a plateau of the potential is about as wide
_RATIO = 4.0  # of a border to the one before it, below the first of those
_KEPT = 24  # grids of one film: each is 0.2 MB


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """Hold panels in a row from 0: borders [s] (k + 1,), all nodes [s] (k * ORDER,), expm1(-rates t) there."""

    borders: Floats
    nodes: Floats
    decayed: Floats


class TimeGrids:
    """Make grids for the decay rates [1/s] (m,) of a film, and keep them: all steps of a cell share a few."""

    def __init__(self, rates: Floats) -> None:
        self._rates = rates
        self._made: dict[int, TimeGrid] = {}

    def reaching(self, horizon: float) -> TimeGrid:
        """Return a grid that ends at the next power of two of a second at or after a horizon [s] > 0."""
        part, level = math.frexp(horizon)
        level -= part == 0.5
        if level not in self._made:
            if len(self._made) >= _KEPT:
                self._made.pop(next(iter(self._made)))
            self._made[level] = self._make(2.0**level)
        return self._made[level]

    def _make(self, end: float) -> TimeGrid:
        step = end / _EVEN
        fastest = 1.0 / float(self._rates[-1])
        count = max(1, math.ceil(math.log(step / fastest) / math.log(_RATIO)))
        growing = step * _RATIO ** -np.arange(count, 0.0, -1.0)
        borders = np.concatenate(([0.0], growing, step * np.arange(1.0, _EVEN + 1.0)))
        nodes = (borders[:-1, None] + np.diff(borders)[:, None] * NODES).ravel()
        return TimeGrid(borders, nodes, np.expm1(np.multiply.outer(nodes, -self._rates)))
