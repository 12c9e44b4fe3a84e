"""The linear heat engine that steps: TR-BDF2 with one tridiagonal factorisation for each size of step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import daxpy, ddot
from scipy.linalg.lapack import dpttrf, dpttrs

from sim.physics.heat.engines import GAMMA, STAGE, Drive, March, Train, balance, by_marching, lost_by
from sim.physics.heat.errors import NotConverged, NotLinear, OutsideTable
from sim.physics.heat.medium import COLDEST, HOTTEST, REFERENCE
from sim.physics.heat.stack import Environment, Stack

Array = NDArray[np.float64]

MOST_FACTORS = 1000  # kept; a train needs about 100, looks at odd times would gather without end
STIFF = 1e6  # of step times fastest rate: times round-off and the film's share of the heat it is 1e-12
DIGITS = 12  # of a step's size: steps that differ by round-off share one factorisation


class LinearStack:
    """Hold a stack as C du/dt = -G u + s P + a, with u = T - 298.15 K, C diagonal and G tridiagonal.

    capacity C (n,) [J m-2 K-1]; diagonal (n,) and faces (n - 1,) of G [W m-2 K-1], the latter positive.
    Raises NotLinear for properties or losses that depend on temperature.
    """

    def __init__(self, stack: Stack, environment: Environment) -> None:
        for layer in stack.layers:
            if not layer.medium.is_linear or layer.medium.melting is not None:
                raise NotLinear(f"{layer.medium.name} depends on temperature; use Stack.linearised")
        if environment.front.emissivity or environment.back.emissivity:
            raise NotLinear("emissivity must be 0 in a linear engine; use Environment.linearised")
        self.stack, self.environment = stack, environment
        self.slope = np.empty(len(stack.widths))
        resistance = np.empty(len(stack.widths))
        for part, layer in zip(stack.parts, stack.layers, strict=True):
            self.slope[part] = layer.medium.temperature_slopes[0]
            resistance[part] = 0.5 * stack.widths[part] / layer.medium.conductivities[0]
        self.capacity: Array = stack.widths / self.slope
        self.faces: Array = 1.0 / (resistance[:-1] + resistance[1:])
        self.diagonal = np.zeros(len(stack.widths))
        self.diagonal[:-1] += self.faces
        self.diagonal[1:] += self.faces
        self.diagonal[0] += environment.front.transfer
        self.diagonal[-1] += environment.back.transfer

    def warmth(self, enthalpy: Array) -> Array:
        """Return u [K] (..., n) for enthalpies [J m-3] (..., n)."""
        return np.asarray(enthalpy * self.slope)

    def enthalpy(self, warmth: Array) -> Array:
        """Return enthalpies [J m-3] (..., n) for u [K] (..., n). Raises OutsideTable beyond 200 to 2500 K."""
        if not (warmth.min() >= COLDEST - REFERENCE and warmth.max() <= HOTTEST - REFERENCE):
            raise OutsideTable(f"the stack leaves the range from {COLDEST:g} to {HOTTEST:g} K")
        return np.asarray(warmth / self.slope)

    def gains(self, drive: Drive) -> Array:
        """Return what comes in from the lamp and both surroundings in each step (m, n) [W m-2]."""
        gains = np.multiply.outer(drive.power, drive.shares)
        front, back = self.environment.front, self.environment.back
        gains[:, 0] += front.transfer * (front.temperature - REFERENCE)
        chuck = back.temperature if drive.chuck is None else drive.chuck
        gains[:, -1] += back.transfer * (chuck - REFERENCE)
        return gains


class SteppingEngine:
    """Solve heat with constant properties by steps; second order and L-stable in time.

    Cost is linear in cells, steps and pulses. With y = C^(1/2) u the equation is dy/dt = -S y + g, and TR-BDF2 takes
    a step dt from its rate r = g - S y alone, with t = gamma dt / 2:

        p = 2 STAGE (1 + t S)^-1 r,  q = (1 + t S)^-1 (p + r);  y grows by t q, and the next rate is q - p.

    Round-off in a stiff film spoils both solutions by t S, and the energy balance would be good to 1e-8 only; beyond
    STIFF it is put right.
    Raises NotLinear as LinearStack does.
    """

    def __init__(self, stack: Stack, environment: Environment) -> None:
        self.stack, self.environment = stack, environment
        self.linear = linear = LinearStack(stack, environment)
        self._root: Array = linear.capacity**0.5
        self._diagonal: Array = linear.diagonal / linear.capacity
        self._below: Array = -linear.faces / (self._root[:-1] * self._root[1:])
        self._factors: dict[float, _Factor] = {}

    def march(self, enthalpy: Array, drive: Drive) -> March:
        """Advance from enthalpy (n,) [J m-3] over the steps of a drive. Raises EnergyGate, OutsideTable."""
        steps = _rounded(np.diff(drive.times))
        warmth = self.linear.warmth(enthalpy)
        stages, ends = self._rates(warmth, steps, self.linear.gains(drive))
        ends *= 0.5 * GAMMA * steps[:, None]
        rows = np.empty((len(drive.times), len(warmth)))
        rows[0] = warmth * self._root
        np.cumsum(ends, axis=0, out=rows[1:])
        rows[1:] += rows[0]
        outer = [0, -1]
        middles = rows[:-1, outer] + (GAMMA / (2.0 * STAGE) * steps)[:, None] * stages[:, outer]
        middles /= self._root[outer]
        rows /= self._root
        enthalpies, temperatures = self.linear.enthalpy(rows), rows + REFERENCE
        lost = lost_by(self.environment, steps, temperatures, middles + REFERENCE, drive.chuck)
        absorbed = float(steps @ drive.power * drive.shares.sum())
        imbalance = balance(self.stack, enthalpies[0], enthalpies[-1], absorbed, lost)
        return March(drive.times, enthalpies, temperatures, absorbed, lost, imbalance)

    def train(
        self, enthalpy: Array, cycle: Drive, pulses: int, probes: Array, *, history: bool = False
    ) -> Train:
        """Repeat a cycle; see Engine."""
        return by_marching(self, enthalpy, cycle, pulses, probes, history)

    def _rates(self, warmth: Array, steps: Array, gains: Array) -> tuple[Array, Array]:
        """Return p and q (m, n) of each step, from u (n,) [K], steps (m,) [s] and gains (m, n) [W m-2]."""
        stages, ends = np.empty_like(gains), np.empty_like(gains)
        entering = gains / self._root
        changes = np.diff(entering, axis=0, append=entering[-1:])
        changed = np.any(changes != 0.0, axis=1)
        rate, root, before = self._rate(warmth, gains[0]), self._root, None
        for step, dt in enumerate(steps.tolist()):
            at_stage, at_end, below, balanced = self._factors.get(dt) or self._factor(dt)
            if balanced is not None and before is None:
                # What was rounded off large rates while the lamp was on is much for the small ones that follow.
                risen = 0.5 * GAMMA * (steps[:step] @ ends[:step]) / root
                rate = self._rate(warmth + risen, gains[step])
            before = balanced
            stage = dpttrs(at_stage, below, rate)[0]
            if balanced is not None:
                missing = 2.0 * STAGE * ddot(root, rate) - ddot(balanced.weights, stage)
                stage = daxpy(balanced.spread, stage, a=missing)
            stages[step] = stage
            rate += stage
            end = dpttrs(at_end, below, rate)[0]
            if balanced is not None:
                missing = ddot(root, rate) - ddot(balanced.weights, end)
                end = daxpy(balanced.spread, end, a=missing)
            ends[step] = end
            rate = end - stage
            if changed[step]:
                rate += changes[step]
        return stages, ends

    def _rate(self, warmth: Array, gain: Array) -> Array:
        """Return dy/dt (n,) at u (n,) [K] with gain (n,) [W m-2], from fluxes that cancel to the last digit."""
        rate = gain.copy()
        flux = self.linear.faces * (warmth[1:] - warmth[:-1])
        rate[:-1] += flux
        rate[1:] -= flux
        rate[0] -= self.environment.front.transfer * warmth[0]
        rate[-1] -= self.environment.back.transfer * warmth[-1]
        return np.asarray(rate / self._root)

    def _factor(self, dt: float) -> _Factor:
        """Factorise 1 + gamma dt / 2 S, shared by both stages of every step of this size."""
        reach = 0.5 * GAMMA * dt
        diagonal, below, info = dpttrf(1.0 + reach * self._diagonal, reach * self._below)
        if info != 0:
            raise NotConverged(f"the matrix of a step of {dt:.3g} s is not positive definite")
        balanced = None
        if reach * float(self._diagonal.max()) > STIFF:
            weights = self._root.copy()
            weights[0] += reach * self.environment.front.transfer / self._root[0]
            weights[-1] += reach * self.environment.back.transfer / self._root[-1]
            balanced = _Balanced(weights, self._root / float(weights @ self._root))
        if len(self._factors) >= MOST_FACTORS:
            self._factors.clear()
        self._factors[dt] = (diagonal / (2.0 * STAGE), diagonal, below, balanced)
        return self._factors[dt]


@dataclass(frozen=True, eq=False)
class _Balanced:
    """Hold what puts the energy of a solution right.

    What cells exchange among one another vanishes in the sum over C^(1/2): so weights (n,) @ solution must be
    C^(1/2) @ right side; spread (n,) shares out what is missing, as an even warming.
    """

    weights: Array
    spread: Array


_Factor = tuple[Array, Array, Array, _Balanced | None]
"""L D L^T of one size of step: D over 2 STAGE, which gives p at once; D, which gives q; L; the balance if stiff."""


def _rounded(steps: Array) -> Array:
    """Return steps [s] to DIGITS digits."""
    scale = 10.0 ** (DIGITS - 1 - np.floor(np.log10(steps)))
    return np.asarray(np.round(steps * scale) / scale)
