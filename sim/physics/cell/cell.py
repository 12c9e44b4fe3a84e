"""The cell: a planar insertion film, a solid electrolyte and lithium, under any control, exact in time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.collocation import NoSolutionError, Solved, is_exact
from sim.physics.cell.constant_current import ConstantCurrent
from sim.physics.cell.control import ENDS_ONLY, REST, Control, Current, Record, RequestError, Until
from sim.physics.cell.data import (
    SURFACE_MARGIN,
    Ageing,
    CellError,
    CellParameters,
    CellState,
    EndReason,
    Segment,
    turned,
)
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.impedance import impedance
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.modal_march import Course, March
from sim.physics.cell.panels import Panels
from sim.physics.cell.rows import row_times
from sim.physics.cell.time_grid import TimeGrids
from sim.physics.cell.trace import Trace
from sim.physics.cell.watch import Watch

__all__ = [
    "Ageing",
    "Cell",
    "CellError",
    "CellParameters",
    "CellState",
    "EndReason",
    "Segment",
    "cycled_capacity",
]

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


class Cell:
    """Step a cell under a control: current, voltage, power, resistance, their ramps, or rest.

    The film by its modes, the interfaces as `Interfaces` says, double layers quasi-static: for times shorter
    than a millisecond and for diffusion that depends on x see the finite-volume engine. A constant current
    without a leak is exact. Every method is a pure function of its arguments.
    """

    def __init__(self, parameters: CellParameters) -> None:
        """Build the modes of the film.

        Raises CellError for parameters that do not fit together.
        """
        self.parameters = parameters
        try:
            self._film = PlanarFilm(
                np.array(parameters.edges), np.array(parameters.diffusivity), parameters.site_density
            )
        except ValueError as error:
            raise CellError(f"the film of this cell cannot be built: {error}") from error
        self._panels, self._grids = Panels(self._film), TimeGrids(self._film.rates)

    @property
    def site_charge(self) -> float:
        """Return the charge of all active sites [C], x from 0 to 1."""
        return self._film.capacity * self.parameters.area

    @property
    def slowest(self) -> float:
        """Return the time constant [s] of the film's slowest mode: after some of them it is even in itself."""
        return 1.0 / float(self._film.rates[0])

    def fresh(self) -> CellState:
        """Return the cell as made: discharged, the film at as_made_lithium throughout."""
        lithium = (self.parameters.as_made_lithium,) * len(self.parameters.diffusivity)
        return CellState(lithium, self.parameters.anode_lithium * self.parameters.area, 0.0, 0.0)

    def state_from(self, data: Mapping[str, object]) -> CellState:
        """Rebuild a state from its `to_dict`. Raises CellError."""
        return CellState.from_dict(data)

    def impedance(self, state: CellState, frequency: Floats, bias: float = 0.0) -> Complexes:
        """Return the impedance [ohm] (m,) at frequencies [Hz] (m,) with a direct current [A]. Raises CellError."""
        return impedance(self.parameters, state, frequency, bias)

    def voltage(self, state: CellState, current: float) -> float:
        """Return the voltage [V] at the instant a current [A] flows from a state.

        Raises CellError when the surface of the film cannot carry the current.
        """
        interfaces = Interfaces.of(self.parameters, state)
        try:
            here = self._march(interfaces).instant(self._course(state), Current(current))
        except (NoSolutionError, RequestError) as error:
            raise CellError(f"the surface of the film cannot carry {current!r} A from this state") from error
        return float(here.voltage[0])

    def current_step(
        self,
        state: CellState,
        current: float,
        duration: float,
        lower: float | None = None,
        upper: float | None = None,
        sample_interval: float | None = None,
        sample_voltage_change: float | None = None,
    ) -> Segment:
        """Run a constant current [A] until its duration [s] or its first cut-off [V]: `step` in one line.

        Raises CellError for a request that is not finite and positive where it must be.
        """
        try:
            until = Until(duration=duration, lower=lower, upper=upper)
            record = Record(interval=sample_interval, voltage_change=sample_voltage_change)
            return self.step(state, Current(current), until, record)
        except RequestError as error:
            raise CellError(str(error)) from error

    def step(self, state: CellState, control: Control, until: Until, record: Record = ENDS_ONLY) -> Segment:
        """Drive the cell until the first limit, whichever comes first, and return the rows asked for.

        Limits act for either sign of the current. Rows lie at the first and the last instant and where the
        record asks, wherever the calculation itself went. LIMITING_CURRENT: the surface of the film, or the
        lithium of the anode, is used up; MAXIMUM_POWER: no current gives the power asked for; STEADY: nothing
        changes any more and no limit will be met. A control that cannot be met from the first instant gives
        one row at rest: nothing has flowed. To stop a step early, run it again from its start with the
        shorter duration.
        Raises RequestError for a control without an end or outside its own limits, CellError for a state
        that does not fit the cell and for a step whose end is too far off to be found.
        """
        until.check(control)
        state = self._turned(state, control)
        interfaces = Interfaces.of(self.parameters, state)
        march = self._march(interfaces)
        try:
            course = self._course(state)
            first = march.instant(course, control)
        except NoSolutionError:
            return self._refused(state, march, control)
        watch = Watch(until, self.parameters.area, self.parameters.ageing.plating_loss)
        endless = math.isinf(until.duration) and first.current[0] == 0.0
        if is_exact(control, interfaces) and not (watch.watches_rates or endless):
            return self._exact_step(state, first, interfaces, until, record)
        end, passed, reason = march.walk(course, control, first, watch, until.duration)
        if not passed:
            return _one_row(state, first, reason)
        trace = Trace(
            np.array([each.length for each in passed]),
            np.array([each.voltage for each in passed]),
            np.array([each.current for each in passed]),
        )
        lithium = self._film.join(end.mean, end.amplitudes)
        return self._segment(
            state, _Ending(lithium, end.anode, end.time, reason), trace, record, first, trace.voltage
        )

    def _exact_step(
        self, state: CellState, first: Solved, interfaces: Interfaces, until: Until, record: Record
    ) -> Segment:
        """Run a constant current: its end is solved for, its voltage known at any time."""
        parameters, profile = self.parameters, self._profile(state)
        current, density = float(first.current[0]), float(first.density[0])
        reason = Watch(until, parameters.area, 0.0).at_once(float(first.voltage[0]), current)
        horizon, last = self._horizon(state, current, until, interfaces.active)
        if reason is not None or horizon == 0.0:
            return _one_row(state, first, reason or last)
        run = ConstantCurrent(self._film, self._grids, profile, density, interfaces)
        low = -math.inf if until.lower is None else until.lower
        high = math.inf if until.upper is None else until.upper
        end, reason, voltages = run.follow(horizon, low, high)
        if reason is EndReason.DURATION:
            reason = last
        if end == 0.0:
            return _one_row(state, first, reason)
        charge = current * end
        plated = charge - parameters.ageing.plating_loss * max(charge, 0.0)
        lithium = self._film.advance(profile, density / interfaces.active, end)
        ending = _Ending(lithium, state.anode_lithium + plated, end, reason)
        trace = Trace(*voltages, np.full_like(voltages.values, current))
        segment = self._segment(state, ending, trace, record, first, run.voltage)
        times = segment.time
        return replace(segment, current=np.full_like(times, current), charge=current * times)

    def _horizon(
        self, state: CellState, current: float, until: Until, active: float
    ) -> tuple[float, EndReason]:
        """Return when [s] a constant current ends if no voltage ends it, and why."""
        ends = [(until.duration, EndReason.DURATION)]
        if current != 0.0:
            mean = self._film.mean(self._profile(state))
            sites = self.site_charge * active
            left = mean * sites if current > 0.0 else min((1.0 - mean) * sites, state.anode_lithium)
            ends.append((max(left, 0.0) / abs(current), EndReason.LIMITING_CURRENT))
            if until.charge is not None:
                ends.append((until.charge / abs(current), EndReason.CHARGE))
        return min(ends, key=lambda each: each[0])

    def _segment(
        self,
        state: CellState,
        ending: _Ending,
        trace: Trace,
        record: Record,
        first: Solved,
        voltage: Callable[[Floats], Floats],
    ) -> Segment:
        """Return the rows of a step and the state it leaves."""
        if record == ENDS_ONLY:
            last_voltage, last_current = trace.ends
            times, charge, energy = np.array(((0.0, ending.time), (0.0, trace.charge), (0.0, trace.energy)))
            volts, amperes = np.array((0.0, last_voltage)), np.array((0.0, last_current))
        else:
            times = row_times(record, trace, ending.time, voltage, trace.current)
            charge, energy = trace.counters(times)
            charge[-1], energy[-1] = trace.charge, trace.energy
            volts, amperes = voltage(times), trace.current(times)
        volts[0], amperes[0] = first.voltage[0], first.current[0]
        left = CellState(
            lithium=tuple(ending.lithium.tolist()),
            anode_lithium=ending.anode,
            charge=state.charge + trace.charge,
            energy=state.energy + trace.energy,
            cycles=state.cycles,
            discharged=state.discharged + trace.discharged(),
        )
        return Segment(times, volts, amperes, charge, energy, ending.reason, left)

    def _turned(self, state: CellState, control: Control) -> CellState:
        """Return the state aged by the discharge before, when a charge begins now."""
        if state.discharged == 0.0:
            return state
        if isinstance(control, Current):
            return turned(state, 0.5 * self.site_charge, control.value > 0.0)
        try:
            first = self._march(Interfaces.of(self.parameters, state)).instant(self._course(state), control)
        except NoSolutionError:
            return state
        return turned(state, 0.5 * self.site_charge, bool(first.current[0] > 0.0))

    def _refused(self, state: CellState, march: March, control: Control) -> Segment:
        """Return one row at rest for a control that cannot be met from the first instant."""
        reason, none = march.exhausted(control), np.zeros(1)
        try:
            rest = march.instant(self._course(state), REST)
        except NoSolutionError:
            # A film full or empty to the last digit rests where its table ends.
            surface = np.clip(np.array([state.lithium[0]]), 2.0 * SURFACE_MARGIN, 1.0 - 2.0 * SURFACE_MARGIN)
            return Segment(none, self.parameters.ocp.potential(surface), none, none, none, reason, state)
        return _one_row(state, rest, reason)

    def _march(self, interfaces: Interfaces) -> March:
        return March(
            self._film, self._panels, interfaces, self.parameters.area, self.parameters.ageing.plating_loss
        )

    def _course(self, state: CellState) -> Course:
        mean, amplitudes = self._film.split(self._profile(state))
        return Course(mean, amplitudes, state.anode_lithium)

    def _profile(self, state: CellState) -> Floats:
        if len(state.lithium) != len(self.parameters.diffusivity):
            expected = len(self.parameters.diffusivity)
            raise CellError(f"the state has {len(state.lithium)} volumes, the cell {expected}")
        return np.array(state.lithium)


@dataclass(frozen=True, eq=False)
class _Ending:
    """Hold where a step ended: the film (n,) [-], the lithium on the anode [C], when [s], and why."""

    lithium: Floats
    anode: float
    time: float
    reason: EndReason


def cycled_capacity(cell: Cell, current: float, lower: float, upper: float, cycles: int) -> float:
    """Return the discharge capacity [C] of the last of some cycles of a fresh cell.

    current [A] > 0 both ways, cut-offs [V]; no hold at either end.
    """
    state = cell.fresh()
    capacity = 0.0
    for _ in range(cycles):
        state = cell.current_step(state, current, math.inf, upper=upper).state
        discharge = cell.current_step(state, -current, math.inf, lower=lower)
        state, capacity = discharge.state, abs(float(discharge.charge[-1]))
    return capacity


def _one_row(state: CellState, first: Solved, reason: EndReason) -> Segment:
    none = np.zeros(1)
    return Segment(none, first.voltage, first.current, none, none, reason, state)
