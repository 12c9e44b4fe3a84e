"""Layers in parallel as one cell, for whatever drives cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.cell import Cell
from sim.physics.cell.control import ENDS_ONLY, REST, Control, Current, Power, Record, Until
from sim.physics.cell.data import CellError, CellParameters, CellState, EndReason, Segment
from sim.physics.cell.impedance import impedance
from sim.physics.cell.stack import ParallelStack

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class StackedState(CellState):
    """Hold what every layer remembers; lithium [-] is the mean of theirs, all else their sum."""

    layers: tuple[CellState, ...] = ()

    @classmethod
    def of(cls, layers: Sequence[CellState], charge: float, energy: float) -> StackedState:
        """Return the state of layers; charge [C] and energy [J] are those of the terminals."""
        return cls(
            lithium=tuple(np.mean([each.lithium for each in layers], axis=0).tolist()),
            anode_lithium=sum(each.anode_lithium for each in layers),
            charge=charge,
            energy=energy,
            cycles=max(each.cycles for each in layers),
            discharged=sum(each.discharged for each in layers),
            layers=tuple(layers),
        )

    def to_dict(self) -> dict[str, object]:
        """Return the state as plain numbers and lists."""
        layers = [each.to_dict() for each in self.layers]
        return {"layers": layers, "charge": self.charge, "energy": self.energy}


class StackedCell(Cell):
    """Layers that share one pair of terminals, to be driven as one cell; each has a film and a state of its own.

    parameters are those of the first layer on the area of all: what the stack would be if all were like it.
    """

    def __init__(self, layers: Sequence[CellParameters]) -> None:
        """Take the layers, with films of one mesh. Raises CellError when they make no stack."""
        self.stack = ParallelStack(layers)
        super().__init__(replace(layers[0], area=sum(each.area for each in layers)))

    def fresh(self) -> StackedState:
        """Return all layers as made."""
        return StackedState.of(self.stack.fresh(), 0.0, 0.0)

    def state_from(self, data: Mapping[str, object]) -> StackedState:
        """Rebuild a state from its `to_dict`. Raises CellError."""
        layers, charge, energy = data.get("layers"), data.get("charge"), data.get("energy")
        if not isinstance(layers, list) or len(layers) != len(self.stack.layers):
            raise CellError(f"the state of a stack has {len(self.stack.layers)} layers")
        if not isinstance(charge, int | float) or not isinstance(energy, int | float):
            raise CellError("charge and energy of a stack must be numbers")
        return StackedState.of([CellState.from_dict(each) for each in layers], float(charge), float(energy))

    def voltage(self, state: CellState, current: float) -> float:
        """Return the voltage [V] at the instant a current [A] flows. Raises CellError when it cannot."""
        return self.stack.instant(_layers(state), Current(current))[0]

    def shares(self, state: CellState, current: float) -> Floats:
        """Return the current [A] of each layer at the instant one [A] flows through all."""
        return self.stack.instant(_layers(state), Current(current))[1]

    def impedance(self, state: CellState, frequency: Floats, bias: float = 0.0) -> Complexes:
        """Return the impedance [ohm] (m,) at frequencies [Hz] (m,) with a direct current [A]. Raises CellError."""
        states = _layers(state)
        currents = self.shares(state, bias).tolist() if bias else [0.0] * len(states)
        each = [
            impedance(layer, own, frequency, current)
            for layer, own, current in zip(self.stack.layers, states, currents, strict=True)
        ]
        return np.asarray(1.0 / np.sum([1.0 / one for one in each], axis=0))

    def step(self, state: CellState, control: Control, until: Until, record: Record = ENDS_ONLY) -> Segment:
        """Drive the stack as `Cell.step` drives one cell."""
        layers = _layers(state)
        try:
            found = self.stack.step(layers, control, until, record)
        except CellError:
            volts, none = self.stack.instant(layers, REST)[0], np.zeros(1)
            ended = EndReason.MAXIMUM_POWER if isinstance(control, Power) else EndReason.LIMITING_CURRENT
            return Segment(none, np.array([volts]), none, none, none, ended, state)
        left = StackedState.of(
            found.states, state.charge + float(found.charge[-1]), state.energy + float(found.energy[-1])
        )
        return Segment(found.time, found.voltage, found.current, found.charge, found.energy, found.end, left)


def _layers(state: CellState) -> tuple[CellState, ...]:
    if not isinstance(state, StackedState):
        raise CellError("the state is one of a single cell, not of a stack")
    return state.layers


def cell_of_layers(layers: Sequence[CellParameters]) -> Cell:
    """Return layers in parallel as a cell: one of their whole area where all are equal, which is the same."""
    first = layers[0]
    if all(layer == first for layer in layers):
        return Cell(replace(first, area=first.area * len(layers)))
    return StackedCell(layers)
