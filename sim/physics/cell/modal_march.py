"""March a film and its interfaces through panels of time under any control, to the first limit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgesv

from sim.physics.cell.control import Control, Current, Power, Resistance, Voltage
from sim.physics.cell.data import SURFACE_MARGIN, EndReason
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Drop, Interfaces
from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS, WEIGHTS, Panel, Panels, interpolation
from sim.physics.cell.watch import Watch

Floats = NDArray[np.float64]

_LOWEST_LEVEL = -36  # panels down to 15 ps: what no longer panel resolves cannot go on
_HIGHEST_LEVEL = 40
_TOLERANCE = 1e-9  # of all sites, and of all sites times 1 V: charge and energy one panel may miss
_POINTWISE = 2e-7  # V, and of the largest current of a panel: error of a value between nodes
_LEAST_FRACTION = 1e-12  # of x at the surface: currents that move it by less are round-off
_AGES = 1e9  # s
_MOST_PANELS = 20000  # a step of a month takes a hundred
_NEWTON_STEPS = 25
_LARGEST_STEP = 0.15  # V
_SETTLED = 1e-7  # V: Newton's next step would be its square over 10 mV
_LOWEST, _HIGHEST = -8.0, 14.0  # V: potentials of the surface an iteration may visit; fractions are > 0 there
_GROW = ((1e-5, 3), (1e-3, 2), (1e-1, 1))  # error over tolerance below which a panel grows by powers of two
_DIFFERENCE = TO_COEFFICIENTS[-2:]
_SEEN = np.array([0, ORDER // 2, ORDER - 1])
_ONES = np.ones(ORDER)


def _parabola(ratio: float) -> Floats:
    """Return the matrix (ORDER, 3) from values at the nodes _SEEN to those of the next panel.

    A parabola in the root of time, as what diffusion does after a start is smooth in that.
    """
    seen = np.vander(np.sqrt(1.0 + NODES[_SEEN]), 3)
    return np.asarray(np.vander(np.sqrt(2.0 + ratio * NODES), 3) @ np.linalg.inv(seen))


_AHEAD = {ratio: _parabola(ratio) for ratio in (0.5, 1.0, 2.0, 4.0, 8.0)}


@dataclass(frozen=True, eq=False)
class Course:
    """Hold the film at one instant and what drives it.

    mean [-] and amplitudes (m,) of the modes; anode [C]; time [s] since the start of the step; charge [C]
    passed since.
    """

    mean: float
    amplitudes: Floats
    anode: float
    time: float = 0.0
    charge: float = 0.0


@dataclass(frozen=True, eq=False)
class Solved:
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
        look = interpolation(length / self.length * NODES)
        parts = (look @ each for each in (self.potential, self.density, self.voltage, self.current))
        return Solved(length, *parts)


class NoSolutionError(ArithmeticError):
    """The control asks for what the cell cannot give at this instant."""


class March:
    """Go through panels on which the current is a polynomial of degree 15 that meets the control at 16 nodes.

    Between the nodes diffusion is exact, so the only error is that of the polynomial, seen in its last two
    Legendre coefficients. At every node the unknowns are the potential U of the surface and the density j:

        x(U) = what diffusion makes of j,        control(V(U, j), j) = 0;

    Newton's method on both, with all nodes of a panel at once. It cannot leave the film, as x(U) is within
    (0, 1) for every U.
    """

    def __init__(
        self, film: PlanarFilm, panels: Panels, interfaces: Interfaces, area: float, plating_loss: float
    ) -> None:
        self._film, self._panels, self._interfaces = film, panels, interfaces
        self._area, self._plating_loss = area, plating_loss

    @staticmethod
    def exhausted(control: Control) -> EndReason:
        """Return why a control ends that the cell cannot meet."""
        return EndReason.MAXIMUM_POWER if isinstance(control, Power) else EndReason.LIMITING_CURRENT

    def is_exact(self, control: Control) -> bool:
        """Return whether the current is constant, so that a step of any length is exact."""
        steady = isinstance(control, Current) and control.rate == 0.0
        return steady and self._interfaces.leak_conductance == 0.0

    def instant(self, course: Course, control: Control) -> Solved:
        """Return voltage and current at the very instant a control takes hold, arrays of one number.

        Raises NoSolutionError.
        """
        resting = course.mean + float(self._film.drive @ course.amplitudes)
        if self.is_exact(control):
            return self._constant(0.0, np.array([resting]), -self._film.surface_resistance, control)
        gains = np.array([[-self._film.surface_resistance]])
        inside = np.array([min(max(resting, SURFACE_MARGIN), 1.0 - SURFACE_MARGIN)])
        start = self._interfaces.ocp.potential(inside)
        # From a current of nothing a power is approached on its branch of small currents.
        return self._newton(
            np.array([resting]), gains, control, np.array([course.time]), start, np.zeros(1), 0.0
        )

    def walk(
        self, course: Course, control: Control, first: Solved, watch: Watch, horizon: float
    ) -> tuple[Course, list[Solved], EndReason]:
        """Walk from a first instant until a limit or the horizon [s].

        Return where it ended, the panels passed, and why it ended.
        """
        passed: list[Solved] = []
        here = first
        reason = watch.at_once(float(here.voltage[0]), float(here.current[0]))
        if reason is not None:
            return course, passed, reason
        level, highest = self._first_level(), _HIGHEST_LEVEL
        while course.time < horizon:
            solved, error = self._attempt(course, control, level, horizon, here)
            if solved is not None and watch.watches_rates:
                error = max(error, watch.rate_error(solved.length, solved.voltage, solved.current))
            if solved is None or (error > 1.0 and level > _LOWEST_LEVEL):
                if level <= _LOWEST_LEVEL:
                    return course, passed, self.exhausted(control)
                # What has no solution so far ahead is near its end, or has just jumped: grow slowly again.
                highest = min(highest, level - 1) if solved is None else highest
                level -= 1 if error < 1e3 else 3
                continue
            parts = (solved.voltage, solved.current, solved.density)
            found = watch.first(course.charge, course.anode, solved.length, parts)
            if found is not None:
                length, reason = found
                if length > 0.0:
                    passed.append(solved.shortened(length))
                    course = self.advance(course, passed[-1])
                return course, passed, reason
            passed.append(solved)
            if len(passed) > _MOST_PANELS:
                raise ArithmeticError(f"{control} cannot be resolved {course.time:g} s after its start")
            course = self.advance(course, solved)
            if math.isinf(horizon) and self._is_steady(course, solved):
                return course, passed, EndReason.STEADY
            here = solved
            level = min(level + _growth(error), highest)
            highest = min(highest + 1, _HIGHEST_LEVEL)
        return replace(course, time=horizon), passed, EndReason.DURATION

    def advance(self, course: Course, solved: Solved) -> Course:
        """Return the course at the end of a panel."""
        dyadic = math.frexp(solved.length)[0] == 0.5
        if dyadic:
            panel = self._panels.dyadic(math.frexp(solved.length)[1] - 1)
            decays, gains = panel.decays, panel.gains
        else:
            decays, gains = self._panels.end(solved.length)
        density = solved.density / self._interfaces.active
        through = solved.length * float(WEIGHTS @ solved.density)
        plated = solved.length * float(WEIGHTS @ np.maximum(solved.density, 0.0))
        return Course(
            mean=course.mean - through / self._interfaces.active / self._film.capacity,
            amplitudes=decays * course.amplitudes + gains @ density,
            anode=course.anode + self._area * (through - self._plating_loss * plated),
            time=course.time + solved.length,
            charge=course.charge + solved.length * float(WEIGHTS @ solved.current),
        )

    def _first_level(self) -> int:
        """Return a level a little below the time in which the front of the film answers."""
        fastest = float(self._film.rates[-1])
        slowest = float(self._film.rates[0])
        return round(math.log2(1.0 / math.sqrt(fastest * slowest))) - 3

    def _attempt(
        self, course: Course, control: Control, level: int, horizon: float, before: Solved
    ) -> tuple[Solved | None, float]:
        """Return the next panel and its error over the tolerance, or nothing where it cannot be solved."""
        length = 2.0**level
        if course.time + length >= horizon:
            length = horizon - course.time
            panel = self._panels.of_length(length)
        else:
            panel = self._panels.dyadic(level)
        resting = course.mean + panel.surface_decays @ course.amplitudes
        times = course.time + length * NODES
        try:
            solved = self._solve(panel, resting, control, times, before)
        except NoSolutionError:
            return None, math.inf
        return solved, self._error(solved)

    def _solve(
        self, panel: Panel, resting: Floats, control: Control, times: Floats, before: Solved
    ) -> Solved:
        if self.is_exact(control):
            return self._constant(panel.length, resting, panel.surface_gains.sum(axis=1), control)
        # Other controls may have no solution so far ahead, and then a bold start finds that out slowly.
        bold = isinstance(control, Voltage) and before.length > 0.0
        ahead = _AHEAD.get(panel.length / before.length) if bold else None
        if ahead is None:
            potential, density = before.potential[-1] * _ONES, before.density[-1] * _ONES
        else:
            potential, density = ahead @ before.potential[_SEEN], ahead @ before.density[_SEEN]
        return self._newton(resting, panel.surface_gains, control, times, potential, density, panel.length)

    def _constant(self, length: float, resting: Floats, gains: Floats | float, control: Control) -> Solved:
        density = control.value / self._area
        lithium = resting + gains * (density / self._interfaces.active)
        if lithium.min() <= SURFACE_MARGIN or lithium.max() >= 1.0 - SURFACE_MARGIN:
            raise NoSolutionError
        potential = self._interfaces.ocp.potential(lithium)
        constant = np.full(len(lithium), density)
        voltage = self._interfaces.over(potential, lithium, density)
        return Solved(length, potential, constant, voltage, constant * self._area)

    def _newton(
        self,
        resting: Floats,
        gains: Floats,
        control: Control,
        times: Floats,
        potential: Floats,
        density: Floats,
        length: float,
    ) -> Solved:
        """Solve for potential and density at all nodes, starting from those given."""
        faces, area = self._interfaces, self._area
        leak = faces.leak_conductance
        through = gains / faces.active
        diagonal = len(potential) + 1
        for _ in range(_NEWTON_STEPS):
            drop = faces.at_potential(potential, density)
            current = area * (density + leak * drop.voltage)
            missing, by_voltage, by_current = control.residual(drop.voltage, current, times)
            along = by_voltage + by_current * area * leak
            to_potential = along * drop.to_potential
            to_density = along * drop.to_density + by_current * area
            astray = resting + through @ density - drop.lithium
            turn, offset = to_potential / to_density, missing / to_density
            matrix = through * turn
            matrix.ravel()[::diagonal] += drop.filling
            # LAPACK itself: the checks around it take four times as long as so small a system.
            *_, step, singular = dgesv(matrix, astray - through @ offset)
            largest = float(np.abs(step).max())
            if singular or not math.isfinite(largest):
                raise NoSolutionError
            flow = offset + turn * step
            share = _LARGEST_STEP / largest if largest > _LARGEST_STEP else 1.0
            density = density - share * flow
            potential = potential + share * step
            if potential.min() < _LOWEST or potential.max() > _HIGHEST:
                raise NoSolutionError
            if largest < _SETTLED:
                self._check_carried(drop, control)
                voltage = drop.voltage + drop.to_potential * step - drop.to_density * flow
                return Solved(length, potential, density, voltage, area * (density + leak * voltage))
        raise NoSolutionError

    def _check_carried(self, drop: Drop, control: Control) -> None:
        """Refuse a surface that is full or empty, unless a hold, a resistor or a leak brings it there."""
        held = isinstance(control, Resistance) or (isinstance(control, Voltage) and control.rate == 0.0)
        free = not held and self._interfaces.leak_conductance == 0.0
        if free and min(drop.lithium.min(), drop.vacancy.min()) < SURFACE_MARGIN:
            raise NoSolutionError

    def _error(self, solved: Solved) -> float:
        """Return the largest error of a panel over what is allowed."""
        charge = _TOLERANCE * self._film.capacity * self._area
        voltage, current = _rest(solved.voltage), _rest(solved.current)
        through = self._area * float(np.abs(solved.density).max())
        largest = max(through, float(np.abs(solved.current).max()))
        errors = [current * solved.length / charge, voltage * largest * solved.length / charge]
        if current > 0.0 or self._interfaces.leak_conductance > 0.0:
            least = self._area * _LEAST_FRACTION / self._film.surface_resistance
            errors += [voltage / _POINTWISE, current / (_POINTWISE * largest + least)]
        return max(errors)

    def _is_steady(self, course: Course, solved: Solved) -> bool:
        """Return whether nothing has changed for ages: a hundred times the slowest mode, or 30 years."""
        if solved.length > _AGES:
            return True
        if solved.length * float(self._film.rates[0]) < 100.0:
            return False
        through = abs(float(solved.density[-1])) * solved.length / self._film.capacity
        return through < 1e-9 and float(np.ptp(solved.voltage)) < 1e-9


def _rest(values: Floats) -> float:
    """Return the size of the last two coefficients of what has values at the nodes."""
    return float(np.abs(_DIFFERENCE @ values).sum())


def _growth(error: float) -> int:
    return next((powers for bound, powers in _GROW if error < bound), 0)
