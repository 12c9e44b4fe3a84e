"""What hangs on a channel's clips: a cell that is driven or rests, or nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.physics.cell.control import ENDS_ONLY, REST, Control, Record, Until
from sim.physics.cell.data import CellState, Segment
from sim.twins.clips import SLACK, CellUnderTest, open_leads

if TYPE_CHECKING:
    from sim.physics.cell.cell import Cell

STRAY_CAPACITANCE, INPUT_RESISTANCE = 1e-11, 1e12
"""F and ohm between open leads; guess: a metre of shielded lead, an electrometer."""


@dataclass(frozen=True)
class Leads:
    """What hangs on a channel: the cell and its state, or nothing; rail [V] is where open leads are driven to."""

    cell: Cell | None
    state: CellState | None
    rail: float

    def step(self, control: Control, until: Until, record: Record = ENDS_ONLY) -> Segment:
        """Drive it; nothing is kept."""
        if self.cell is None or self.state is None:
            return open_leads(control, until, record, self.rail)
        return self.cell.step(self.state, control, until, record)

    def open_circuit(self) -> float:
        """Return its voltage [V] without a current."""
        return 0.0 if self.cell is None or self.state is None else self.cell.voltage(self.state, 0.0)

    def impedance(self, frequency: float, bias: float) -> complex:
        """Return it [ohm] at a frequency [Hz] with a direct current [A]. Raises CellError."""
        if self.cell is None or self.state is None:
            return 1.0 / complex(1.0 / INPUT_RESISTANCE, 2.0 * math.pi * frequency * STRAY_CAPACITANCE)
        found = self.cell.impedance(self.state, np.array([frequency]), bias)
        return complex(found[0])

    def after_rest(self, seconds: float) -> Leads:
        """Return it after it rested for some seconds."""
        if self.state is None or seconds <= SLACK:
            return self
        return replace(self, state=self.step(REST, Until(duration=seconds)).state)


class OwnClips:
    """The clips of a channel that solves ahead: the state at the begin of what was solved, not of now.

    What nobody drives rests, `since` when it was last looked after [s]. Who drives says so by `keep`.
    """

    def __init__(self, rail: float) -> None:
        self._rail = rail
        self._under_test: CellUnderTest | None = None
        self._state: CellState | None = None
        self._since = 0.0

    @property
    def leads(self) -> Leads:
        """What hangs there, in the state that was last kept."""
        return Leads(None if self._under_test is None else self._under_test.cell, self._state, self._rail)

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on them, or take it off."""
        self._under_test, self._since = under_test, now
        self._state = None if under_test is None else under_test.state

    def rest_until(self, now: float) -> None:
        """Let what nobody drives rest until now."""
        self._state = self.leads.after_rest(now - self._since).state
        self._since = max(self._since, now)

    def rest_from(self, now: float) -> None:
        """Let go of it now."""
        self._since = now

    def keep(self, state: CellState) -> None:
        """Remember what a drive left behind, and write it into the cell."""
        if self._under_test is not None:
            self._state = self._under_test.state = state

    def show(self, state: CellState | None = None) -> None:
        """Write a state into the cell, to be saved: the one that was kept, or one of now."""
        if self._under_test is not None and self._state is not None:
            self._under_test.state = state or self._state

    def open_circuit_at(self, now: float) -> float:
        """Return the voltage [V] that what rests there has at a time; nothing is kept."""
        return self.leads.after_rest(now - self._since).open_circuit()
