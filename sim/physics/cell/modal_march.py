"""March a film and its interfaces through panels of time under any control, to the first limit."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.collocation import Collocation, NoSolutionError, Solved, is_exact
from sim.physics.cell.control import Control, Power, Voltage
from sim.physics.cell.data import CellError, EndReason
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS, WEIGHTS, Panel, Panels
from sim.physics.cell.watch import Watch

Floats = NDArray[np.float64]

_LOWEST_LEVEL = -36  # panels down to 15 ps: what no longer panel resolves cannot go on
_HIGHEST_LEVEL = 40
_TOLERANCE = 1e-9  # of all sites, and of all sites times 1 V: charge and energy one panel may miss
_POINTWISE = 2e-7  # V, and of the largest current of a panel: error of a value between nodes
_LEAST_FRACTION = 1e-12  # of x at the surface: currents that move it by less are round-off
_DIGITS = 32.0 * np.finfo(np.float64).eps  # of x: round-off gathered on the way to a panel's coefficients
_AGES = 1e9  # s
_MOST_PANELS = 20000  # a step of a month takes a hundred
_NOISE = 0.05  # error over the tolerance that round-off counts as: panels grow, by one power of two
_GROW = ((1e-5, 3), (1e-3, 2), (1e-1, 1))  # error over tolerance below which a panel grows by powers of two
_DIFFERENCE = TO_COEFFICIENTS[-2:].T
_SEEN = np.array([0, ORDER // 2, ORDER - 1])
_ONES = np.ones(ORDER)


def _parabola(ratio: float) -> Floats:
    """Return the matrix (ORDER, ORDER) from values at the nodes to those of the next panel.

    Of the nodes only _SEEN count: a parabola in the root of time, in which what diffusion does after a start
    is smooth.
    """
    seen = np.vander(np.sqrt(1.0 + NODES[_SEEN]), 3)
    ahead = np.zeros((ORDER, ORDER))
    ahead[:, _SEEN] = np.vander(np.sqrt(2.0 + ratio * NODES), 3) @ np.linalg.inv(seen)
    return ahead


_AHEAD = {ratio: _parabola(ratio) for ratio in (0.5, 1.0, 2.0, 4.0, 8.0)}


class Course(NamedTuple):
    """Hold the film at one instant and what drives it.

    mean [-] and amplitudes (m,) of the modes; anode [C]; time [s] since the start of the step; charge [C]
    passed since.
    """

    mean: float
    amplitudes: Floats
    anode: float
    time: float = 0.0
    charge: float = 0.0


class March:
    """Go through panels on which the current is a polynomial that meets the control at all nodes.

    Between the nodes diffusion is exact, so the only error is that of the polynomial, seen in its last two
    Legendre coefficients.
    """

    def __init__(
        self, film: PlanarFilm, panels: Panels, interfaces: Interfaces, area: float, plating_loss: float
    ) -> None:
        self._film, self._panels, self._interfaces = film, panels, interfaces
        self._equations = Collocation(interfaces, area, film.surface_resistance)
        self._area, self._plating_loss = area, plating_loss

    @staticmethod
    def exhausted(control: Control) -> EndReason:
        """Return why a control ends that the cell cannot meet."""
        return EndReason.MAXIMUM_POWER if isinstance(control, Power) else EndReason.LIMITING_CURRENT

    def instant(self, course: Course, control: Control) -> Solved:
        """Return voltage and current at the very instant a control takes hold, arrays of one number.

        Raises NoSolutionError.
        """
        resting = course.mean + float(self._film.drive @ course.amplitudes)
        return self._equations.instant(resting, control, course.time)

    def walk(
        self, course: Course, control: Control, first: Solved, watch: Watch, horizon: float
    ) -> tuple[Course, list[Solved], EndReason]:
        """Walk from a first instant until a limit or the horizon [s].

        Return where it ended, the panels passed, and why it ended. Raises CellError for a step so long, or so
        close to round-off, that it has not ended after twenty thousand panels.
        """
        passed: list[Solved] = []
        here = first
        reason = watch.at_once(float(here.voltage[0]), float(here.current[0]))
        if reason is not None:
            return course, passed, reason
        level, highest, still = self._first_level(), _HIGHEST_LEVEL, 0.0
        if isinstance(control, Voltage) and control.rate == 0.0 and not watch.watches_rates:
            course, reason = self._stretch(course, control, watch, here, horizon, passed)
            if reason is not None:
                return course, passed, reason
            if passed:
                here, level = passed[-1], math.frexp(passed[-1].length)[1]
        while course.time < horizon:
            solved, error = self._attempt(course, control, level, horizon, here)
            if solved is not None and watch.watches_rates:
                error = max(error, self._rate_error(watch, control, solved))
            if solved is None or (error > 1.0 and level > _LOWEST_LEVEL):
                if level <= _LOWEST_LEVEL:
                    return course, passed, self.exhausted(control)
                # What has no solution so far ahead is near its end, or has just jumped: grow slowly again.
                highest = min(highest, level - 1) if solved is None else highest
                level -= 1 if error < 1e3 else 3
                continue
            course, reason = self._passed(course, solved, watch, horizon, passed)
            if reason is not None:
                return course, passed, reason
            if len(passed) > _MOST_PANELS:
                left = f"{control} is followed no further than {course.time:g} s after its start"
                raise CellError(f"{left}: give it a duration, or another end that comes before")
            still = still + solved.length if self._is_still(solved) else 0.0
            if math.isinf(horizon) and self._is_steady(solved, still, watch):
                return course, passed, EndReason.STEADY
            here = solved
            level = min(level + _growth(error), highest)
            highest = min(highest + 1, _HIGHEST_LEVEL)
        return course._replace(time=horizon), passed, EndReason.DURATION

    def _passed(
        self, course: Course, solved: Solved, watch: Watch, horizon: float, passed: list[Solved]
    ) -> tuple[Course, EndReason | None]:
        """Go through a panel up to the first limit or the horizon [s], and say which it was, if any."""
        parts = (solved.voltage, solved.current, solved.density)
        length, reason = watch.first(course.charge, course.anode, solved.length, parts) or (math.inf, None)
        if course.time + min(length, solved.length) > horizon:
            length, reason = horizon - course.time, EndReason.DURATION
        if reason is None:
            passed.append(solved)
        elif length > 0.0:
            passed.append(solved.shortened(length))
        else:
            return course, reason
        course = self.advance(course, passed[-1])
        return course._replace(time=horizon) if reason is EndReason.DURATION else course, reason

    def _stretch(
        self,
        course: Course,
        control: Control,
        watch: Watch,
        here: Solved,
        horizon: float,
        passed: list[Solved],
    ) -> tuple[Course, EndReason | None]:
        """Go through the first panels of a hold, as far as one solution for all of them resolves it.

        What follows its first instant is smooth on a logarithmic scale of time, so panels that grow from the
        first on need no look at one another: one system for all is far cheaper than one for each.
        """
        stretch = self._panels.stretch(self._first_level())
        count = min(int(stretch.borders.searchsorted(horizon)) + 1, len(stretch.panels))
        if count == 1:
            return course, None
        # No panel feels a later one: the first of them are a system of their own.
        lengths, nodes = stretch.lengths[:count], slice(0, count * ORDER)
        resting = course.mean + stretch.surface_decays[nodes] @ course.amplitudes
        ones = np.ones_like(resting)
        try:
            solved = self._equations.solve(
                resting,
                stretch.surface_gains[nodes, nodes],
                control,
                stretch.times[nodes],
                here.potential[-1] * ones,
                here.density[-1] * ones,
                0.0,
            )
        except NoSolutionError:
            return course, None
        potential, density, voltage, current = (each.reshape(-1, ORDER) for each in solved[1:])
        resolved = _leading(self._errors(lengths, density, voltage, current) <= 1.0)
        free = _leading(watch.far(course.charge, course.anode, lengths, (voltage, current, density)))
        whole = min(free, resolved, int(stretch.borders.searchsorted(horizon, side="right")))
        panels = list(map(Solved, lengths.tolist(), potential, density, voltage, current))
        if whole:
            passed += panels[:whole]
            together = Solved(0.0, *(each[:whole] for each in (potential, density, voltage, current)))
            course = self._drawn(course, together, lengths[:whole], *stretch.ends[whole - 1])
        for panel in panels[whole:resolved]:
            course, reason = self._passed(course, panel, watch, horizon, passed)
            if reason is not None:
                return course, reason
        return course, None

    def advance(self, course: Course, solved: Solved) -> Course:
        """Return the course at the end of a panel."""
        panel = self._panels.kept(solved.length)
        modes = self._panels.end(solved.length) if panel is None else (panel.decays, panel.gains)
        return self._drawn(course, solved, solved.length, *modes)

    def _drawn(
        self, course: Course, solved: Solved, lengths: Floats | float, decays: Floats, gains: Floats
    ) -> Course:
        """Return the course after one panel, or after panels in a row with values (k, ORDER)."""
        density = solved.density
        through = float(np.dot(lengths, density @ WEIGHTS))
        lost = 0.0
        if self._plating_loss:
            lost = self._plating_loss * float(np.dot(lengths, np.maximum(density, 0.0) @ WEIGHTS))
        charge = self._area * through
        if self._interfaces.leak_conductance:
            charge = float(np.dot(lengths, solved.current @ WEIGHTS))
        active = self._interfaces.active
        return Course(
            mean=course.mean - through / active / self._film.capacity,
            amplitudes=decays * course.amplitudes + (gains @ density.ravel()) / active,
            anode=course.anode + self._area * (through - lost),
            time=course.time + float(np.sum(lengths)),
            charge=course.charge + charge,
        )

    def _first_level(self) -> int:
        """Return a level a little below the time in which the front of the film answers."""
        fastest = float(self._film.rates[-1])
        slowest = float(self._film.rates[0])
        return round(math.log2(1.0 / math.sqrt(fastest * slowest))) - 3

    def _attempt(
        self, course: Course, control: Control, level: int, horizon: float, before: Solved
    ) -> tuple[Solved | None, float]:
        """Return the next panel and its error over the tolerance, or nothing where it cannot be solved.

        The last one before the horizon [s] reaches beyond it, as a panel kept from before spares a new one,
        unless the step has no solution there.
        """
        left = horizon - course.time
        reach = level if math.isinf(left) else min(level, math.frexp(left)[1])
        for panel in (self._panels.dyadic(reach), None):
            if panel is None:
                if 2.0**reach <= left:
                    break
                panel = self._panels.of_length(left)
            resting = course.mean + panel.surface_decays @ course.amplitudes
            try:
                solved = self._solve(panel, resting, control, course.time + panel.length * NODES, before)
            except NoSolutionError:
                continue
            return solved, self._beyond_noise(self._error(solved), control, solved)
        return None, math.inf

    def _rate_error(self, watch: Watch, control: Control, solved: Solved) -> float:
        """Return the error over the tolerance of the rates of one panel."""
        error = watch.rate_error(solved.length, (solved.voltage, solved.current, solved.density))
        return self._beyond_noise(error, control, solved)

    def _beyond_noise(self, error: float, control: Control, solved: Solved) -> float:
        """Return an error over the tolerance, a small one where a shorter panel would show no less round-off."""
        return _NOISE if error > 1.0 and self._is_noise(control, solved) else error

    def _solve(
        self, panel: Panel, resting: Floats, control: Control, times: Floats, before: Solved
    ) -> Solved:
        if is_exact(control, self._interfaces):
            return self._equations.constant(panel.length, resting, panel.surface_gains.sum(axis=1), control)
        # Other controls may have no solution so far ahead, and then a bold start finds that out slowly.
        bold = isinstance(control, Voltage) and before.length > 0.0
        ahead = _AHEAD.get(panel.length / before.length) if bold else None
        if ahead is None:
            potential, density = before.potential[-1] * _ONES, before.density[-1] * _ONES
        else:
            potential, density = ahead @ before.potential, ahead @ before.density
        return self._equations.solve(
            resting, panel.surface_gains, control, times, potential, density, panel.length
        )

    def _errors(self, lengths: Floats, density: Floats, voltage: Floats, current: Floats) -> Floats:
        """Return the largest error over what is allowed of each panel: lengths [s] (k,), values (k, ORDER)."""
        charge = _TOLERANCE * self._film.capacity * self._area
        off, astray = np.abs(voltage @ _DIFFERENCE).sum(axis=1), np.abs(current @ _DIFFERENCE).sum(axis=1)
        largest = self._area * np.abs(density).max(axis=1)
        leaks = self._interfaces.leak_conductance > 0.0
        if leaks:
            largest = np.maximum(largest, np.abs(current).max(axis=1))
        least = self._area * _LEAST_FRACTION / self._film.surface_resistance
        counted = np.maximum(astray, off * largest) * lengths / charge
        changing = (astray > 0.0) | leaks
        pointwise = np.maximum(off / _POINTWISE, astray / (_POINTWISE * largest + least))
        return np.asarray(np.maximum(counted, np.where(changing, pointwise, 0.0)))

    def _error(self, solved: Solved) -> float:
        """Return the largest error over what is allowed of one panel."""
        rows = (each[None] for each in (solved.density, solved.voltage, solved.current))
        return float(self._errors(np.array([solved.length]), *rows)[0])

    def _is_noise(self, control: Control, solved: Solved) -> bool:
        """Return whether what a panel misses is the round-off of x, magnified by a film all but full or empty.

        It must be so from its first node on: a panel that only ends there is too long.
        """
        ends = zip(solved.potential[[0, -1]].tolist(), solved.density[[0, -1]].tolist(), strict=True)
        felt = (self._equations.felt(control, *point, _DIGITS) for point in ends)
        volts, amperes = (min(each) for each in zip(*felt, strict=True))
        values = np.array((solved.voltage, solved.current))
        digits = _DIGITS * np.abs(values).max(axis=1)
        off, astray = np.abs(values @ _DIFFERENCE).sum(axis=1) - digits
        return bool(off <= volts and astray <= amperes)

    def _is_still(self, solved: Solved) -> bool:
        """Return whether nothing would change in a panel a hundred times as long as the slowest mode."""
        through = abs(float(solved.density[-1])) * self._settling / self._film.capacity
        return through < 1e-9 and float(np.ptp(solved.voltage)) < 1e-9

    def _is_steady(self, solved: Solved, still: float, watch: Watch) -> bool:
        """Return whether nothing has changed for ages, still [s]: a hundred times the slowest mode, or 30 years."""
        if solved.length > _AGES:
            return True
        return still >= self._settling and not watch.counts_on(abs(float(solved.current[-1])) * _AGES)

    @property
    def _settling(self) -> float:
        """Return how long [s] nothing must change: a hundred times the slowest mode."""
        return 100.0 / float(self._film.rates[0])


def _leading(passes: NDArray[np.bool_]) -> int:
    """Return how many pass before the first that does not."""
    return len(passes) if passes.all() else int(passes.argmin())


def _growth(error: float) -> int:
    return next((powers for bound, powers in _GROW if error < bound), 0)
