"""A scalar history of time, resolved by polynomials on panels: its integral and its level crossings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.optimize import elementwise

Floats = NDArray[np.float64]
History = Callable[[Floats], Floats]

_NODES, _WEIGHTS = legendre.leggauss(12)
# Gauss quadrature of the projection on each Legendre polynomial
_TO_COEFFICIENTS = (
    legendre.legvander(_NODES, _NODES.size - 1) * _WEIGHTS[:, None] * (np.arange(_NODES.size) + 0.5)
)
_MEAN_TOLERANCE = 1e-12  # units of the history, for its mean over the whole span
_PANEL_GROWTH = 4.0
_SAME_SAMPLE = 1e-6  # of the asked change: a crossing this close before a fixed sample is that sample


class SmoothHistory:
    """Resolve a history on [0, end] by Legendre series of degree 11 on panels halved until they converge.

    A panel has converged when its last two coefficients, weighted with its share of the span, are below
    1e-12. The weighting copes with a logarithm beside the end (the end of a discharge) and makes the halving
    stop for any bounded history.
    """

    def __init__(self, history: History, end: float, shortest: float) -> None:
        """Resolve a history: end [s] > 0, shortest [s] is the fastest time constant at the start."""
        self._history = history
        starts, stops = _first_panels(end, shortest)
        accepted: list[tuple[Floats, Floats, Floats]] = []
        while starts.size:
            lengths = stops - starts
            values = history(starts[:, None] + 0.5 * lengths[:, None] * (1.0 + _NODES))
            coefficients = values @ _TO_COEFFICIENTS
            rest = np.sum(np.abs(coefficients[:, -2:]), axis=1) * lengths
            open_panels = rest > _MEAN_TOLERANCE * end
            accepted.append((starts[~open_panels], lengths[~open_panels], coefficients[~open_panels]))
            left, right = starts[open_panels], stops[open_panels]
            middle = 0.5 * (left + right)
            starts, stops = np.concatenate((left, middle)), np.concatenate((middle, right))
        starts, lengths, coefficients = (np.concatenate(parts) for parts in zip(*accepted, strict=True))
        order = np.argsort(starts)
        self._starts, self._lengths = starts[order], lengths[order]
        self._integrated = legendre.legint(coefficients[order].T, lbnd=-1.0) * (0.5 * self._lengths)
        whole = self._lengths * coefficients[order][:, 0]
        self._before = np.concatenate(([0.0], np.cumsum(whole)[:-1]))

    def integral(self, times: Floats) -> Floats:
        """Return the integral of the history from 0 to each time [unit s] (n,)."""
        panel = np.maximum(np.searchsorted(self._starts, times, side="right") - 1, 0)
        inside = 2.0 * (times - self._starts[panel]) / self._lengths[panel] - 1.0
        return np.asarray(
            self._before[panel] + legendre.legval(inside, self._integrated[:, panel], tensor=False)
        )

    def crossings(self, fixed: Floats, change: float) -> Floats:
        """Return the times [s] at which the history has moved by a change since the sample before.

        fixed [s] (n,), ascending, are samples taken anyway, the first at 0: each is a new reference, and so
        is each crossing. change [unit of the history] > 0.
        """
        nodes = (self._starts[:, None] + 0.5 * self._lengths[:, None] * (1.0 + _NODES)).ravel()
        times = np.union1d(nodes, fixed)
        brackets = _bracket_changes(times, self._history(times), np.isin(times, fixed), change)
        if not brackets:
            return np.empty(0)
        low, high, levels = np.array(brackets).T

        def distance(time: Floats, level: Floats) -> Floats:
            return self._history(time) - level

        found = elementwise.find_root(distance, (low, high), args=(levels,))
        if not np.all(found.success):
            raise ArithmeticError(f"{np.sum(~found.success)} level crossings were bracketed and not found")
        return np.asarray(found.x, dtype=np.float64)


def _first_panels(end: float, shortest: float) -> tuple[Floats, Floats]:
    """Return starts and stops [s] of panels that grow from the shortest time constant to the end."""
    count = max(2, int(np.ceil(np.log(max(end / shortest, 1.0)) / np.log(_PANEL_GROWTH))) + 1)
    edges = np.concatenate(([0.0], end * np.geomspace(min(shortest / end, 0.25), 1.0, count)))
    return edges[:-1], edges[1:]


def _bracket_changes(
    times: Floats, values: Floats, is_fixed: NDArray[np.bool_], change: float
) -> list[tuple[float, float, float]]:
    """Return (time before, time after, level) of each crossing met on the way through a resolved history."""
    brackets: list[tuple[float, float, float]] = []
    reference = float(values[0])
    before = float(times[0])
    for time, value, fixed in zip(
        times[1:].tolist(), values[1:].tolist(), is_fixed[1:].tolist(), strict=True
    ):
        step = change if value > reference else -change
        reach = 1.0 + _SAME_SAMPLE if fixed else 1.0
        while (value - reference) / step > reach:
            reference += step
            brackets.append((before, time, reference))
        if fixed:
            reference = value
        before = time
    return brackets
