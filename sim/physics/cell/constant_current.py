"""A constant current without a leak: exact at any time, so all its panels are resolved at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.data import SURFACE_MARGIN, EndReason
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS
from sim.physics.cell.root import root
from sim.physics.cell.trace import Trace

Floats = NDArray[np.float64]

# Logarithmic in time, about 12 a decade: only a hump of voltage shorter than a fifth of its age passes
# unseen.
_SCAN = np.linspace(1.0, 0.0, 97)
_CLOSER = np.linspace(0.0, 1.0, 33)
_TIME_SETTLED = 1e-9  # of the time itself: Newton's next step would be about its square
_POTENTIAL_SETTLED = 1e-6  # V: the next step, about its square over 10 mV, is taken on the table
_TOLERANCE = 1e-9  # V, for the mean voltage of a step: the share of the step times the error of one panel
_QUARTERED = 1e-6  # V: a panel that misses more is cut in four at once, as halves would miss a thousandth
_LAST_TWO = TO_COEFFICIENTS[-2:].T
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
        return self._interfaces.at_lithium(self._carried(times), self._density)

    def _carried(self, times: Floats) -> Floats:
        """Return x at the surface [-] at times [s], kept inside what the surface carries."""
        least = 1.01 * SURFACE_MARGIN
        return np.minimum(np.maximum(self._surface(times), least), 1.0 - least)

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
            after = self._reaches(bound, before, after)
        places = before + (after - before) * _CLOSER
        places[-1] = after
        voltages = self.voltage(places)
        beyond = (voltages <= low) | (voltages >= high)
        if not beyond.any():
            return after, EndReason.LIMITING_CURRENT
        over = int(np.argmax(beyond))
        is_low = bool(voltages[over] <= low)
        reason, limit = (EndReason.LOWER_VOLTAGE, low) if is_low else (EndReason.UPPER_VOLTAGE, high)
        over = max(over, 1)
        before, after = float(places[over - 1]), float(places[over])
        potentials = self._interfaces.ocp.potential(self._carried(places[over - 1 : over + 1]))
        ends = np.column_stack((potentials, voltages[over - 1 : over + 1] - limit)).tolist()
        return self._reaches(self._lithium_at(limit, tuple(ends[0]), tuple(ends[1])), before, after), reason

    def _reaches(self, lithium: float, before: float, after: float) -> float:
        """Return when [s] x at the surface [-] is met between two times on either side of it."""

        def distance(time: float) -> tuple[float, float]:
            found, slope = self._surface.at(time)
            return found - lithium, slope

        first, last = ((time, distance(time)[0]) for time in (before, after))
        return root(distance, first, last, _TIME_SETTLED * after)

    def _lithium_at(self, voltage: float, first: tuple[float, float], last: tuple[float, float]) -> float:
        """Return x at the surface [-] at a voltage [V] between two potentials [V], each with its distance [V]."""
        faces, density = self._interfaces, np.array([self._density])

        def distance(potential: float) -> tuple[float, float]:
            drop = faces.at_potential(np.array([potential]), density)
            return float(drop.voltage[0]) - voltage, float(drop.to_potential[0])

        potential = np.array([root(distance, first, last, _POTENTIAL_SETTLED)])
        drop = faces.at_potential(potential, density)
        lithium = drop.lithium / (drop.lithium + drop.vacancy)
        # The voltage of a step is that of the table, which is up to a nanovolt beside the sum: one step more.
        beside = faces.at_lithium(lithium, density) - voltage
        return float((lithium - beside * drop.filling / drop.to_potential)[0])

    def trace(self, end: float, area: float) -> Trace:
        """Return voltage and current up to the end [s] > 0 on panels, cut until they have converged."""
        starts, stops = _first_panels(end, self._fastest)
        kept: list[tuple[Floats, Floats, Floats]] = []
        while starts.size:
            lengths = stops - starts
            values = self.voltage(starts[:, None] + lengths[:, None] * NODES)
            rest = np.abs(values @ _LAST_TWO).sum(axis=1) * lengths
            done = rest <= _TOLERANCE * end
            kept.append((starts[done], lengths[done], values[done]))
            pieces = np.where(rest > _QUARTERED * end, 4, 2)[~done]
            lengths = np.repeat(lengths[~done] / pieces, pieces)
            first = np.repeat(np.cumsum(pieces) - pieces, pieces)
            starts = np.repeat(starts[~done], pieces) + lengths * (np.arange(len(first)) - first)
            stops = starts + lengths
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
