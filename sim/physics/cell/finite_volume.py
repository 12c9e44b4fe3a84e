"""The cell once more, on finite volumes in small implicit steps: for D(x), double layers, fast transients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from sim.physics.cell.control import ENDS_ONLY, REST, Control, Power, Record, Until
from sim.physics.cell.data import (
    SURFACE_MARGIN,
    CellError,
    CellParameters,
    CellState,
    EndReason,
    Segment,
    turned,
)
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.finite_volume_stage import Dependence, Exponential, Moment, StageError, StageSolver
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.watch import Watch

Floats = NDArray[np.float64]

_GAMMA = 1.0 - math.sqrt(0.5)  # of the L-stable, stiffly accurate method of two equal stages
_ERROR_CONSTANT = 3.0 * _GAMMA**2 - 2.0 * _GAMMA**3 - 1.0 / 6.0  # of its error, in units of step^3 y'''
_FIRST_STEP = 1e-7  # s: a hundredth of the double layers' time
_SHORTEST_STEP = 1e-13  # s
_LARGEST_GROWTH, _LEAST_SHRINK = 2.0, 0.2
_SAFETY = 0.85
_OVERPOTENTIAL_SCALE = 0.1  # V: an error of the tolerance in x weighs as much as one of this times it
_ENERGY_SCALE = 4.0  # V
_LEAST_SHARE = 1e-6  # of a step, where limits are looked for
_SAME_TIME = 1e-12
_SAME_CHANGE = 1e-6


@dataclass(frozen=True, eq=False)
class Point:
    """Hold a moment, its time [s] since the start of the step, charge [C] and energy [J] passed."""

    moment: Moment
    time: float
    charge: float
    energy: float
    discharged: float = 0.0
    plated: float = 0.0

    def vector(self, scales: tuple[float, float]) -> Floats:
        """Return all that the error control watches, in units of x; scales of charge [C] and energy [J]."""
        moment = self.moment
        layers = np.array([moment.cathode, moment.anode]) / _OVERPOTENTIAL_SCALE
        counters = np.array([self.charge / scales[0], self.energy / scales[1]])
        return np.concatenate((moment.lithium, layers, counters))


class FiniteVolumeCell:
    """Step a cell as `Cell` does, with the same parameters, states, controls, limits and rows.

    Time goes in steps of an implicit method of second order (two stages, L-stable), as long as the error of
    the film, the overpotentials, charge and energy allows; rows and limits lie where they are asked for, each
    at the end of a step of its own. The potentials of the double layers are part of the state.
    """

    def __init__(
        self, parameters: CellParameters, dependence: Dependence | None = None, tolerance: float = 1e-7
    ) -> None:
        """Take a cell, how D depends on x (not at all), and the error of x that a step may make [-].

        Raises CellError for parameters that do not fit together.
        """
        self.parameters = parameters
        self._tolerance = tolerance
        try:
            self._film = PlanarFilm(
                np.array(parameters.edges), np.array(parameters.diffusivity), parameters.site_density
            )
        except ValueError as error:
            raise CellError(f"the film of this cell cannot be built: {error}") from error
        self._solver = StageSolver(parameters, self._film, dependence or Exponential())
        charge = self._film.capacity * parameters.area
        self._scales = (charge, charge * _ENERGY_SCALE)

    @property
    def site_charge(self) -> float:
        """Return the charge of all active sites [C], x from 0 to 1."""
        return self._scales[0]

    def fresh(self) -> CellState:
        """Return the cell as made: discharged, the film at as_made_lithium throughout."""
        lithium = (self.parameters.as_made_lithium,) * len(self.parameters.diffusivity)
        return CellState(lithium, self.parameters.anode_lithium * self.parameters.area, 0.0, 0.0)

    def step(self, state: CellState, control: Control, until: Until, record: Record = ENDS_ONLY) -> Segment:
        """Drive the cell until the first limit and return the rows asked for, as `Cell.step` does.

        The first row lies an instant (1e-13 s) after the start: the double layers hold their potentials,
        currents do not.
        Raises RequestError for a control without an end or outside its own limits, CellError for a state
        that does not fit the cell.
        """
        until.check(control)
        if len(state.lithium) != self._film.amounts.size:
            raise CellError(f"the state has {len(state.lithium)} volumes, the cell {self._film.amounts.size}")
        try:
            state, faces, point = self.start(state, control)
        except StageError:
            return self._refused(state, control)
        watch = Watch(until, self.parameters.area, self.parameters.ageing.plating_loss)
        reason = watch.at_once(point.moment.voltage, point.moment.current)
        rows = [point]
        if reason is None:
            run = _Run(self, faces, control, watch, record, state.anode_lithium)
            point, reason = run.walk(rows, until)
        return self._segment(state, rows, point, reason)

    def _segment(self, state: CellState, rows: list[Point], end: Point, reason: EndReason) -> Segment:
        moment = end.moment
        left = CellState(
            lithium=tuple(moment.lithium.tolist()),
            anode_lithium=state.anode_lithium + end.plated,
            charge=state.charge + end.charge,
            energy=state.energy + end.energy,
            cycles=state.cycles,
            discharged=state.discharged + end.discharged,
            cathode_overpotential=moment.cathode - self._front_potential(moment.lithium),
            anode_overpotential=moment.anode,
        )
        return Segment(
            time=np.array([row.time for row in rows]),
            voltage=np.array([row.moment.voltage for row in rows]),
            current=np.array([row.moment.current for row in rows]),
            charge=np.array([row.charge for row in rows]),
            energy=np.array([row.energy for row in rows]),
            end=reason,
            state=left if end.time > 0.0 else state,
        )

    def _refused(self, state: CellState, control: Control) -> Segment:
        """Return one row at rest for a control that cannot be met from the first instant."""
        _, _, rest = self.start(state, REST)
        return self._segment(state, [rest], rest, _exhausted(control))

    def start(self, state: CellState, control: Control) -> tuple[CellState, Interfaces, Point]:
        """Return a state aged if a charge begins, its interfaces, and the first point.

        Raises StageError when the control cannot be met.
        """
        faces = Interfaces.of(self.parameters, state)
        point = Point(self._instant(state, faces, control), 0.0, 0.0, 0.0)
        aged = turned(state, 0.5 * self.site_charge, point.moment.current > 0.0)
        if aged is state:
            return state, faces, point
        faces = Interfaces.of(self.parameters, aged)
        return aged, faces, Point(self._instant(aged, faces, control), 0.0, 0.0, 0.0)

    def _instant(self, state: CellState, faces: Interfaces, control: Control) -> Moment:
        lithium = np.array(state.lithium)
        front = self._front_potential(lithium)
        layers = (front + state.cathode_overpotential, state.anode_overpotential)
        resting = Moment(lithium, front, *layers, 0.0, 0.0, 0.0, 0.0)
        return self._solver.solve(resting, resting, faces, control, 0.0, _SHORTEST_STEP)

    def _front_potential(self, lithium: Floats) -> float:
        """Return the open-circuit potential [V] of the first volume."""
        front = min(max(float(lithium[0]), SURFACE_MARGIN), 1.0 - SURFACE_MARGIN)
        return float(self.parameters.ocp.potential(front))

    def advance(self, point: Point, faces: Interfaces, control: Control, step: float) -> Point:
        """Return the point a step [s] later.

        Raises StageError when there is none.
        """
        first = self._solver.solve(
            point.moment, point.moment, faces, control, point.time + _GAMMA * step, _GAMMA * step
        )
        grown = (1.0 - _GAMMA) / _GAMMA
        base = replace(
            point.moment,
            lithium=point.moment.lithium + grown * (first.lithium - point.moment.lithium),
            cathode=point.moment.cathode + grown * (first.cathode - point.moment.cathode),
            anode=point.moment.anode + grown * (first.anode - point.moment.anode),
        )
        second = self._solver.solve(base, first, faces, control, point.time + step, _GAMMA * step)
        weights = (step * (1.0 - _GAMMA), step * _GAMMA)
        stages = (first, second)

        def total(values: list[float]) -> float:
            return sum(weight * value for weight, value in zip(weights, values, strict=True))

        through = [each.density * self.parameters.area for each in stages]
        lost = self.parameters.ageing.plating_loss
        return Point(
            moment=second,
            time=point.time + step,
            charge=point.charge + total([each.current for each in stages]),
            energy=point.energy + total([each.current * each.voltage for each in stages]),
            discharged=point.discharged + total([max(-each.current, 0.0) for each in stages]),
            plated=point.plated + total([each - lost * max(each, 0.0) for each in through]),
        )

    def error(self, past: list[Point], new: Point) -> float:
        """Return the error of a step over the tolerance, from a parabola through the three points before."""
        if len(past) < 3:
            return 0.0
        times = np.array([point.time for point in past[-3:]])
        values = np.array([point.vector(self._scales) for point in past[-3:]])
        ahead = new.time - times
        weights = np.array(
            [np.prod(np.delete(ahead, k)) / np.prod(times[k] - np.delete(times, k)) for k in range(3)]
        )
        third = np.max(np.abs(new.vector(self._scales) - weights @ values)) * 6.0 / np.prod(ahead)
        return float(_ERROR_CONSTANT * ahead[-1] ** 3 * third / self._tolerance)


class _Run:
    """Walk one step of a program: points, limits and rows."""

    def __init__(
        self,
        cell: FiniteVolumeCell,
        faces: Interfaces,
        control: Control,
        watch: Watch,
        record: Record,
        anode: float,
    ) -> None:
        self._cell, self._faces, self._control = cell, faces, control
        self._watch, self._record, self._anode = watch, record, anode

    def walk(self, rows: list[Point], until: Until) -> tuple[Point, EndReason]:
        """Walk from the first row to the end, adding rows; return the last point and why it is the last."""
        point, past, step = rows[0], [rows[0]], _FIRST_STEP
        reason = EndReason.DURATION
        while point.time < until.duration * (1.0 - _SAME_TIME):
            tried = min(step, until.duration - point.time)
            try:
                new = self._advance(point, tried)
                error = self._cell.error(past, new)
            except StageError:
                error, new = math.inf, point
            if error > 1.0:
                step = tried * max(_LEAST_SHRINK, _SAFETY * error ** (-1.0 / 3.0))
                if step < _SHORTEST_STEP:
                    reason = _exhausted(self._control)
                    break
                continue
            hit = self._first_hit(point, new, until)
            end = new if hit is None else hit[0]
            self._add_rows(rows, point, end)
            point, past = end, [*past[-2:], end]
            if hit is not None:
                reason = hit[1]
                break
            step = tried * min(_LARGEST_GROWTH, _SAFETY * max(error, 1e-9) ** (-1.0 / 3.0))
        if rows[-1].time < point.time:
            rows.append(point)
        return point, reason

    def _advance(self, point: Point, step: float) -> Point:
        return self._cell.advance(point, self._faces, self._control, step)

    def _first_hit(self, point: Point, new: Point, until: Until) -> tuple[Point, EndReason] | None:
        """Return the first limit met between two points, and the point where it is met."""
        length = new.time - point.time
        found = []
        for reason, margin in self._margins(point, new, until).items():
            if margin > 0.0:
                continue
            found.append((self._length_to(reason, point, length, until), reason))
        if not found:
            return None
        length, reason = min(found, key=lambda each: each[0])
        return self._advance(point, length), reason

    def _length_to(self, reason: EndReason, point: Point, length: float, until: Until) -> float:
        def margin(share: float) -> float:
            return self._margins(point, self._advance(point, share * length), until)[reason]

        if margin(_LEAST_SHARE) <= 0.0:
            return _LEAST_SHARE * length
        return length * float(brentq(margin, _LEAST_SHARE, 1.0, xtol=1e-14, rtol=1e-14))

    def _margins(self, point: Point, new: Point, until: Until) -> dict[EndReason, float]:
        """Return the margin of every limit at a new point, its rates those since the point before."""
        moment, length = new.moment, new.time - point.time
        values, start = (np.array([moment.voltage]), np.array([moment.current])), point.moment.current
        found: dict[EndReason, float] = {}
        for reason, margin in self._watch.levels(*values, start):
            found[reason] = min(found.get(reason, math.inf), float(margin[0]))
        if until.charge is not None:
            found[EndReason.CHARGE] = until.charge - abs(new.charge)
        if until.voltage_rate is not None:
            rate = abs(moment.voltage - point.moment.voltage) / length
            found[EndReason.VOLTAGE_RATE] = rate - until.voltage_rate
        if until.current_rate is not None:
            rate = abs(moment.current - point.moment.current) / length
            found[EndReason.CURRENT_RATE] = rate - until.current_rate
        if new.plated < point.plated:
            found[EndReason.LIMITING_CURRENT] = self._anode + new.plated
        return found

    def _add_rows(self, rows: list[Point], point: Point, end: Point) -> None:
        """Add the rows asked for after a point, up to the end of its step."""
        times = [time for time in self._record.times if point.time < time < end.time]
        if self._record.interval is not None:
            interval = self._record.interval
            first = math.floor(point.time / interval * (1.0 + _SAME_TIME)) + 1
            last = math.ceil(end.time / interval * (1.0 - _SAME_TIME))
            times += [interval * count for count in range(first, last)]
        fixed = sorted(set(times))
        for time in (*fixed, end.time):
            if time > point.time:
                self._add_changes(rows, point, time - point.time)
                if time < end.time:
                    rows.append(self._advance(point, time - point.time))

    def _add_changes(self, rows: list[Point], point: Point, length: float) -> None:
        """Add a row wherever voltage or current has moved as far as asked since the last row."""
        changes = (("voltage", self._record.voltage_change), ("current", self._record.current_change))
        for name, change in changes:
            if change is not None:
                self._add_change(rows, point, length, name, change)

    def _add_change(self, rows: list[Point], point: Point, length: float, name: str, change: float) -> None:
        def read(step: float) -> float:
            return float(getattr(self._advance(point, step).moment, name))

        end, last = read(length), float(getattr(rows[-1].moment, name))
        while abs(end - last) > change * (1.0 + _SAME_CHANGE):
            level = last + math.copysign(change, end - last)
            low = max(rows[-1].time - point.time, _LEAST_SHARE * length)
            found = float(brentq(lambda step, level=level: read(step) - level, low, length, rtol=1e-12))
            rows.append(self._advance(point, found))
            last = level


def _exhausted(control: Control) -> EndReason:
    return EndReason.MAXIMUM_POWER if isinstance(control, Power) else EndReason.LIMITING_CURRENT
