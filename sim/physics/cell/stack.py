"""Cells in parallel: layers of a stack that share one voltage while their currents add up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import ENDS_ONLY, Control, Power, Record, Until
from sim.physics.cell.data import SURFACE_MARGIN, CellError, CellParameters, CellState, EndReason, turned
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.interfaces import Interfaces
from sim.physics.cell.panels import NODES, ORDER, TO_COEFFICIENTS, WEIGHTS, Panels
from sim.physics.cell.rows import row_times
from sim.physics.cell.trace import Trace
from sim.physics.cell.watch import Watch

Floats = NDArray[np.float64]

_TOLERANCE = 1e-9  # of all sites times 1 V, and of all sites: what a panel may miss
_NEWTON_STEPS = 30
_LARGEST_STEP = 0.15  # V
_SETTLED = 1e-6  # V
_LOWEST_LEVEL, _HIGHEST_LEVEL = -30, 40


@dataclass(frozen=True, eq=False)
class StackSegment:
    """Hold one step of a stack: rows, each layer's current [A] (n, layers), why it ended, states it left."""

    time: Floats
    voltage: Floats
    current: Floats
    charge: Floats
    energy: Floats
    layer_current: Floats
    end: EndReason
    states: tuple[CellState, ...]


@dataclass(eq=False)
class _Layer:
    """Hold one layer on its way through a step."""

    parameters: CellParameters
    film: PlanarFilm
    panels: Panels
    faces: Interfaces
    state: CellState
    mean: float
    amplitudes: Floats
    potential: Floats
    density: Floats


@dataclass(frozen=True, eq=False)
class _Together:
    """Hold a panel of the stack at its nodes: voltage, current (ORDER,), densities and potentials of layers."""

    length: float
    voltage: Floats
    current: Floats
    densities: Floats
    potentials: Floats


