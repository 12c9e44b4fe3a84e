"""A constant current without a leak: exact at any time, so all its panels are resolved at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.data import SURFACE_MARGIN, EndReason
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS
from sim.physics.cell.root import root
from sim.physics.cell.time_grid import TimeGrids

Floats = NDArray[np.float64]

_LEAST = 1.01 * SURFACE_MARGIN
_TIME_SETTLED = 1e-9  # of the time itself: Newton's next step would be about its square
_POTENTIAL_SETTLED = 2e-5  # V: the next step, about its square over 10 mV, is taken on the table
_TOLERANCE = 1e-9  # V, for the mean voltage of a step: the share of the step times the error of one panel
_LAST_TWO = TO_COEFFICIENTS[-2:].T
_QUARTERS = np.arange(4.0)
# Borders in the last piece of a step: towards the end the voltage may fall like a logarithm.
_FALLING = np.append(1.0 - np.geomspace(1.0, 4e-7, 12), 1.0)


class Panelled(NamedTuple):
    """Hold a voltage on panels in a row from 0: their lengths [s] (k,), values [V] at the nodes (k, ORDER)."""

    lengths: Floats
    values: Floats


class ConstantCurrent:
    """Follow the voltage of a film under a constant current density from a profile on."""

    def __init__(
        self, film: PlanarFilm, grids: TimeGrids, profile: Floats, density: float, interfaces: Interfaces
    ) -> None:
        """Start from a profile x [-] (n,), under a density [A/m2] through the cell."""
        self._interfaces, self._density, self._grids = interfaces, density, grids
        self._surface = film.surface(profile, density / interfaces.active)

    def voltage(self, times: Floats) -> Floats:
        """Return the voltage [V] at times [s] of any shape, within the time the surface carries it."""
        return self._interfaces.at_lithium(self._carried(times), self._density)

    def _carried(self, times: Floats) -> Floats:
        """Return x at the surface [-] at times [s], kept inside what the surface carries."""
        return np.minimum(np.maximum(self._surface(times), _LEAST), 1.0 - _LEAST)

    def follow(self, horizon: float, low: float, high: float) -> tuple[float, EndReason, Panelled]:
        """Return when [s] the voltage [V] leaves (low, high) or the surface carries no more, and which.

        The first instant beyond a limit is looked for at the nodes of a grid, about 25 in each power of four
        of time, up to the horizon [s] > 0, at which nothing ends but the duration. Returned beside it are
        voltages at the nodes of panels up to there, cut until they have converged.
        """
        grid = self._grids.reaching(horizon)
        fractions = self._surface.after(grid.nodes, grid.decayed)
        carried = np.minimum(np.maximum(fractions, _LEAST), 1.0 - _LEAST)
        voltages = self._interfaces.at_lithium(carried, self._density)
        end, reason = self._end(grid.nodes, fractions, voltages, horizon, (low, high))
        if end == 0.0:  # at its limit from the start, but for round-off
            return end, reason, Panelled(np.empty(0), np.empty((0, ORDER)))
        return end, reason, self._panelled(grid.borders, voltages.reshape(-1, ORDER), end)

    def _end(
        self, times: Floats, fractions: Floats, voltages: Floats, horizon: float, window: tuple[float, float]
    ) -> tuple[float, EndReason]:
        """Return when [s] and why it ends, given x at the surface [-] and voltages [V] at times [s] (n,)."""
        low, high = window
        beyond = (fractions <= SURFACE_MARGIN) | (fractions >= 1.0 - SURFACE_MARGIN)
        beyond |= (voltages <= low) | (voltages >= high)
        count = int(np.searchsorted(times, horizon))
        first = int(beyond.argmax())
        if not beyond[first] or first >= count:
            first = count
        before = float(times[first - 1]) if first else 0.0
        after = float(times[first]) if first < count else horizon
        reason = EndReason.DURATION
        start, last = self._surface(np.array([before, after])).tolist()
        if not SURFACE_MARGIN < last < 1.0 - SURFACE_MARGIN:
            bound = SURFACE_MARGIN if last < 0.5 else 1.0 - SURFACE_MARGIN
            after = self._reaches(bound, (before, start), (after, last))
            last, reason = bound, EndReason.LIMITING_CURRENT
        lithium = np.minimum(np.maximum(np.array([start, last]), _LEAST), 1.0 - _LEAST)
        potentials = self._interfaces.ocp.potential(lithium)
        volts = self._interfaces.over(potentials, lithium, self._density)
        if low < volts[1] < high:
            return after, reason
        is_low = bool(volts[1] <= low)
        reason, limit = (EndReason.LOWER_VOLTAGE, low) if is_low else (EndReason.UPPER_VOLTAGE, high)
        ends = np.column_stack((potentials, volts - limit)).tolist()
        met = self._lithium_at(limit, tuple(ends[0]), tuple(ends[1]))
        return self._reaches(met, (before, start), (after, last)), reason

    def _reaches(self, lithium: float, before: tuple[float, float], after: tuple[float, float]) -> float:
        """Return when [s] x at the surface [-] is met between two times, each with the x at it."""

        def distance(time: float) -> tuple[float, float]:
            found, slope = self._surface.at(time)
            return found - lithium, slope

        first, last = ((time, found - lithium) for time, found in (before, after))
        return root(distance, first, last, _TIME_SETTLED * after[0])

    def _lithium_at(self, voltage: float, first: tuple[float, float], last: tuple[float, float]) -> float:
        """Return x at the surface [-] at a voltage [V] between two potentials [V], each with its distance [V]."""
        faces, density = self._interfaces, self._density

        def distance(potential: float) -> tuple[float, float]:
            drop = faces.at_point(potential, density)
            return drop.voltage - voltage, drop.to_potential

        drop = faces.at_point(root(distance, first, last, _POTENTIAL_SETTLED), density)
        lithium = drop.lithium / (drop.lithium + drop.vacancy)
        # The voltage of a step is that of the table, which is up to a nanovolt beside the sum: one step more.
        beside = float(faces.at_lithium(np.array([lithium]), density)[0]) - voltage
        return lithium - beside * drop.filling / drop.to_potential

    def _panelled(self, borders: Floats, voltages: Floats, end: float) -> Panelled:
        """Return panels up to the end [s], given voltages [V] (k, ORDER) on those between borders [s] (k + 1,)."""
        whole = int(borders.searchsorted(end, side="right")) - 1
        starts, stops, values = borders[:whole], borders[1 : whole + 1], voltages[:whole]
        kept: list[tuple[Floats, Floats, Floats]] = []
        edge = float(borders[whole])
        last = edge + (end - edge) * _FALLING
        new = last[1:] > last[:-1]  # round-off joins the borders of what is very short
        ahead, behind = last[:-1][new], last[1:][new]
        while starts.size or ahead.size:
            lengths = stops - starts
            rest = np.abs(values @ _LAST_TWO).sum(axis=1) * lengths
            done = rest <= _TOLERANCE * end
            kept.append((starts[done], lengths[done], values[done]))
            quarters = 0.25 * lengths[~done, None]
            borders = starts[~done, None] + quarters * _QUARTERS
            starts = np.concatenate((borders.ravel(), ahead))
            stops = np.concatenate(((borders + quarters).ravel(), behind))
            ahead = behind = ahead[:0]
            if starts.size:
                values = self.voltage(starts[:, None] + (stops - starts)[:, None] * NODES)
        starts, lengths, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        if (starts[1:] < starts[:-1]).any():
            order = starts.argsort()
            return Panelled(lengths[order], values[order])
        return Panelled(lengths, values)
