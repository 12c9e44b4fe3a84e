"""A constant current without a leak: exact at any time, so all its panels are resolved at once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell_data import SURFACE_MARGIN, EndReason
from sim.physics.diffusion import PlanarFilm
from sim.physics.interfaces import Interfaces
from sim.physics.panels import NODES, ORDER, TO_COEFFICIENTS
from sim.physics.trace import Trace

Floats = NDArray[np.float64]

# Logarithmic in time, about 12 a decade: only a hump of voltage shorter than a fifth of its age passes
# unseen.
_SCAN = np.linspace(1.0, 0.0, 97)
_CLOSER = np.linspace(0.0, 1.0, 33)
_TIME_RESOLUTION = 1e-15  # of the time itself: it leaves an event within 1 nV of its cut-off
_STRAIGHT = 1e-6  # V: over so little every curve is straight within 1e-10 V
_TOLERANCE = 1e-9  # V, for the mean voltage of a step: the share of the step times the error of one panel
_SHRINK = 0.25
# Starts of the last panels, in parts of a step: towards its end the voltage may fall like a logarithm.
_FALLING = 1.0 - 0.5 * np.geomspace(1.0, 2e-7, 13)[1:]


class ConstantCurrent:
    """Follow the voltage of a film under a constant current density from a profile on."""

    def __init__(self, film: PlanarFilm, profile: Floats, density: float, interfaces: Interfaces) -> None:
        """Start from a profile x [-] (n,), under a density [A/m2] through the cell."""
        self._interfaces, self._density = interfaces, density
        self._surface = film.surface(profile, density / interfaces.active)
        self._fastest = 1.0 / float(film.rates[-1])

    def voltage(self, times: Floats) -> Floats:
        """Return the voltage [V] at times [s] of any shape, within the time the surface carries it."""
        lithium = np.clip(self._surface(times), 1.01 * SURFACE_MARGIN, 1.0 - 1.01 * SURFACE_MARGIN)
        return self._interfaces.at_lithium(lithium, self._density)

    def end(self, horizon: float, low: float, high: float) -> tuple[float, EndReason]:
        """Return when [s] the voltage [V] leaves (low, high) or the surface carries no more, and which.

        A scan finds the first instant beyond a limit, up to the horizon [s].
        """
        times = _scan_times(horizon, self._fastest)
        fractions = self._surface(times)
        carried = (fractions > SURFACE_MARGIN) & (fractions < 1.0 - SURFACE_MARGIN)
        voltages = self._interfaces.at_lithium(np.where(carried, fractions, 0.5), self._density)
        beyond = ~carried | (voltages <= low) | (voltages >= high)
        if not beyond.any():
            return horizon, EndReason.DURATION
        first = int(np.argmax(beyond))
        if first == 0:
            if not carried[0]:
                return 0.0, EndReason.LIMITING_CURRENT
            return 0.0, EndReason.LOWER_VOLTAGE if voltages[0] <= low else EndReason.UPPER_VOLTAGE
        before, after = float(times[first - 1]), float(times[first])
        if not carried[first]:
            bound = SURFACE_MARGIN if fractions[first] < 0.5 else 1.0 - SURFACE_MARGIN
            after = self._root(before, after, bound, self._surface, 1e-16)
        last = float(self.voltage(np.array(after)))
        if low < last < high:
            return after, EndReason.LIMITING_CURRENT
        reason, limit = (EndReason.LOWER_VOLTAGE, low) if last <= low else (EndReason.UPPER_VOLTAGE, high)
        return self._root(before, after, limit, self.voltage, _STRAIGHT), reason

    @staticmethod
    def _root(
        before: float, after: float, level: float, history: Callable[[Floats], Floats], straight: float
    ) -> float:
        """Return when [s] a history meets a level between two times, one of which lies beyond it.

        Each scan of 33 places costs one call; the last bracket, over which the history moves by less than
        `straight`, is taken as a straight line.
        """
        while True:
            places = before + (after - before) * _CLOSER
            places[-1] = after
            distance = history(places) - level
            first = max(int(np.argmax(distance * distance[0] <= 0.0)), 1)
            before, after = float(places[first - 1]), float(places[first])
            low, high = float(distance[first - 1]), float(distance[first])
            if abs(high - low) < straight or after - before < _TIME_RESOLUTION * after:
                return before if high == low else before - low * (after - before) / (high - low)

    def trace(self, end: float, area: float) -> Trace:
        """Return voltage and current up to the end [s] > 0 on panels, halved until they have converged."""
        starts, stops = _first_panels(end, self._fastest)
        kept: list[tuple[Floats, Floats, Floats]] = []
        while starts.size:
            lengths = stops - starts
            values = self.voltage(starts[:, None] + lengths[:, None] * NODES)
            rest = np.sum(np.abs(values @ TO_COEFFICIENTS[-2:].T), axis=1) * lengths
            open_panels = rest > _TOLERANCE * end
            done = ~open_panels
            kept.append((starts[done], lengths[done], values[done]))
            left, right = starts[open_panels], stops[open_panels]
            middle = 0.5 * (left + right)
            starts, stops = np.concatenate((left, middle)), np.concatenate((middle, right))
        starts, lengths, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        order = np.argsort(starts)
        current = np.full((len(order), ORDER), self._density * area)
        return Trace(lengths[order], values[order], current)


def _scan_times(horizon: float, shortest: float) -> Floats:
    """Return 0 and times on a logarithmic scale up to the horizon [s]."""
    if horizon == 0.0:
        return np.zeros(1)
    times = horizon * np.exp(math.log(min(shortest / horizon, 0.01)) * _SCAN)
    return np.concatenate(([0.0], times))


def _first_panels(end: float, shortest: float) -> tuple[Floats, Floats]:
    """Return starts and stops [s] of panels that grow from the start and shrink towards the end."""
    up = max(2, math.ceil(math.log(max(0.5 * end / shortest, 1.0)) / -math.log(_SHRINK)) + 1)
    rising = 0.5 * np.exp(math.log(min(2.0 * shortest / end, 0.25)) * np.linspace(1.0, 0.0, up))
    edges = end * np.concatenate(([0.0], rising, _FALLING, [1.0]))
    return edges[:-1], edges[1:]
