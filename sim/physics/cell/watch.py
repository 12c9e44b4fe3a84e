"""Find the first instant at which a step meets one of its limits."""

from __future__ import annotations

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
_INTEGRATED: Floats = (
    0.5 * legendre.legval(2.0 * NODES - 1.0, legendre.legint(np.eye(ORDER), lbnd=-1.0)).T @ TO_COEFFICIENTS
)


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

    def rate_error(self, length: float, voltage: Floats, current: Floats) -> float:
        """Return the error of the rates in a panel over what is allowed, from its last two coefficients."""
        until, errors = self._until, [0.0]
        noise = (_ROUND_OFF, _ROUND_OFF * float(np.max(np.abs(current))))
        for limit, values, least in zip(
            (until.voltage_rate, until.current_rate), (voltage, current), noise, strict=True
        ):
            rest = float(np.sum(np.abs(TO_COEFFICIENTS[-2:] @ values)))
            if limit is not None and rest > least:
                smallest = max(limit, float(np.min(np.abs(SLOPES @ values))) / length)
                errors.append(2.0 * ORDER**2 * rest / length / (_RATE_TOLERANCE * smallest))
        return max(errors)

    def at_once(self, voltage: float, current: float) -> EndReason | None:
        """Return the limit met by voltage [V] and current [A] at the first instant, if any."""
        found = self.levels(np.array([voltage]), np.array([current]))
        return next((reason for reason, margin in found if margin[0] <= 0.0), None)

    def first(
        self, charge: float, anode: float, length: float, parts: tuple[Floats, Floats, Floats]
    ) -> tuple[float, EndReason] | None:
        """Return when [s] after its start a panel meets a limit, and which; nothing if it does not.

        charge [C] since the start of the step and lithium on the anode [C] at the start of the panel; its
        length [s]; parts: voltage [V], current [A] and current density through the cell
        [A/m2] at its nodes, all (ORDER,).
        """
        voltage, current, density = parts
        met: list[tuple[float, EndReason]] = []
        for reason, margin in self._margins(charge, anode, length, voltage, current, density):
            if margin.min() > 0.0:
                continue
            met.append((_place(margin) * length, reason))
        return min(met, key=lambda each: each[0]) if met else None

    def levels(self, voltage: Floats, current: Floats) -> list[tuple[EndReason, Floats]]:
        """Return the margin of every limit on voltage [V] and current [A], all (n,)."""
        until = self._until
        found: list[tuple[EndReason, Floats]] = []
        if until.lower is not None:
            found.append((EndReason.LOWER_VOLTAGE, voltage - until.lower))
        if until.upper is not None:
            found.append((EndReason.UPPER_VOLTAGE, until.upper - voltage))
        if until.smallest_current is not None:
            found.append((EndReason.SMALLEST_CURRENT, np.abs(current) - until.smallest_current))
        if until.largest_current is not None:
            found.append((EndReason.LARGEST_CURRENT, until.largest_current - np.abs(current)))
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
        self,
        charge: float,
        anode: float,
        length: float,
        voltage: Floats,
        current: Floats,
        density: Floats,
    ) -> list[tuple[EndReason, Floats]]:
        until = self._until
        found = self.levels(voltage, current)
        if until.charge is not None:
            passed = charge + length * (_INTEGRATED @ current)
            found.append((EndReason.CHARGE, until.charge - np.abs(passed)))
        if until.voltage_rate is not None:
            found.append((EndReason.VOLTAGE_RATE, np.abs(SLOPES @ voltage) / length - until.voltage_rate))
        if until.current_rate is not None:
            found.append((EndReason.CURRENT_RATE, np.abs(SLOPES @ current) / length - until.current_rate))
        if density.min() < 0.0:
            plated = density - self._plating_loss * np.maximum(density, 0.0)
            left = anode + self._area * length * (_INTEGRATED @ plated)
            if left[-1] < anode:
                found.append((EndReason.LIMITING_CURRENT, left))
        return found


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
