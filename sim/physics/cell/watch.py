"""Find the first instant at which a step meets one of its limits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from sim.physics.cell.control import Until
from sim.physics.cell.data import EndReason
from sim.physics.cell.panels import NODES, ORDER, SLOPES, TO_COEFFICIENTS
from sim.physics.cell.root import root

Floats = NDArray[np.float64]

_PLACES = np.concatenate(([0.0], NODES))
_RATE_TOLERANCE = 3e-3  # of a rate, where it is a limit
_ROUND_OFF = 1e-9  # V, and of the largest current: what a polynomial's last coefficients cannot fall below
_OVERSHOOT = 2.0  # an integral over part of a panel is less than this times its length and largest value
_PLACE_SETTLED = 1e-9  # of a panel: Newton's next step would be its square
_SLOPE_COEFFICIENTS: Floats = np.asarray(2.0 * legendre.legder(np.eye(ORDER)) @ TO_COEFFICIENTS)
# From values at the nodes of a panel to value and derivative, per panel length, at its start.
_START: Floats = legendre.legvander(np.array([-1.0]), ORDER - 1)[0] @ TO_COEFFICIENTS
_START_SLOPE: Floats = np.asarray(legendre.legval(-1.0, _SLOPE_COEFFICIENTS))
_INTEGRATED: Floats = (
    0.5 * legendre.legval(2.0 * NODES - 1.0, legendre.legint(np.eye(ORDER), lbnd=-1.0)).T @ TO_COEFFICIENTS
)


class _Rate(NamedTuple):
    """Hold a rate in a panel: the limit it is watched for, its margin at the nodes, its error over the tolerance."""

    reason: EndReason
    margin: Floats
    error: float


class Watch:
    """Watch voltage, current, charge, their rates and the anode's lithium through panels.

    A limit is a margin that is positive before it and 0 where it is met. Margins are looked at at the
    nodes of a panel, and the place of the root is solved for on the panel's polynomial.
    """

    def __init__(self, until: Until, area: float, plating_loss: float) -> None:
        self._until, self._area, self._plating_loss = until, area, plating_loss

    @property
    def watches_rates(self) -> bool:
        """Return whether a limit is a derivative."""
        return self._until.voltage_rate is not None or self._until.current_rate is not None

    def counts_on(self, charge: float) -> bool:
        """Return whether a charge [C], yet to pass, is enough to meet a limit."""
        return self._until.charge is not None and charge >= self._until.charge

    def rate_error(self, length: float, parts: tuple[Floats, Floats, Floats]) -> float:
        """Return the error of the rates in a panel over what is allowed, from its last two coefficients."""
        return max((each.error for each in self._rates(length, *parts)), default=0.0)

    def _rates(self, length: float, voltage: Floats, current: Floats, density: Floats) -> list[_Rate]:
        """Return what a panel shows of each rate that is a limit."""
        until, found = self._until, []
        # What leaks is a difference of two currents, and has the round-off of both.
        largest = max(float(np.abs(current).max()), self._area * float(np.abs(density).max()))
        for reason, limit, values, scale in (
            (EndReason.VOLTAGE_RATE, until.voltage_rate, voltage, 1.0),
            (EndReason.CURRENT_RATE, until.current_rate, current, largest),
        ):
            if limit is None:
                continue
            rate, rest = SLOPES @ values / length, float(np.sum(np.abs(TO_COEFFICIENTS[-2:] @ values)))
            allowed = _RATE_TOLERANCE * max(limit, float(np.min(np.abs(rate))))
            error = 2.0 * ORDER**2 * rest / length / allowed if rest > _ROUND_OFF * scale else 0.0
            found.append(_Rate(reason, _ahead(rate, float(_START_SLOPE @ values)) - limit, error))
        return found

    def at_once(self, voltage: float, current: float) -> EndReason | None:
        """Return the limit met by voltage [V] and current [A] at the first instant, if any."""
        found = self.levels(np.array([voltage]), np.array([current]), current)
        return next((reason for reason, margin in found if margin[0] <= 0.0), None)

    def first(
        self, charge: float, anode: float, length: float, parts: tuple[Floats, Floats, Floats]
    ) -> tuple[float, EndReason] | None:
        """Return when [s] after its start a panel meets a limit, and which; nothing if it does not.

        charge [C] since the start of the step and lithium on the anode [C] at the start of the panel; its
        length [s]; parts: voltage [V], current [A] and current density through the cell
        [A/m2] at its nodes, all (ORDER,).
        """
        met: list[tuple[float, EndReason]] = []
        for reason, margin in self._margins(charge, anode, length, parts):
            if margin.min() > 0.0:
                continue
            met.append((_place(margin) * length, reason))
        return min(met, key=lambda each: each[0]) if met else None

    def levels(self, voltage: Floats, current: Floats, start: float) -> list[tuple[EndReason, Floats]]:
        """Return the margin of every limit on voltage [V] and current [A], all (n,); start [A]: at their start.

        No margin takes a magnitude: where the current changes its sign that is no polynomial.
        """
        until = self._until
        found: list[tuple[EndReason, Floats]] = []
        if until.lower is not None:
            found.append((EndReason.LOWER_VOLTAGE, voltage - until.lower))
        if until.upper is not None:
            found.append((EndReason.UPPER_VOLTAGE, until.upper - voltage))
        if until.smallest_current is not None:
            found.append((EndReason.SMALLEST_CURRENT, _ahead(current, start) - until.smallest_current))
        if until.largest_current is not None:
            found.append((EndReason.LARGEST_CURRENT, until.largest_current - current))
            found.append((EndReason.LARGEST_CURRENT, until.largest_current + current))
        return found

    def far(
        self, charge: float, anode: float, lengths: Floats, parts: tuple[Floats, Floats, Floats]
    ) -> NDArray[np.bool_]:
        """Return of each of some panels in a row whether its extremes alone show that it meets no limit.

        charge and anode as in `first`, at the start of the first; lengths [s] (k,), parts (k, ORDER).
        """
        until, (voltage, current, density) = self._until, parts
        free = np.full(len(lengths), not self.watches_rates)
        if until.smallest_current is not None:
            free &= current.min(axis=1) > until.smallest_current
            if not free.any():
                free |= current.max(axis=1) < -until.smallest_current
        if until.largest_current is not None:
            free &= np.abs(current).max(axis=1) < until.largest_current
        if until.charge is not None:
            most = np.cumsum(lengths * np.abs(current).max(axis=1))
            free &= abs(charge) + _OVERSHOOT * most < until.charge
        if until.lower is not None:
            free &= voltage.min(axis=1) > until.lower
        if until.upper is not None:
            free &= voltage.max(axis=1) < until.upper
        least = density.min(axis=1)
        if least.min() < 0.0:
            free &= anode > -self._area * _OVERSHOOT * np.cumsum(lengths * least)
        return free

    def _margins(
        self, charge: float, anode: float, length: float, parts: tuple[Floats, Floats, Floats]
    ) -> list[tuple[EndReason, Floats]]:
        until, (voltage, current, density) = self._until, parts
        found = self.levels(voltage, current, float(_START @ current))
        if until.charge is not None:
            passed = charge + length * (_INTEGRATED @ current)
            found.append((EndReason.CHARGE, until.charge - passed))
            found.append((EndReason.CHARGE, until.charge + passed))
        # A rate lost in round-off shows no limit.
        found += [(each.reason, each.margin) for each in self._rates(length, *parts) if each.error <= 1.0]
        if density.min() < 0.0:
            plated = density - self._plating_loss * np.maximum(density, 0.0)
            left = anode + self._area * length * (_INTEGRATED @ plated)
            if left[-1] < anode:
                found.append((EndReason.LIMITING_CURRENT, left))
        return found


def _ahead(values: Floats, start: float) -> Floats:
    """Return values (n,) counted positive on the side of 0 on which they start."""
    return values if start >= 0.0 else -values


def _place(margin: Floats) -> float:
    """Return where in a panel [-] a margin, given at the nodes, first vanishes."""
    after = int(np.argmax(margin <= 0.0))
    low, high = float(_PLACES[after]), float(_PLACES[after + 1])
    series, slopes = (TO_COEFFICIENTS @ margin).tolist(), (_SLOPE_COEFFICIENTS @ margin).tolist()
    first, last = _sum(series, low), _sum(series, high)
    if first <= 0.0:
        return low
    if last > 0.0:
        return high
    return root(
        lambda place: (_sum(series, place), _sum(slopes, place)), (low, first), (high, last), _PLACE_SETTLED
    )


def _sum(series: list[float], place: float) -> float:
    """Return a Legendre series at a place [-] in [0, 1], by Clenshaw's recurrence."""
    argument = 2.0 * place - 1.0
    ahead, further = 0.0, 0.0
    for order in range(len(series) - 1, 0, -1):
        ahead, further = (
            series[order]
            + (2 * order + 1) / (order + 1) * argument * ahead
            - (order + 1) / (order + 2) * further,
            ahead,
        )
    return series[0] + argument * ahead - 0.5 * further
