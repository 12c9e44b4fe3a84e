"""Why a step ended, judged from its rows: most instruments do not say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from devices.cycling.cycler import RowTaken
from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantVoltage,
    CurrentRamp,
    OpenCircuit,
    Until,
    VoltageRamp,
)

VOLTAGE_TOLERANCE = 1e-3
"""Volts by which a step's last row may miss the voltage that ended it; guess, fifty times a row's noise."""

BEYOND = 0.01
"""Volts by which a last row must lie outside the limits to be taken for a breach of them; guess."""

TIME_TOLERANCE = 1e-3
"""Seconds by which a step's last row may miss its duration; guess, one internal sample."""

SHARE_TOLERANCE = 0.02
"""Part by which a last row may miss a current, charge or energy that ended the step; guess: rows are trapezoids."""

CURRENT_GRAIN = 5e-10
"""A by which a last row may miss a least current by noise alone: five times that of a Squidstat's smallest range, a
guess of its class."""

ROUNDING = 1e-9
"""Part by which a quotient may miss a round number by its arithmetic."""

CURRENT_TOLERANCE = 0.1
"""Part by which a measured current may miss its setpoint before control counts as lost; guess."""

RAIL = 9.0
"""Volts beyond which no cell is behind the leads: the instruments' rails lie at 10 V (guess: a tenth below)."""

NO_VOLTAGE = 0.01
"""Volts below which a cell that should have a voltage has none; guess, far above an instrument's offset."""

JUMP = 0.05
"""Volts by which the voltage must jump, as the current vanishes, before a lead counts as open; guess."""

JUMP_WITHIN = 60.0
"""Seconds between two rows beyond which a cell could have come that far by itself; guess."""

FAR = 0.03
"""Volts from where the voltage is held beyond which a missing current is a fault and no hold; guess, some times what
instruments are off by."""

MOST_INVALID = 3
"""Failed readings one after another with which a driven step ends, on every instrument; guess."""

READING_FAILED = f"a reading is no number; a driven step is stopped after {MOST_INVALID} of them in a row"

FALL = 10e-3
"""V/s by which the voltage of a cell that nothing discharges must fall to be a short's; guess: what relaxes after a
charge does not go on so down to the least voltage."""

SURGE = 2.0
"""Times by which the current of a hold must have grown from one row to the next to be a short's; guess: the current
of a whole cell only falls while its voltage is held."""

SHORT_RESISTANCE = 20.0
"""Ohms below which current over voltage is a short and not a cell: a tenth of the FLA paper's cells (guess)."""


@dataclass(frozen=True)
class Measured:
    """What a step's rows say: its first and last row, charge [C] and energy [J] passed, the row before the last."""

    first: RowTaken
    last: RowTaken
    charge: float
    energy: float
    before: RowTaken | None = None


class Row(Protocol):
    """A measured row: s, V, A; NaN for a failed reading."""

    @property
    def time(self) -> float:
        """Seconds on any axis."""

    @property
    def voltage(self) -> float:
        """Volts."""

    @property
    def current(self) -> float:
        """Amperes."""


def drive_of(step: Step) -> float:
    """Return the current [A] a step asks for; 0 where it asks for none or for no current."""
    return step.run.current if isinstance(step.run, ConstantCurrent) else 0.0


def is_rest(step: Step) -> bool:
    """Return whether a step drives nothing."""
    return isinstance(step.run, OpenCircuit) or (isinstance(step.run, ConstantCurrent) and not drive_of(step))


def held_voltage(step: Step, limits: CellLimits) -> tuple[float, EndReason]:
    """Return the voltage [V] beyond which a constant current must not drive the cell, and what its end is called.

    The step's own end in the direction of the current, else the cell's limit.
    """
    until = step.until
    if drive_of(step) > 0:
        above = until.voltage_above
        limit = (limits.voltage_max, EndReason.SAFETY_VOLTAGE_MAX)
        return limit if above is None else (above, EndReason.VOLTAGE_ABOVE)
    below = until.voltage_below
    limit = (limits.voltage_min, EndReason.SAFETY_VOLTAGE_MIN)
    return limit if below is None else (below, EndReason.VOLTAGE_BELOW)