class ParallelStack:
    """Step cells in parallel under one control, as `Cell.step` does with one.

    Each layer is a cell with its own film, area, resistances and leak; no extra equations: Newton's method on
    the potentials and currents of all layers and on the voltage they share.
    """

    def __init__(self, layers: Sequence[CellParameters]) -> None:
        """Take the layers. Raises CellError when there is none or a film cannot be built."""
        if not layers:
            raise CellError("a stack needs at least one layer")
        self.layers = tuple(layers)
        try:
            self._films = [
                PlanarFilm(np.array(each.edges), np.array(each.diffusivity), each.site_density)
                for each in layers
            ]
        except ValueError as error:
            raise CellError(f"a film of this stack cannot be built: {error}") from error
        self._panels = [Panels(film) for film in self._films]
        self._sites = sum(film.capacity * each.area for film, each in zip(self._films, layers, strict=True))

    def fresh(self) -> tuple[CellState, ...]:
        """Return every layer as made."""
        return tuple(
            CellState(
                (each.as_made_lithium,) * len(each.diffusivity), each.anode_lithium * each.area, 0.0, 0.0
            )
            for each in self.layers
        )

    def instant(self, states: Sequence[CellState], control: Control) -> tuple[float, Floats]:
        """Return the voltage [V] at the instant a control acts, and each layer's current [A] (layers,), leaks and all.

        Raises CellError when the layers cannot meet it.
        """
        layers = self._prepared(states, control)
        found = self._solve(layers, control, 0.0, None)
        if found is None:
            raise CellError(f"the stack cannot meet {control} from these states")
        volts = float(found.voltage[0])
        areas = np.array([each.area for each in self.layers])
        leaks = np.array([each.faces.leak_conductance for each in layers])
        return volts, areas * (found.densities[:, 0] + leaks * volts)

    def step(
        self,
        states: Sequence[CellState],
        control: Control,
        until: Until,
        record: Record = ENDS_ONLY,
    ) -> StackSegment:
        """Drive the stack until the first limit; LIMITING_CURRENT or MAXIMUM_POWER where it can give no more.

        Raises RequestError for a control without an end, CellError for states that do not fit.
        """
        until.check(control)
        layers = self._prepared(states, control)
        watch = Watch(until, 1.0, 0.0)
        first = self._solve(layers, control, 0.0, None)
        if first is None:
            raise CellError(f"the stack cannot meet {control} from these states")
        reason = watch.at_once(float(first.voltage[0]), float(first.current[0]))
        passed: list[_Together] = []
        if reason is None:
            reason = self._walk(layers, control, watch, until.duration, passed)
        return self._segment(layers, first, passed, record, reason)

    def _prepared(self, states: Sequence[CellState], control: Control) -> list[_Layer]:
        if [len(state.lithium) for state in states] != [len(each.diffusivity) for each in self.layers]:
            raise CellError("the states do not fit the layers of the stack")
        charging = False
        layers = self._layers(states)
        if any(state.discharged for state in states):
            first = self._solve(layers, control, 0.0, None)
            charging = first is not None and bool(first.current[0] > 0.0)
        halves = [
            0.5 * film.capacity * each.area for film, each in zip(self._films, self.layers, strict=True)
        ]
        return self._layers(
            [turned(state, half, charging) for state, half in zip(states, halves, strict=True)]
        )

    def _layers(self, states: Sequence[CellState]) -> list[_Layer]:
        found = []
        for parameters, film, panels, state in zip(
            self.layers, self._films, self._panels, states, strict=True
        ):
            mean, amplitudes = film.split(np.array(state.lithium))
            front = min(max(state.lithium[0], SURFACE_MARGIN), 1.0 - SURFACE_MARGIN)
            potential = np.atleast_1d(parameters.ocp.potential(front))
            faces = Interfaces.of(parameters, state)
            found.append(
                _Layer(parameters, film, panels, faces, state, mean, amplitudes, potential, np.zeros(1))
            )
        return found

    def _walk(
        self, layers: list[_Layer], control: Control, watch: Watch, horizon: float, passed: list[_Together]
    ) -> EndReason:
        time, charge, level, highest = 0.0, 0.0, -4, _HIGHEST_LEVEL
        while time < horizon:
            length = min(2.0**level, horizon - time)
            solved = self._solve(layers, control, time, length)
            error = math.inf if solved is None else self._error(solved)
            if solved is None or (error > 1.0 and level > _LOWEST_LEVEL):
                if level <= _LOWEST_LEVEL:
                    break
                highest = min(highest, level - 1) if solved is None else highest
                level -= 1 if error < 1e3 else 3
                continue
            areas = np.array([each.parameters.area for each in layers])
            through = areas @ solved.densities
            anode = sum(each.state.anode_lithium for each in layers)
            hit = watch.first(charge, anode, solved.length, (solved.voltage, solved.current, through))
            if hit is not None:
                length, reason = hit
                solved = self._solve(layers, control, time, length) if length > 0.0 else None
                if solved is not None:
                    self._advance(layers, solved)
                    passed.append(solved)
                return reason
            passed.append(solved)
            self._advance(layers, solved)
            time += solved.length
            charge += solved.length * float(WEIGHTS @ solved.current)
            level = min(level + (2 if error < 1e-4 else 1 if error < 3e-2 else 0), highest)
            highest = min(highest + 1, _HIGHEST_LEVEL)
        else:
            return EndReason.DURATION
        return EndReason.MAXIMUM_POWER if isinstance(control, Power) else EndReason.LIMITING_CURRENT

    def _solve(
        self, layers: list[_Layer], control: Control, time: float, length: float | None
    ) -> _Together | None:
        """Return the next panel of a length [s], or the instant itself (length None); None without solution."""
        resting, gains = [], []
        for each in layers:
            if length is None:
                resting.append(np.array([each.mean + float(each.film.drive @ each.amplitudes)]))
                gains.append(np.array([[-each.film.surface_resistance]]))
            else:
                dyadic = math.frexp(length)[0] == 0.5
                panel = (
                    each.panels.dyadic(math.frexp(length)[1] - 1) if dyadic else each.panels.of_length(length)
                )
                resting.append(each.mean + panel.surface_decays @ each.amplitudes)
                gains.append(panel.surface_gains)
        count = 1 if length is None else ORDER
        times = np.array([time]) if length is None else time + length * NODES
        found = self._newton(layers, control, times, np.array(resting), np.array(gains), count)
        return None if found is None else _Together(length or 0.0, *found)

    def _newton(
        self,
        layers: list[_Layer],
        control: Control,
        times: Floats,
        resting: Floats,
        gains: Floats,
        count: int,
    ) -> tuple[Floats, Floats, Floats, Floats] | None:
        ones = np.ones(count)
        potentials = np.array([each.potential[-1] * ones for each in layers])
        densities = np.array([each.density[-1] * ones for each in layers])
        areas = np.array([each.parameters.area for each in layers])
        active = np.array([each.faces.active for each in layers])[:, None]
        leak = float(areas @ np.array([each.faces.leak_conductance for each in layers]))
        voltage = potentials.mean(axis=0)
        each_diagonal = np.arange(count)
        for _ in range(_NEWTON_STEPS):
            drops = [
                each.faces.at_potential(potential, density)
                for each, potential, density in zip(layers, potentials, densities, strict=True)
            ]
            filling = np.array([drop.filling / drop.to_potential for drop in drops])
            slope = np.array([drop.to_density for drop in drops])
            off = np.array([drop.voltage for drop in drops]) - voltage
            astray = np.array([drop.lithium for drop in drops]) - resting
            astray -= np.einsum("ljk,lk->lj", gains, densities / active)
            matrix = gains / active[:, :, None]
            matrix[:, each_diagonal, each_diagonal] += filling * slope
            sides = np.zeros((len(layers), count, count + 1))
            sides[:, each_diagonal, each_diagonal] = filling
            sides[:, :, -1] = astray - filling * off
            try:
                answers = np.linalg.solve(matrix, sides)
                current = areas @ densities + leak * voltage
                missing, by_voltage, by_current = control.residual(voltage, current, times)
                to_voltage = np.einsum("l,ljk->jk", areas, answers[:, :, :-1]) + leak * np.eye(count)
                constant = areas @ answers[:, :, -1]
                full = np.diag(by_voltage * ones) + (by_current * ones)[:, None] * to_voltage
                step = np.linalg.solve(full, -missing - by_current * constant)
            except np.linalg.LinAlgError:
                return None
            flow = answers[:, :, :-1] @ step + answers[:, :, -1]
            moved = (step - off - slope * flow) / np.array([drop.to_potential for drop in drops])
            largest = max(float(np.max(np.abs(moved))), float(np.max(np.abs(step))))
            if not math.isfinite(largest):
                return None
            share = min(1.0, _LARGEST_STEP / largest) if largest > 0.0 else 1.0
            potentials, densities = potentials + share * moved, densities + share * flow
            voltage = voltage + share * step
            if potentials.min() < -8.0 or potentials.max() > 14.0:
                return None
            if largest < _SETTLED:
                return voltage, areas @ densities + leak * voltage, densities, potentials
        return None

    def _error(self, solved: _Together) -> float:
        """Return the largest error of a panel over what is allowed."""
        last = TO_COEFFICIENTS[-2:].T
        areas = np.array([each.area for each in self.layers])
        currents = float(np.max(np.abs(solved.densities @ last).sum(axis=1) * areas))
        voltage = float(np.abs(solved.voltage @ last).sum())
        largest = float(np.max(areas @ np.abs(solved.densities)))
        allowed = _TOLERANCE * self._sites
        return max(
            currents * solved.length / allowed, voltage * largest * solved.length / allowed, voltage / 2e-7
        )

    @staticmethod
    def _advance(layers: list[_Layer], solved: _Together) -> None:
        for each, density, potential in zip(layers, solved.densities, solved.potentials, strict=True):
            decays, gains = each.panels.end(solved.length)
            film_density = density / each.faces.active
            through = solved.length * float(WEIGHTS @ film_density)
            each.mean -= through / each.film.capacity
            each.amplitudes = decays * each.amplitudes + gains @ film_density
            each.potential, each.density = potential, density

    def _segment(
        self,
        layers: list[_Layer],
        first: _Together,
        passed: list[_Together],
        record: Record,
        reason: EndReason,
    ) -> StackSegment:
        areas = np.array([each.parameters.area for each in layers])
        if not passed:
            none = np.zeros(1)
            states = tuple(each.state for each in layers)
            shares = (areas[:, None] * first.densities).T
            return StackSegment(none, first.voltage, first.current, none, none, shares, reason, states)
        lengths = np.array([each.length for each in passed])
        voltage = np.array([each.voltage for each in passed])
        total = Trace(lengths, voltage, np.array([each.current for each in passed]))
        times = row_times(record, total, float(lengths.sum()), total.voltage, total.current)
        charge, energy = total.counters(times)
        left: list[CellState] = []
        currents: list[Floats] = []
        for number, each in enumerate(layers):
            density = np.array([panel.densities[number] for panel in passed])
            terminal = areas[number] * (density + each.faces.leak_conductance * voltage)
            own = Trace(lengths, voltage, terminal)
            left.append(
                self._left(
                    each, own, float(areas[number] * (lengths @ (density @ WEIGHTS))), density, lengths
                )
            )
            currents.append(own.current(times))
        return StackSegment(
            times,
            total.voltage(times),
            total.current(times),
            charge,
            energy,
            np.array(currents).T,
            reason,
            tuple(left),
        )

    @staticmethod
    def _left(layer: _Layer, own: Trace, through: float, density: Floats, lengths: Floats) -> CellState:
        before, lost = layer.state, layer.parameters.ageing.plating_loss
        plated = layer.parameters.area * float(lengths @ (np.maximum(density, 0.0) @ WEIGHTS))
        return CellState(
            lithium=tuple(layer.film.join(layer.mean, layer.amplitudes).tolist()),
            anode_lithium=before.anode_lithium + through - lost * plated,
            charge=before.charge + own.charge,
            energy=before.energy + own.energy,
            cycles=before.cycles,
            discharged=before.discharged + own.discharged(),
        )
