"""What holds at the nodes of a panel: diffusion, the interfaces and the control, solved together."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgesv, dgetrs

from sim.physics.cell.control import Control, Current, Resistance, Voltage
from sim.physics.cell.data import SURFACE_MARGIN
from sim.physics.cell.interfaces import Drop, Interfaces
from sim.physics.cell.panels import NODES, interpolation

Floats = NDArray[np.float64]

_NEWTON_STEPS = 25
_LARGEST_STEP = 0.15  # V
_CURVED = 0.01  # V: Newton's next step is about the square of a step over this
_CLOSE = 1e-2  # V: after a step below this the matrix serves again,
_WORTH = 0.2  # of the step before: as long as steps shrink at least so much
_UNSEEN = 5e-8  # of the overpotential: what may be left of it
_ROUND_OFF = 1e-13  # V
_AT_ONCE = 1e-7  # V: at one instant; the next step would be lost in round-off
_LOWEST, _HIGHEST = -8.0, 14.0  # V: potentials of the surface an iteration may visit; fractions are > 0 there


class Solved(NamedTuple):
    """Hold a panel that has been solved, all at its nodes (ORDER,).

    potential [V] of the surface; density [A/m2] through the cell; voltage [V] and current [A] at the
    terminals, the leak included.
    """

    length: float
    potential: Floats
    density: Floats
    voltage: Floats
    current: Floats

    def shortened(self, length: float) -> Solved:
        """Return its first part of a length [s]."""
        values = np.array(self[1:]) @ interpolation(length / self.length * NODES).T
        return Solved(length, *values)


class _Tangent(NamedTuple):
    """Hold the equations of a panel made linear, their matrix factored.

    turn [A/m2/V]: what a rise of the potential takes off the density; by_density: how what the control misses
    changes with the density.
    """

    factors: Floats
    pivots: NDArray[np.int32]
    turn: Floats
    by_density: Floats

    def solve(self, through: Floats, astray: Floats, missing: Floats) -> tuple[Floats, Floats]:
        """Return the steps of potential [V] and density [A/m2]."""
        offset = missing / self.by_density
        step, _ = dgetrs(self.factors, self.pivots, astray - through @ offset)
        return step, offset + self.turn * step


class NoSolutionError(ArithmeticError):
    """The control asks for what the cell cannot give at this instant."""


def is_exact(control: Control, interfaces: Interfaces) -> TypeGuard[Current]:
    """Return whether the current is constant, so that a step of any length is exact."""
    return isinstance(control, Current) and control.rate == 0.0 and interfaces.leak_conductance == 0.0


class Collocation:
    """Solve for the current at the nodes of panels, between which it is a polynomial and diffusion is exact.

    At every node the unknowns are the potential U of the surface and the density j:

        x(U) = what diffusion makes of j,        control(V(U, j), j) = 0;

    Newton's method on both, with all nodes at once. It cannot leave the film, as x(U) is within (0, 1) for
    every U.
    """

    def __init__(self, interfaces: Interfaces, area: float, surface_resistance: float) -> None:
        """Take the interfaces, the area [m2], and how x [-] at the surface at once follows a density [m2/A]."""
        self._interfaces, self._area, self._surface_resistance = interfaces, area, surface_resistance

    def instant(self, resting: float, control: Control, time: float) -> Solved:
        """Return voltage and current at a time [s], where x at the surface is resting [-] without a current.

        Arrays of one number. Raises NoSolutionError.
        """
        if is_exact(control, self._interfaces):
            return self.constant(0.0, np.array([resting]), -self._surface_resistance, control)
        faces, area = self._interfaces, self._area
        gain, leak = -self._surface_resistance / faces.active, area * faces.leak_conductance
        potential = float(faces.ocp.potential(min(max(resting, SURFACE_MARGIN), 1.0 - SURFACE_MARGIN)))
        density = 0.0  # from which a power is approached on its branch of small currents
        for _ in range(_NEWTON_STEPS):
            drop = faces.at_point(potential, density)
            missing, by_voltage, by_current = control.residual(
                drop.voltage, area * density + leak * drop.voltage, time
            )
            along = by_voltage + by_current * leak
            by_density = along * drop.to_density + by_current * area
            filled = gain * along * drop.to_potential + drop.filling * by_density
            if filled == 0.0 or by_density == 0.0:
                raise NoSolutionError
            astray = resting + gain * density - drop.lithium
            step = (astray * by_density - gain * missing) / filled
            flow = (missing + along * drop.to_potential * step) / by_density
            largest = max(abs(step), abs(drop.to_density * flow))
            share = 1.0 if largest <= _LARGEST_STEP else _LARGEST_STEP / largest
            potential, density = potential + share * step, density - share * flow
            if not _LOWEST < potential < _HIGHEST:
                raise NoSolutionError
            if largest < _AT_ONCE:
                self._check_carried(drop.lithium, drop.vacancy, control)
                voltage = drop.voltage + drop.to_potential * step - drop.to_density * flow
                values = (potential, density, voltage, area * density + leak * voltage)
                return Solved(0.0, *(np.array([each]) for each in values))
        raise NoSolutionError

    def constant(self, length: float, resting: Floats, gains: Floats | float, control: Current) -> Solved:
        """Return a panel under a constant current, where the gains [m2/A] of all nodes act as one.

        Raises NoSolutionError where the surface cannot carry it.
        """
        density = control.value / self._area
        lithium = resting + gains * (density / self._interfaces.active)
        if lithium.min() <= SURFACE_MARGIN or lithium.max() >= 1.0 - SURFACE_MARGIN:
            raise NoSolutionError
        potential = self._interfaces.ocp.potential(lithium)
        constant = np.full(len(lithium), density)
        voltage = self._interfaces.over(potential, lithium, density)
        return Solved(length, potential, constant, voltage, constant * self._area)

    def felt(self, control: Control, potential: float, density: float, lithium: float) -> tuple[float, float]:
        """Return what voltage [V] and current [A] change when x at the surface does by lithium [-] under a control.

        At an instant: in a panel of some length diffusion takes up more of it.
        """
        faces, area = self._interfaces, self._area
        drop, leak = faces.at_point(potential, density), area * faces.leak_conductance
        _, by_voltage, by_current = control.residual(drop.voltage, area * density + leak * drop.voltage, 0.0)
        along = by_voltage + by_current * leak
        by_density = along * drop.to_density + by_current * area
        turned = along * drop.to_potential
        filled = drop.filling * by_density - self._surface_resistance / faces.active * turned
        if filled == 0.0:
            return math.inf, math.inf
        step, flow = lithium * by_density / filled, lithium * turned / filled
        voltage = drop.to_potential * step - drop.to_density * flow
        return abs(voltage), abs(leak * voltage - area * flow)

    def solve(
        self,
        resting: Floats,
        gains: Floats,
        control: Control,
        times: Floats,
        potential: Floats,
        density: Floats,
        length: float,
    ) -> Solved:
        """Solve for potential and density at all nodes, starting from those given.

        Newton's method; near the solution a matrix serves twice, as most of a step is to make it.
        """
        faces = self._interfaces
        through = gains / faces.active
        for _ in range(_NEWTON_STEPS):
            _check_visited(potential)
            drop = faces.at_potential(potential, density)
            missing, by_voltage, by_current = control.residual(
                drop.voltage, self._terminal(density, drop.voltage), times
            )
            astray = resting + through @ density - drop.lithium
            tangent, step, flow = self._tangent(drop, through, astray, missing, by_voltage, by_current)
            largest = max(_largest(step), _largest(drop.to_density * flow))
            if not largest < math.inf:
                raise NoSolutionError
            if largest > _LARGEST_STEP:
                step, flow = step * (_LARGEST_STEP / largest), flow * (_LARGEST_STEP / largest)
            potential, density = potential + step, density - flow
            unseen = _UNSEEN * _largest(drop.to_density * density) + _ROUND_OFF
            voltage, squared = drop.voltage, largest * largest / _CURVED
            while unseen < squared and largest < _CLOSE:
                # Most of a step is to make its matrix, which here is good for another.
                lithium, voltage = faces.below(potential, density)
                missing, *_ = control.residual(voltage, self._terminal(density, voltage), times)
                astray = resting + through @ density - lithium
                step, flow = tangent.solve(through, astray, missing)
                potential, density = potential + step, density - flow
                before, largest = largest, max(_largest(step), _largest(drop.to_density * flow))
                squared = largest * largest / before
                if largest > _WORTH * before:
                    break
            if squared <= unseen:
                self._check_carried(drop.lithium.min(), drop.vacancy.min(), control)
                voltage = voltage + drop.to_potential * step - drop.to_density * flow
                return Solved(length, potential, density, voltage, self._terminal(density, voltage))
        raise NoSolutionError

    def _terminal(self, density: Floats, voltage: Floats) -> Floats:
        """Return the current [A] at the terminals of a density [A/m2] through the cell, the leak included."""
        leak = self._interfaces.leak_conductance
        return self._area * (density + leak * voltage if leak else density)

    def _tangent(
        self,
        drop: Drop[Floats],
        through: Floats,
        astray: Floats,
        missing: Floats,
        by_voltage: Floats | float,
        by_current: Floats | float,
    ) -> tuple[_Tangent, Floats, Floats]:
        """Return the equations made linear and their first steps of potential [V] and density [A/m2].

        Raises NoSolutionError for a matrix that is singular.
        """
        along = by_voltage + by_current * (self._area * self._interfaces.leak_conductance)
        by_density = along * drop.to_density + by_current * self._area
        turn, offset = along * drop.to_potential / by_density, missing / by_density
        matrix = through * turn
        matrix.ravel()[:: len(turn) + 1] += drop.filling
        # LAPACK itself: the checks around it take four times as long as so small a system.
        factors, pivots, step, singular = dgesv(matrix, astray - through @ offset)
        if singular:
            raise NoSolutionError
        return _Tangent(factors, pivots, turn, by_density), step, offset + turn * step

    def _check_carried(self, lithium: float, vacancy: float, control: Control) -> None:
        """Refuse a surface that is full or empty, unless a hold, a resistor or a leak brings it there."""
        held = isinstance(control, Resistance) or (isinstance(control, Voltage) and control.rate == 0.0)
        free = not held and self._interfaces.leak_conductance == 0.0
        if free and min(lithium, vacancy) < SURFACE_MARGIN:
            raise NoSolutionError


def _largest(values: Floats) -> float:
    """Return the largest magnitude, or what is not a number."""
    return float(np.abs(values).max())


def _check_visited(potential: Floats) -> None:
    """Refuse potentials that no surface of a film has."""
    if potential.min() < _LOWEST or potential.max() > _HIGHEST:
        raise NoSolutionError
