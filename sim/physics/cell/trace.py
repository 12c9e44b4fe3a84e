"""Voltage and current of a step as polynomials on panels of time: their integrals, values and crossings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS, WEIGHTS, interpolation, legendre_values

Floats = NDArray[np.float64]
History = Callable[[Floats], Floats]

_SAME_SAMPLE = 1e-6  # of the asked change: a crossing this close before a fixed sample is that sample
# A product of two polynomials of a panel is one of degree 2 ORDER - 2, found from its values at Gauss nodes.
_FINE, _FINE_WEIGHTS = legendre.leggauss(2 * ORDER - 1)
_TO_FINE = interpolation(0.5 * (_FINE + 1.0)).T
_FINE_COEFFICIENTS = (
    legendre.legvander(_FINE, 2 * ORDER - 2) * _FINE_WEIGHTS[:, None] * (np.arange(2 * ORDER - 1) + 0.5)
)
# The integral from -1 of each Legendre polynomial, as a series of them.
_INTEGRALS = legendre.legint(np.eye(2 * ORDER - 1), lbnd=-1.0)


class Trace:
    """Hold voltage [V] and current [A] at the nodes of panels that follow one another from 0.

    charge [C] and energy [J] are those passed by the end, voltage and current between nodes are polynomials.
    """

    def __init__(self, lengths: Floats, voltage: Floats, current: Floats) -> None:
        """Keep panels: lengths [s] (k,), voltage and current at the nodes (k, ORDER)."""
        self._lengths = lengths
        self._node_voltage, self._node_current = voltage, current
        # Radau quadrature on ORDER nodes is exact for the product of two polynomials of a panel.
        self.charge = float(lengths @ (current @ WEIGHTS))
        self.energy = float(lengths @ ((voltage * current) @ WEIGHTS))

    @property
    def ends(self) -> tuple[float, float]:
        """Return voltage [V] and current [A] at the last instant, which is a node."""
        return float(self._node_voltage[-1, -1]), float(self._node_current[-1, -1])

    @cached_property
    def _starts(self) -> Floats:
        return np.concatenate(([0.0], np.cumsum(self._lengths)[:-1]))

    @cached_property
    def _voltage(self) -> Floats:
        return np.asarray(self._node_voltage @ TO_COEFFICIENTS.T)

    @cached_property
    def _current(self) -> Floats:
        return np.asarray(self._node_current @ TO_COEFFICIENTS.T)

    @cached_property
    def _charges(self) -> tuple[Floats, Floats]:
        return self._integrated(self._current)

    @cached_property
    def _energies(self) -> tuple[Floats, Floats]:
        power = (self._node_voltage @ _TO_FINE) * (self._node_current @ _TO_FINE) @ _FINE_COEFFICIENTS
        return self._integrated(power)

    def _integrated(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Return the integrals as series, and their values at the borders of the panels (k + 1,)."""
        count = coefficients.shape[1]
        series = coefficients @ _INTEGRALS[: count + 1, :count].T
        series *= 0.5 * self._lengths[:, None]
        return series, np.concatenate(([0.0], np.cumsum(self._lengths * coefficients[:, 0])))

    def _places(self, times: Floats) -> tuple[NDArray[np.intp], Floats]:
        panel = np.maximum(np.searchsorted(self._starts, times, side="right") - 1, 0)
        return panel, 2.0 * (times - self._starts[panel]) / self._lengths[panel] - 1.0

    def _values(self, times: Floats, coefficients: Floats) -> Floats:
        panel, place = self._places(times)
        return np.asarray(np.einsum("ij,ij->i", legendre_values(place, ORDER), coefficients[panel]))

    def voltage(self, times: Floats) -> Floats:
        """Return the voltage [V] at times [s] (n,)."""
        return self._values(times, self._voltage)

    def current(self, times: Floats) -> Floats:
        """Return the current [A] at times [s] (n,)."""
        return self._values(times, self._current)

    def counters(self, times: Floats) -> tuple[Floats, Floats]:
        """Return charge [C] and energy [J] passed since 0 at times [s] (n,)."""
        panel, place = self._places(times)
        (charges, charge_before), (energies, energy_before) = self._charges, self._energies
        known = legendre_values(place, energies.shape[1])
        charge = np.einsum("ij,ij->i", known[:, : charges.shape[1]], charges[panel])
        energy = np.einsum("ij,ij->i", known, energies[panel])
        return charge_before[panel] + charge, energy_before[panel] + energy

    def discharged(self) -> float:
        """Return the charge [C] that left, as a positive number."""
        leaving = np.maximum(-self._node_current, 0.0) @ WEIGHTS
        return float(self._lengths @ leaving)

    def nodes(self) -> Floats:
        """Return all nodes [s], ascending."""
        return np.asarray((self._starts[:, None] + self._lengths[:, None] * NODES).ravel())


def crossings(history: History, nodes: Floats, fixed: Floats, change: float) -> Floats:
    """Return the times [s] at which a history has moved by a change since the sample before.

    nodes [s] resolve the history; fixed [s] (n,), ascending, are samples taken anyway, the first at 0: each
    is a new reference, and so is each crossing. change [unit of the history] > 0.
    """
    times = np.union1d(nodes[nodes <= fixed[-1]], fixed)
    brackets = _bracket_changes(times, history(times), np.isin(times, fixed), change)
    if not brackets:
        return np.empty(0)
    low, high, levels = np.array(brackets).T

    def distance(time: Floats, level: Floats) -> Floats:
        return history(time) - level

    # Slow to import: a session opens without.
    from scipy.optimize import elementwise

    found = elementwise.find_root(distance, (low, high), args=(levels,))
    if not np.all(found.success):
        raise ArithmeticError(f"{np.sum(~found.success)} level crossings were bracketed and not found")
    return np.asarray(found.x, dtype=np.float64)


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
