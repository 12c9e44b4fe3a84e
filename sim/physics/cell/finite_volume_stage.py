"""One implicit stage of a film with its double layers: Newton on everything at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from sim.physics.cell.control import Control
from sim.physics.cell.data import CellParameters
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.ocp import thermal_voltage

Floats = NDArray[np.float64]

_NEWTON_STEPS = 30
_LARGEST_STEP = 0.1  # V, of the surface's potential
_CONVERGED = 1e-11  # V and fractions: Newton's last step, whose error is its square
_LOWEST, _HIGHEST = -8.0, 14.0  # V: potentials of the surface an iteration may visit; fractions are > 0 there


class Dependence(Protocol):
    """Say how the diffusivity depends on x: D(z, x) = D(z) factor(x)."""

    def factor(self, lithium: Floats) -> Floats:
        """Return the factor [-] at x [-], of any shape; positive."""

    def integral(self, lithium: Floats) -> Floats:
        """Return the integral of the factor over x, of any shape; its start does not matter."""


@dataclass(frozen=True)
class Exponential:
    """Let the diffusivity change by exp(-steepness (x - 0.5) / 0.5); 0 is no dependence."""

    steepness: float = 0.0

    def factor(self, lithium: Floats) -> Floats:
        """Return the factor [-] at x [-], of any shape."""
        return np.exp(-2.0 * self.steepness * (lithium - 0.5))

    def integral(self, lithium: Floats) -> Floats:
        """Return the integral of the factor over x from 0.5, of any shape."""
        if self.steepness == 0.0:
            return lithium - 0.5
        return np.asarray(-np.expm1(-2.0 * self.steepness * (lithium - 0.5)) / (2.0 * self.steepness))


@dataclass(frozen=True, eq=False)
class Moment:
    """Hold everything at one instant.

    lithium [-] (n,); potential [V] of the surface; cathode, anode [V] overpotentials; faradaic [A/m2] through
    the interface of the film; density [A/m2] through the cell; voltage [V] and current [A] at the terminals.
    """

    lithium: Floats
    potential: float
    cathode: float
    anode: float
    faradaic: float
    density: float
    voltage: float
    current: float


class StageError(ArithmeticError):
    """Newton's method found no solution."""