def fault_of(
    step: Step, before: Row | None, row: Row, limits: CellLimits, *, least: float = 0.0, holds: bool = False
) -> EndReason | None:
    """Return what is wrong with leads or cell as a row shows it, the same on every instrument; None: nothing.

    before: the row before it, in this step or at rest just before. least [A]: what cannot be told from no current.
    holds: the instrument goes on holding the voltage with which a constant current ends, and lets the current fall.
    A step's own ends come first: ask for them before. A cell whose limits reach to zero or below has no voltage of
    its own, and none is missed. An empty cell is no fault: nothing was ever drawn from it.
    """
    volts, amperes, drive = row.voltage, row.current, drive_of(step)
    if math.isnan(volts) or math.isnan(amperes):
        return None
    beyond = volts > limits.voltage_max + BEYOND or volts < limits.voltage_min - BEYOND
    jumped = before is not None and _jumped(before, row)
    is_low = limits.voltage_min > 0.0 and volts < limits.voltage_min - BEYOND
    if before is not None and _is_shorted(step, before, row, limits):
        return EndReason.SHORT_CIRCUIT
    if is_rest(step):
        if (is_low and abs(volts) < NO_VOLTAGE) or (beyond and abs(volts) >= RAIL):
            return EndReason.OPEN_CIRCUIT
        if beyond and jumped:
            return EndReason.SHORT_CIRCUIT if 0.0 < volts < limits.voltage_min else EndReason.OPEN_CIRCUIT
        return None
    is_gone = abs(amperes) <= max(least, CURRENT_TOLERANCE * abs(drive))
    if is_gone and _is_empty(step, before, row, limits):
        return None
    is_far = drive != 0.0 and not (holds and abs(volts - held_voltage(step, limits)[0]) <= FAR)
    opened = abs(amperes) <= least and jumped
    if (abs(volts) >= RAIL and beyond) or (drive and is_gone and (is_far or beyond)) or opened:
        return EndReason.OPEN_CIRCUIT
    if is_low and (abs(volts) < NO_VOLTAGE or abs(volts) < SHORT_RESISTANCE * abs(amperes)):
        return EndReason.SHORT_CIRCUIT
    if is_far and amperes / drive <= 1.0 - CURRENT_TOLERANCE + ROUNDING:
        return EndReason.CURRENT_LOST
    return None


def _is_shorted(step: Step, before: Row, row: Row, limits: CellLimits) -> bool:
    """Return whether a cell goes where only a short takes it: down to its least voltage though nothing discharges it,
    or up to its largest current though its voltage is held."""
    if isinstance(step.run, ConstantVoltage):
        surged = abs(row.current) > SURGE * abs(before.current)
        return surged and abs(row.current) >= limits.current_max * (1.0 - SHARE_TOLERANCE)
    rests_or_charges = isinstance(step.run, ConstantCurrent | OpenCircuit) and drive_of(step) >= 0.0
    fell = before.voltage - row.voltage > max(FALL * (row.time - before.time), 2.0 * VOLTAGE_TOLERANCE)
    sank = fell and row.voltage <= limits.voltage_min + VOLTAGE_TOLERANCE
    # Leads that fall off read nothing, or the rail.
    is_there = row.voltage >= NO_VOLTAGE or bool(drive_of(step))
    return rests_or_charges and limits.voltage_min > 0.0 and sank and is_there and row.voltage > -RAIL


def _is_empty(step: Step, before: Row | None, row: Row, limits: CellLimits) -> bool:
    """Return whether a discharge finds a cell that gives nothing, as before it there was one on the leads.

    A lead that falls off at that very instant looks the same.
    """
    drive = drive_of(step)
    if drive >= 0.0 or row.voltage > held_voltage(step, limits)[0] + VOLTAGE_TOLERANCE:
        return False
    if before is None:
        return True
    is_cell = abs(before.voltage) >= NO_VOLTAGE and (
        limits.voltage_min - BEYOND <= before.voltage <= limits.voltage_max + BEYOND
    )
    return is_cell and before.current > CURRENT_TOLERANCE * drive


def _jumped(before: Row, row: Row) -> bool:
    """Return whether the voltage went further between two rows than a cell goes by itself."""
    return row.time - before.time <= JUMP_WITHIN and abs(row.voltage - before.voltage) > JUMP


