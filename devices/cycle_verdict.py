"""Why a step ended, judged from its rows: most instruments do not say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.cycle_ends import EndReason
from devices.cycler import RowTaken
from devices.programs import CellLimits, Step
from devices.techniques import ConstantCurrent, CurrentRamp, Until, VoltageRamp, setpoint_current

VOLTAGE_TOLERANCE = 1e-3
"""Volts by which a step's last row may miss the voltage that ended it; guess, fifty times a row's noise."""

BEYOND = 0.01
"""Volts by which a last row must lie outside the limits to be taken for a breach of them; guess."""

TIME_TOLERANCE = 1e-3
"""Seconds by which a step's last row may miss its duration; guess, one internal sample."""

SHARE_TOLERANCE = 0.02
"""Part by which a last row may miss a current, charge or energy that ended the step; guess: rows are trapezoids."""

CURRENT_TOLERANCE = 0.1
"""Part by which a measured current may miss its setpoint before control counts as lost; guess."""

RAIL = 9.0
"""Volts beyond which no cell is behind the leads: the instruments' rails lie at 10 V (guess: a tenth below)."""

SHORT_RESISTANCE = 20.0
"""Ohms below which current over voltage is a short and not a cell: a tenth of the FLA paper's cells (guess)."""


@dataclass(frozen=True)
class Measured:
    """What a step's rows say: its first and last row, charge [C] and energy [J] passed, spectrum points."""

    first: RowTaken
    last: RowTaken
    charge: float
    energy: float


def own_end(step: Step, seen: Measured, longest: float) -> EndReason | None:
    """Return which of a step's own ends its last row shows; None when it shows none.

    longest [s] was uploaded where the step has no duration. An end by dV/dt or dI/dt cannot be seen in one row:
    it is the answer when the step has one and nothing else fits.
    """
    until, last = step.until, seen.last
    elapsed = last.time - seen.first.time + TIME_TOLERANCE
    ramped = isinstance(step.run, CurrentRamp | VoltageRamp) and elapsed >= step.run.duration
    found = (
        (EndReason.VOLTAGE_ABOVE, _reaches(last.voltage, until.voltage_above, VOLTAGE_TOLERANCE)),
        (EndReason.VOLTAGE_BELOW, _reaches(-last.voltage, _minus(until.voltage_below), VOLTAGE_TOLERANCE)),
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
        (EndReason.VOLTAGE_RATE_BELOW, until.voltage_rate_below is not None),
        (EndReason.CURRENT_RATE_BELOW, until.current_rate_below is not None),
    )
    return next((reason for reason, is_so in found if is_so), None)


def is_beyond(seen: Measured, limits: CellLimits) -> bool:
    """Return whether the last row lies beyond the cell's limits: a lead that opened jumps past any end."""
    volts = seen.last.voltage
    return volts > limits.voltage_max + BEYOND or volts < limits.voltage_min - BEYOND


def cut_cause(step: Step, seen: Measured, limits: CellLimits) -> EndReason:
    """Return what made the instrument cut a step short, as its last row shows it."""
    volts, amperes = seen.last.voltage, seen.last.current
    if math.isnan(volts) or math.isnan(amperes):
        return EndReason.INSTRUMENT_ERROR
    asked = setpoint_current(step.run)
    lost = asked is not None and asked > 0 and current_is_lost(step, amperes)
    if abs(volts) >= RAIL or (lost and abs(amperes) <= CURRENT_TOLERANCE * (asked or 0.0)):
        return EndReason.OPEN_CIRCUIT
    if amperes and abs(volts / amperes) < SHORT_RESISTANCE and volts < limits.voltage_min:
        return EndReason.SHORT_CIRCUIT
    if volts >= limits.voltage_max - VOLTAGE_TOLERANCE:
        return EndReason.SAFETY_VOLTAGE_MAX
    if volts <= limits.voltage_min + VOLTAGE_TOLERANCE:
        return EndReason.SAFETY_VOLTAGE_MIN
    if abs(amperes) >= limits.current_max * (1.0 - SHARE_TOLERANCE):
        return EndReason.SAFETY_CURRENT
    if limits.charge_max is not None and abs(seen.charge) >= limits.charge_max * (1.0 - SHARE_TOLERANCE):
        return EndReason.SAFETY_CHARGE
    return EndReason.CURRENT_LOST if lost else EndReason.UNCLEAR


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


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