class StageSolver:
    """Solve (y - base) / step = f(y) under a control, for the film and both double layers.

    a w (x - base) / step = differences of g (F(x_j+1) - F(x_j)) - i_F / active [at the surface],
    F(x_s) = F(x_1) - r i_F / active, F the integral of the dependence of D on x,
    C_c d(U(x_s) + eta_c) / dt = i - i_F, C_a d eta_a / dt = i - 2 i0_a sinh(F eta_a / 2 R T), and the control.
    The unknowns are x (n,), the potential of the surface, i_F, eta_a and i: a tridiagonal block with a border
    of four.
    """

    def __init__(self, parameters: CellParameters, film: PlanarFilm, dependence: Dependence) -> None:
        self._parameters, self._film, self._dependence = parameters, film, dependence
        self._double = 2.0 * thermal_voltage(parameters.ocp.temperature)

    def solve(
        self, base: Moment, guess: Moment, faces: Interfaces, control: Control, time: float, step: float
    ) -> Moment:
        """Return the moment at a time [s] a step [s] after a base, from a guess.

        Raises StageError where there is none.
        """
        lithium, small = (
            guess.lithium,
            np.array([guess.potential, guess.faradaic, guess.anode, guess.density]),
        )
        for _ in range(_NEWTON_STEPS):
            _, jacobian, missing = self._border(base, lithium, small, faces, control, time, step)
            free, pulled = self._film_step(base, lithium, float(small[1]), faces.active, step)
            slope = float(self._dependence.factor(lithium[:1])[0])
            missing[0] -= slope * free[0]
            jacobian[0, 1] += slope * pulled[0]
            try:
                change = np.linalg.solve(jacobian, -missing)
            except np.linalg.LinAlgError as error:
                raise StageError from error
            if not np.all(np.isfinite(change)):
                raise StageError
            share = min(1.0, _LARGEST_STEP / max(abs(float(change[0])), abs(float(change[2])), 1e-300))
            moved = share * (free - pulled * change[1])
            lithium, small = lithium + moved, small + share * change
            if not _LOWEST < small[0] < _HIGHEST or not np.all((lithium > -1.0) & (lithium < 2.0)):
                raise StageError
            largest = max(abs(float(change[0])), abs(float(change[2])), float(np.max(np.abs(moved))))
            if largest < _CONVERGED:
                return self._border(base, lithium, small, faces, control, time, step)[0]
        raise StageError

    def _film_step(
        self, base: Moment, lithium: Floats, faradaic: float, active: float, step: float
    ) -> tuple[Floats, Floats]:
        """Return Newton's step of the film at a fixed current, and what each A/m2 takes from it, (n,)."""
        film = self._film
        factor, integral = self._dependence.factor(lithium), self._dependence.integral(lithium)
        flux = film.conductance * np.diff(integral)
        missing = film.amounts * (lithium - base.lithium) / step
        missing[:-1] -= flux
        missing[1:] += flux
        missing[0] += faradaic / active
        bands = np.zeros((3, lithium.size))
        bands[1] = film.amounts / step
        bands[1, :-1] += film.conductance * factor[:-1]
        bands[1, 1:] += film.conductance * factor[1:]
        bands[0, 1:] = -film.conductance * factor[1:]
        bands[2, :-1] = -film.conductance * factor[:-1]
        pull = np.zeros_like(missing)
        pull[0] = 1.0 / active
        both = solve_banded((1, 1), bands, np.stack((-missing, pull), axis=1), check_finite=False)
        return both[:, 0], both[:, 1]

    def _border(
        self,
        base: Moment,
        lithium: Floats,
        small: Floats,
        faces: Interfaces,
        control: Control,
        time: float,
        step: float,
    ) -> tuple[Moment, Floats, Floats]:
        """Return the moment, the border's Jacobian (4, 4) at fixed film, and what is missing (4,)."""
        potential, faradaic, anode, density = small.tolist()
        parameters, dependence = self._parameters, self._dependence
        (x,), (vacancy,), (filling,) = faces.ocp.filling(np.array([potential]))
        exchange = 4.0 * faces.cathode_exchange * math.sqrt(x * vacancy)
        driven = faradaic / faces.active / exchange
        cathode = self._double * math.asinh(driven)
        steep = self._double / math.sqrt(1.0 + driven**2)
        by_potential = -steep * driven * 0.5 * filling * (1.0 / x - 1.0 / vacancy)
        by_faradaic = steep / (faces.active * exchange)
        backward = 2.0 * faces.anode_exchange
        voltage = potential + cathode + anode + faces.resistance * density
        leak = faces.leak_conductance
        area = parameters.area
        current = area * (density + leak * voltage)
        astray, by_voltage, by_current = (
            float(np.ravel(each)[0])
            for each in control.residual(np.array([voltage]), np.array([current]), np.array([time]))
        )
        along = by_voltage + by_current * area * leak
        front, back = parameters.cathode_capacitance / step, parameters.anode_capacitance / step
        resisting = self._film.surface_resistance / faces.active
        ends = dependence.integral(np.array([x, float(lithium[0])]))
        missing = np.array(
            [
                float(ends[0] - ends[1]) + resisting * faradaic,
                front * (potential + cathode - base.cathode) + faradaic - density,
                back * (anode - base.anode) + backward * math.sinh(anode / self._double) - density,
                astray,
            ]
        )
        slope = float(dependence.factor(np.array([x]))[0])
        charging = backward / self._double * math.cosh(anode / self._double)
        jacobian = np.array(
            [
                [slope * filling, resisting, 0.0, 0.0],
                [front * (1.0 + by_potential), front * by_faradaic + 1.0, 0.0, -1.0],
                [0.0, 0.0, back + charging, -1.0],
                [
                    along * (1.0 + by_potential),
                    along * by_faradaic,
                    along,
                    along * faces.resistance + by_current * area,
                ],
            ]
        )
        found = Moment(lithium, potential, potential + cathode, anode, faradaic, density, voltage, current)
        return found, jacobian, missing
