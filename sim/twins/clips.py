"""Two leads of an instrument: the cell that hangs on them, or nothing. What every potentiostat twin needs.

Looking (`voltage`, `foresee`, `impedance`) changes nothing; what the cell lives through is kept by `drive` and
`settle` alone, so that how often somebody looks changes no later value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import ENDS_ONLY, REST, Control, Current, Power, Record, Until, Voltage
from sim.physics.cell.data import CellError, CellState, EndReason, Segment
from sim.physics.cell.rows import regular_times

if TYPE_CHECKING:
    from sim.physics.cell.cell import Cell

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

SLACK = 1e-6
"""Seconds by which a time may lie before the last one: event times are floats, the clock counts nanoseconds."""

NO_CELL = CellState((), 0.0, 0.0, 0.0)
"""What a segment on open leads leaves behind."""

ROUND_OFF = 1e-12
"""Volt by which open leads may miss an end that their ramp is calculated to meet."""


class CellUnderTest(Protocol):
    """What is wired to the leads: the model, and the state that they write back."""

    @property
    def cell(self) -> Cell:
        """The cell's model."""

    state: CellState


class Clips:
    """The leads. Times [s] are the bench's and only go on; rail [V] is where open leads are driven to.

    Between two calls that drive, nobody drives: the cell rests.
    """

    def __init__(self, rail: float) -> None:
        self.rail = rail
        self._under_test: CellUnderTest | None = None
        self._since = 0.0

    @property
    def wired(self) -> bool:
        """Whether a cell hangs on them."""
        return self._under_test is not None

    @property
    def capacitance(self) -> float:
        """The double layer [F] of the cathode, 0 without a cell."""
        if self._under_test is None:
            return 0.0
        parameters = self._under_test.cell.parameters
        return parameters.cathode_capacitance * parameters.area

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on the leads, or take it off (None); what was there keeps the state it has now."""
        self.settle(now)
        self._under_test = under_test

    def settle(self, now: float) -> None:
        """Let what nobody drove rest until `now`, and write its state into the cell."""
        if self._under_test is not None:
            self._under_test.state = self._rested(self._under_test, now)
        self._since = max(self._since, now)

    def voltage(self, now: float, current: float = 0.0) -> float:
        """Return the voltage [V] at the instant a current [A] flows; the rail where the cell cannot carry it."""
        if self._under_test is None:
            return math.copysign(self.rail, current) if current else 0.0
        try:
            found = self._under_test.cell.voltage(self._rested(self._under_test, now), current)
        except CellError:
            return math.copysign(self.rail, current)
        return min(max(found, -self.rail), self.rail)

    def impedance(self, frequency: Floats, now: float, bias: float = 0.0) -> Complexes:
        """Return the impedance [ohm] (m,) at frequencies [Hz] (m,) with a direct current [A]; inf without a cell.

        Raises CellError for frequencies that are not positive, or a bias that the cell cannot carry.
        """
        if self._under_test is None:
            return np.full(len(frequency), complex(math.inf, 0.0))
        state = self._rested(self._under_test, now)
        return self._under_test.cell.impedance(state, frequency, bias)

    def foresee(
        self, control: Control, until: Until, record: Record, now: float, state: CellState | None = None
    ) -> Segment:
        """Return what `drive` would return, from another state if one is given, and keep nothing.

        Raises RequestError as the cell does.
        """
        if self._under_test is None:
            return open_leads(control, until, record, self.rail)
        state = self._rested(self._under_test, now) if state is None else state
        return self._under_test.cell.step(state, control, until, record)

    def drive(self, control: Control, until: Until, record: Record, now: float) -> Segment:
        """Drive what hangs there from `now` until the first limit; it is then at now + segment.time[-1].

        Raises RequestError as the cell does.
        """
        segment = self.foresee(control, until, record, now)
        if self._under_test is not None:
            self._under_test.state = segment.state
        self._since = max(self._since, now) + float(segment.time[-1])
        return segment

    def _rested(self, under_test: CellUnderTest, now: float) -> CellState:
        rested = now - self._since
        if rested < -SLACK:
            raise ValueError(f"the leads stand at {self._since!r} s already, {now!r} s is before")
        if rested <= 0.0:
            return under_test.state
        return under_test.cell.step(under_test.state, REST, Until(duration=rested), ENDS_ONLY).state


def open_leads(control: Control, until: Until, record: Record, rail: float) -> Segment:
    """Return a step without a cell: no current flows, and the voltage goes where it is driven, to a rail [V].

    A current or a power drives it to the rail of its sign, a resistor discharges to 0 V. The ends are those of
    Cell.step, STEADY where none is left. A current that ramps through zero throws the voltage from rail to rail.
    Raises RequestError for a control without an end or outside its own limits.
    """
    until.check(control)

    def voltage(times: Floats) -> Floats:
        if isinstance(control, Voltage):
            return np.asarray(np.clip(control.value + control.rate * times, -rail, rail))
        if isinstance(control, Current):
            return np.asarray(rail * np.sign(control.value + control.rate * times))
        return np.full_like(times, math.copysign(rail, control.value) if isinstance(control, Power) else 0.0)

    turns = _turns(control, until, rail)
    end, reason = _first_end(control, until, rail, voltage, turns)
    times = regular_times(end, record.interval)
    asked = np.array(record.times)
    times = np.union1d(times, asked[asked < end]) if record.times else times
    if record.voltage_change is not None and isinstance(control, Voltage):
        # Leads without a cell do not wait for the packages of one.
        from sim.physics.cell.trace import crossings

        met = crossings(voltage, np.array(turns), times, record.voltage_change)
        times = np.unique(np.concatenate((times, met)))
    none = np.zeros_like(times)
    return Segment(times, voltage(times), none, none, none, reason, NO_CELL)


def _turns(control: Control, until: Until, rail: float) -> list[float]:
    """Return the instants [s] at which the voltage of open leads can first meet an end, ascending."""
    turns = [0.0, until.duration]
    rate = control.rate if isinstance(control, Voltage | Current) else 0.0
    if rate and isinstance(control, Voltage):
        levels = [math.copysign(rail, rate), until.lower, until.upper]
        turns += [(level - control.value) / rate for level in levels if level is not None]
    elif rate and isinstance(control, Current):
        turns += [math.nextafter(-control.value / rate, math.inf)]
    return sorted(turn for turn in turns if 0.0 <= turn < math.inf)


def _slope(control: Control, at: float, rail: float) -> float:
    """Return dV/dt [V/s] of open leads just after an instant [s]."""
    if not isinstance(control, Voltage):
        return 0.0
    value = control.value + control.rate * at
    return 0.0 if value * math.copysign(1.0, control.rate) >= rail else control.rate


def _first_end(
    control: Control, until: Until, rail: float, voltage: Callable[[Floats], Floats], turns: list[float]
) -> tuple[float, EndReason]:
    if until.smallest_current is not None:
        return 0.0, EndReason.SMALLEST_CURRENT
    if until.current_rate is not None:
        return 0.0, EndReason.CURRENT_RATE
    for turn, value in zip(turns, voltage(np.array(turns)).tolist(), strict=True):
        if until.lower is not None and value <= until.lower + ROUND_OFF:
            return turn, EndReason.LOWER_VOLTAGE
        if until.upper is not None and value >= until.upper - ROUND_OFF:
            return turn, EndReason.UPPER_VOLTAGE
        if turn >= until.duration:
            return until.duration, EndReason.DURATION
        if until.voltage_rate is not None and abs(_slope(control, turn, rail)) <= until.voltage_rate:
            return turn, EndReason.VOLTAGE_RATE
    return turns[-1], EndReason.STEADY