def own_end(step: Step, seen: Measured, longest: float) -> EndReason | None:
    """Return which of a step's own ends its last row shows; None when it shows none.

    longest [s] was uploaded where the step has no duration. An end by dV/dt or dI/dt cannot be seen in one row:
    it is the answer when the step has one and nothing else fits. A voltage that a constant current reached without
    its current is none: the leads are open. A discharge of one row had none to lose: its cell was empty.
    """
    until, last = step.until, seen.last
    elapsed = last.time - seen.first.time + TIME_TOLERANCE
    drive = abs(drive_of(step))
    flows = not drive or abs(last.current) > CURRENT_TOLERANCE * drive
    ramped = isinstance(step.run, CurrentRamp | VoltageRamp) and elapsed >= step.run.duration
    found = (
        (EndReason.VOLTAGE_ABOVE, flows and _reaches(last.voltage, until.voltage_above, VOLTAGE_TOLERANCE)),
        (
            EndReason.VOLTAGE_BELOW,
            (flows or last.time == seen.first.time)
            and _reaches(-last.voltage, minus(until.voltage_below), VOLTAGE_TOLERANCE),
        ),
        (
            EndReason.CURRENT_ABOVE,
            _reaches(abs(last.current), until.current_above, _part(until.current_above)),
        ),
        (EndReason.CURRENT_BELOW, _falls(abs(last.current), until)),
        (EndReason.CHARGE, _reaches(abs(seen.charge), until.charge, _part(until.charge))),
        (EndReason.ENERGY, _reaches(abs(seen.energy), until.energy, _part(until.energy))),
        (EndReason.DURATION, until.duration is not None and elapsed >= until.duration),
        (EndReason.SWEPT, ramped),
        (EndReason.LONGEST_STEP, until.duration is None and elapsed >= longest),
        (EndReason.CURRENT_BELOW, _falls(abs(last.current) - CURRENT_GRAIN, until)),
        (EndReason.VOLTAGE_RATE_BELOW, until.voltage_rate_below is not None),
        (EndReason.CURRENT_RATE_BELOW, until.current_rate_below is not None),
    )
    return next((reason for reason, is_so in found if is_so), None)


def may_have_ended(step: Step, seen: Measured | None) -> bool:
    """Return whether a step may have come to its end since its last row, which shows none; None: it has no row.

    A voltage or a current may run to its end between two rows; a time does not, where rows come by the clock.
    """
    if seen is None or step.record.voltage_change is not None:
        return True
    until, run = step.until, step.run
    lasts = run.duration if isinstance(run, CurrentRamp | VoltageRamp) else until.duration
    if lasts is None or any(name != "duration" for name in until.named()):
        return True
    return seen.last.time - seen.first.time + step.record.interval + TIME_TOLERANCE >= lasts


def is_beyond(seen: Measured, limits: CellLimits) -> bool:
    """Return whether the last row lies beyond the cell's limits: a lead that opened jumps past any end."""
    volts = seen.last.voltage
    return volts > limits.voltage_max + BEYOND or volts < limits.voltage_min - BEYOND


RATES = (EndReason.VOLTAGE_RATE_BELOW, EndReason.CURRENT_RATE_BELOW)
"""Ends that no row shows."""


def cut_cause(step: Step, seen: Measured, limits: CellLimits, named: EndReason | None = None) -> EndReason:
    """Return what made the instrument cut a step short, as its last row shows it.

    named: the limit that the instrument itself names; what is wrong with leads or cell is the reason behind it.
    """
    volts, amperes = seen.last.voltage, seen.last.current
    if math.isnan(volts) or math.isnan(amperes):
        return EndReason.INSTRUMENT_ERROR
    first = None if seen.first.time == seen.last.time else seen.first
    found = fault_of(step, seen.before or first, seen.last, limits) or named or limit_reached(seen, limits)
    if found is not None:
        return found
    return EndReason.CURRENT_LOST if current_is_lost(step, amperes) else EndReason.UNCLEAR


def limit_reached(seen: Measured, limits: CellLimits) -> EndReason | None:
    """Return which of the cell's limits the last row has reached; None: none."""
    volts, amperes = seen.last.voltage, seen.last.current
    if volts >= limits.voltage_max - VOLTAGE_TOLERANCE:
        return EndReason.SAFETY_VOLTAGE_MAX
    if volts <= limits.voltage_min + VOLTAGE_TOLERANCE:
        return EndReason.SAFETY_VOLTAGE_MIN
    if abs(amperes) >= limits.current_max * (1.0 - SHARE_TOLERANCE):
        return EndReason.SAFETY_CURRENT
    if limits.charge_max is not None and abs(seen.charge) >= limits.charge_max * (1.0 - SHARE_TOLERANCE):
        return EndReason.SAFETY_CHARGE
    return None


def current_is_lost(step: Step, current: float) -> bool:
    """Return whether a measured current [A] is not the one a constant-current step asks for."""
    if not isinstance(step.run, ConstantCurrent):
        return False
    return abs(current - step.run.current) > CURRENT_TOLERANCE * abs(step.run.current)


def _reaches(value: float, end: float | None, tolerance: float) -> bool:
    return end is not None and value >= end - tolerance


def _falls(current: float, until: Until) -> bool:
    end = until.current_below
    return end is not None and current <= end * (1.0 + SHARE_TOLERANCE)


def _part(end: float | None) -> float:
    return SHARE_TOLERANCE * (end or 0.0)


def minus(value: float | None) -> float | None:
    """Return the negative of what may be missing."""
    return None if value is None else -value
