"""The linear heat engine that knows its modes: exact in time, a whole train in closed form."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

from sim.physics.heat.engines import Drive, March, Train, balance
from sim.physics.heat.medium import REFERENCE
from sim.physics.heat.stack import Environment, Stack
from sim.physics.heat.stepping import LinearStack

Array = NDArray[np.float64]

BLOCK = 128  # pulses looked at together: bounds the memory, whatever the train's length
SMALL = 1e-3  # of rate times duration, below which a series replaces a difference of near equals


class ModalEngine:
    """Solve heat with constant properties exactly in time, for a power that is constant in each step.

    With y = C^(1/2) u the system is symmetric: dy/dt = -A y + C^(-1/2) (s P + a), and A = Q diag(rates) Q^T by
    eigh_tridiagonal. The rates are taken from Q once more, as sums of squares over the faces: eigh_tridiagonal
    knows the slowest to 1e-7 only, since the fastest is 1e9 times larger, and the energy balance needs 1e-10.
    Raises NotLinear as LinearStack does.
    """

    def __init__(self, stack: Stack, environment: Environment) -> None:
        self.stack, self.environment = stack, environment
        self.linear = LinearStack(stack, environment)
        root = self.linear.capacity**0.5
        faces = self.linear.faces
        across = -faces / (root[:-1] * root[1:])
        modes: Array = np.array(
            eigh_tridiagonal(self.linear.diagonal / self.linear.capacity, across)[1], dtype=np.float64
        )
        self.shapes: Array = np.asarray(modes / root[:, None])  # u of each mode, (n, n)
        self.weights: Array = (modes * root[:, None]).T  # mode amplitudes are weights @ u
        self.rates: Array = (
            faces @ np.diff(self.shapes, axis=0) ** 2
            + environment.front.transfer * self.shapes[0] ** 2
            + environment.back.transfer * self.shapes[-1] ** 2
        )

    def march(self, enthalpy: Array, drive: Drive) -> March:
        """Advance from enthalpy (n,) [J m-3] over the steps of a drive. Raises EnergyGate, OutsideTable."""
        start = self.weights @ self.linear.warmth(enthalpy)
        own, _ = self._forced(drive)
        amplitudes = own + np.exp(-np.multiply.outer(drive.times - drive.times[0], self.rates)) * start
        rows = amplitudes @ self.shapes.T
        enthalpies = self.linear.enthalpy(rows)
        lost = self._lost(drive, start, 1)
        imbalance = balance(self.stack, enthalpies[0], enthalpies[-1], drive.absorbed, lost)
        return March(drive.times, enthalpies, rows + REFERENCE, drive.absorbed, lost, imbalance)

    def train(
        self, enthalpy: Array, cycle: Drive, pulses: int, probes: Array, *, history: bool = False
    ) -> Train:
        """Repeat a cycle in closed form; see Engine.

        With r = exp(-rate P) and f what one cycle adds, pulse k starts at r^k start + f (1 - r^k) / (1 - r); all
        moments of a block of pulses are then one matrix product for each probe.
        """
        start = self.weights @ self.linear.warmth(enthalpy)
        own, added = self._forced(cycle)
        decay = np.exp(-np.multiply.outer(cycle.times - cycle.times[0], self.rates))
        seen = probes @ self.shapes
        highest = np.full(len(probes), -np.inf)
        bases, peaks = [], []
        for first in range(0, pulses, BLOCK):
            begun = self._starts(cycle, start, added, np.arange(float(first), min(first + BLOCK, pulses)))
            at_probes = [(decay * probe) @ begun.T + (own @ probe)[:, None] for probe in seen]
            peak = np.array([values.max(axis=0) for values in at_probes]) + REFERENCE
            highest = np.maximum(highest, peak.max(axis=1))
            if history:
                peaks.append(peak.T)
                bases.append(begun @ seen.T + REFERENCE)
        end = self.linear.enthalpy(
            self.shapes @ self._starts(cycle, start, added, np.array([float(pulses)]))[0]
        )
        absorbed, lost = pulses * cycle.absorbed, self._lost(cycle, start, pulses)
        return Train(
            end=end,
            highest=highest,
            absorbed=absorbed,
            lost=lost,
            imbalance=balance(self.stack, enthalpy, end, absorbed, lost),
            bases=np.concatenate(bases) if history else None,
            peaks=np.concatenate(peaks) if history else None,
        )

    def _forced(self, drive: Drive) -> tuple[Array, Array]:
        """Return amplitudes (m + 1, n) from a cold start at each time of a drive, and those at its end (n,)."""
        steps = np.diff(drive.times)
        reach = np.multiply.outer(steps, self.rates)
        decay, growth = (
            np.exp(-reach),
            (self.linear.gains(drive) @ self.shapes) * _mean_decay(reach) * steps[:, None],
        )
        own = np.zeros((len(drive.times), len(self.rates)))
        for step in range(len(steps)):
            own[step + 1] = decay[step] * own[step] + growth[step]
        return own, own[-1]

    def _starts(self, cycle: Drive, start: Array, added: Array, pulses: Array) -> Array:
        """Return amplitudes (k, n) before pulses (k,), counted from 0."""
        reach = self.rates * (cycle.times[-1] - cycle.times[0])
        passed = np.multiply.outer(pulses, reach)
        cycles = pulses[:, None] * _mean_decay(passed) / _mean_decay(reach)
        return np.asarray(np.exp(-passed) * start + cycles * added)

    def _lost(self, cycle: Drive, start: Array, pulses: int) -> float:
        """Return the energy [J m-2] lost on both sides over a train, exact.

        The time integral of a mode's amplitude a over a step of rate l is the same mean decay of a, plus the
        share of the gain that has had time to act. Summed over cycles, the geometric series is linear in f.
        """
        steps = np.diff(cycle.times)
        own, added = self._forced(cycle)
        reach = np.multiply.outer(steps, self.rates)
        gains = self.linear.gains(cycle) @ self.shapes
        forced = (
            own[:-1] * _mean_decay(reach) * steps[:, None] + gains * _delayed(reach) * steps[:, None] ** 2
        ).sum(axis=0)
        period = float(steps.sum())
        starts = sum(
            self._starts(cycle, start, added, np.arange(float(first), min(first + BLOCK, pulses))).sum(axis=0)
            for first in range(0, pulses, BLOCK)
        )
        integral = pulses * forced + starts * _mean_decay(self.rates * period) * period
        front, back = self.environment.front, self.environment.back
        chuck = (
            (back.temperature - REFERENCE) * period
            if cycle.chuck is None
            else float(steps @ (cycle.chuck - REFERENCE))
        )
        air = (front.temperature - REFERENCE) * period
        return float(
            front.transfer * (self.shapes[0] @ integral - pulses * air)
            + back.transfer * (self.shapes[-1] @ integral - pulses * chuck)
        )


def _mean_decay(reach: Array) -> Array:
    """Return (1 - exp(-x)) / x, the mean of exp(-x t) over t from 0 to 1, for x >= 0."""
    safe = np.where(reach > 0.0, reach, 1.0)
    return np.where(reach > 0.0, -np.expm1(-safe) / safe, 1.0)


def _delayed(reach: Array) -> Array:
    """Return (x - 1 + exp(-x)) / x^2, for x >= 0; 1/2 where x is 0."""
    safe = np.where(reach > SMALL, reach, 1.0)
    series = 0.5 - reach / 6.0 + reach**2 / 24.0 - reach**3 / 120.0
    return np.where(reach > SMALL, (safe + np.expm1(-safe)) / safe**2, series)
