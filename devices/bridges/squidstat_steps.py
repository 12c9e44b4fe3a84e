"""What a step of a program becomes on a Squidstat: its element on the wire, its current range, why it cannot be.

An element of the vendor's has one interval throughout. Where the cell decides the current it falls fastest at first, so
such a step is sampled more finely than its rows come; the bridge makes rows of the samples and says what passed between
them. To split it into a dense part and a coarse one would give each part ends of its own.

Ranges of the Plus class: +-10 V and 1 A are the vendor's; the decades of current below, the frequencies and the
least current are guesses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from devices.bridges.squidstat_elements import KINDS
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Technique,
    VoltageRamp,
    setpoint_current,
)
from devices.errors import LimitError, ProgramError

VOLTAGE_RANGE = 10.0
"""Volts, both ways."""

CURRENT_RANGES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Amperes, full scale."""

LEAST_CURRENT = 1e-3 * CURRENT_RANGES[0]
"""A; below a thousandth of the smallest range a current is its own noise (guess)."""

LEAST_POWER = 1e-9
"""W; a nanoampere at a volt (guess)."""

FREQUENCIES = (1e-5, 2e6)
"""Hz, from to."""

LEAST_TIME, LONGEST_TIME = 1e-3, 1e9
"""Seconds of an element: one internal sample, and 30 years (guesses)."""

AT_THE_LIMIT = 1e-3
"""Volts by which an end must stay within the cell's limits to come first for certain; guess, fifty times the noise."""


FINE, CALM = 0.1, 1.0
"""Seconds between samples at the most: of a hold, which charges the double layers within about a second, and of power
or load, whose current follows the voltage; guesses. Trapezoids are then off by 0.05 % of what a hold passes that begins
with a jump [twin, 0.3 um LiMn2O4]."""

SWEPT = 2e-4
"""Volts of a ramp from one sample to the next, between FINE and CALM; guess."""

_WHOLE = 1e-9
"""Part by which a quotient may miss a whole number by its arithmetic."""


def element_of(step: Step, longest: float, limits: CellLimits) -> dict[str, Any]:
    """Return a step's element; longest [s] stands for a duration that it leaves open."""
    kind = KINDS[step.run.technique]
    element: dict[str, Any] = {"element": step.run.technique, **_setpoints(step.run)}
    if "interval" in kind.arguments:
        element |= _sampling(step)
    if "duration" in kind.arguments:
        element["duration"] = longest if step.until.duration is None else step.until.duration
    if "voltage_change" in kind.settings and step.record.voltage_change is not None:
        element["voltage_change"] = step.record.voltage_change
    element |= {name: value for name, value in step.until.named().items() if name in kind.ends}
    most = limits.charge_max
    if "charge" in kind.ends and most is not None and most < element.get("charge", float("inf")):
        element |= {"charge": most, "charge_safety": most}
    return element


def _sampling(step: Step) -> dict[str, float]:
    """Return the interval of samples, and that of rows where it is another: a whole number of the former."""
    rows = step.record.interval
    if setpoint_current(step.run) is not None:
        return {"interval": rows}
    match step.run:
        case ConstantVoltage():
            finest = FINE
        case VoltageRamp(rate=rate):
            finest = min(max(SWEPT / rate, FINE), CALM)
        case _:
            finest = CALM
    count = math.ceil(rows / finest - _WHOLE)
    return {"interval": rows} if count == 1 else {"interval": rows / count, "record": rows}


def _setpoints(run: Technique) -> dict[str, Any]:
    match run:
        case OpenCircuit():
            return {}
        case ConstantCurrent(current=current):
            return {"current": current, "range": CURRENT_RANGES[_range_for(abs(current))]}
        case ConstantVoltage(voltage=voltage):
            return {"voltage": voltage}
        case ConstantPower(power=power):
            return {"power": power}
        case ConstantResistance(resistance=resistance):
            return {"resistance": resistance}
        case CurrentRamp() | VoltageRamp():
            return {"start": run.start, "end": run.end, "rate": run.rate}
    sine = {"first": run.first, "last": run.last, "per_decade": run.per_decade, "amplitude": run.amplitude}
    if isinstance(run, PotentiostaticImpedance) and run.bias is None:
        return {**sine, "bias": 0.0, "bias_from_ocv": True}
    return {**sine, "bias": run.bias}


def range_of(step: Step) -> int:
    """Return the place in CURRENT_RANGES of what a step drives; -1 at rest and where the instrument chooses."""
    current = setpoint_current(step.run)
    return _range_for(current) if current else -1


def _range_for(current: float) -> int:
    return next(place for place, full in enumerate(CURRENT_RANGES) if full >= current)


def refuse_step(where: str, step: Step, limits: CellLimits) -> None:
    """Refuse what the instrument cannot do; `where` names it and the step. Raises LimitError, ProgramError."""
    kind, run = KINDS[step.run.technique], step.run
    possible = [*kind.ends, *(("duration",) if "duration" in kind.arguments else ())]
    for name in step.until.named():
        if name not in possible:
            raise ProgramError(
                f"{where}: a {run.technique} step of this instrument ends by {' or '.join(possible)}, not by {name};"
                " nothing was sent"
            )
    for name, value, unit, low, high in _bounded(step):
        if not low <= value <= high:
            raise LimitError(f"{where} {name}", value, unit, low, high)
    most = limits.charge_max
    if most is not None and "charge" not in kind.ends and not _longest_charge(run, limits) <= most:
        raise ProgramError(
            f"{where}: this instrument cannot bound the charge of a {run.technique} step, and it may pass more than"
            f" limits.charge_max = {most:g} C; nothing was sent"
        )


def _bounded(step: Step) -> Iterator[tuple[str, float, str, float, float]]:
    """Return what of a step has a range on the instrument: name, value, unit, least, most."""
    run, largest = step.run, CURRENT_RANGES[-1]
    match run:
        case ConstantCurrent():
            yield "|current|", abs(run.current), "A", LEAST_CURRENT, largest
        case ConstantPower():
            yield "|power|", abs(run.power), "W", LEAST_POWER, VOLTAGE_RANGE * largest
        case CurrentRamp():
            yield "|current|", max(abs(run.start), abs(run.end)), "A", LEAST_CURRENT, largest
        case GalvanostaticImpedance():
            yield "amplitude", run.amplitude, "A", LEAST_CURRENT, largest
            yield "|bias| + amplitude", abs(run.bias) + run.amplitude, "A", LEAST_CURRENT, largest
        case PotentiostaticImpedance():
            yield "|bias| + amplitude", abs(run.bias or 0.0) + run.amplitude, "V", 0.0, VOLTAGE_RANGE
    if "duration" in KINDS[run.technique].arguments and step.until.duration is not None:
        yield "until.duration", step.until.duration, "s", LEAST_TIME, LONGEST_TIME
    if isinstance(run, PotentiostaticImpedance | GalvanostaticImpedance):
        yield "first", run.first, "Hz", *FREQUENCIES
        yield "last", run.last, "Hz", *FREQUENCIES
    for name in ("current_above", "current_below"):
        value = getattr(step.until, name)
        if value is not None:
            yield f"until.{name}", value, "A", LEAST_CURRENT, largest


def _longest_charge(run: Technique, limits: CellLimits) -> float:
    """Return the |charge| [C] that a step may pass which the instrument cannot bound."""
    match run:
        case CurrentRamp():
            return max(abs(run.start), abs(run.end)) * run.duration
        case VoltageRamp():
            return limits.current_max * run.duration
        case GalvanostaticImpedance(bias=bias) if bias != 0.0:
            return float("inf")
        case PotentiostaticImpedance(bias=bias) if bias is not None:
            return float("inf")
    return 0.0


def remarks_on(step: Step, limits: CellLimits) -> Iterator[str]:
    """Return what the instrument does otherwise than a step says."""
    kind, record = KINDS[step.run.technique], step.record
    if "interval" not in kind.arguments:
        yield "the cell's limits stay set during a spectrum, which the vendor advises against"
        if isinstance(step.run, PotentiostaticImpedance) and step.run.bias is not None:
            unseen = 0.5 * limits.current_max * max(FINE, 1.0 / step.run.first)
            yield (
                "a spectrum's charge is one of trapezoids between its frequencies: where its bias jumps, it may be off"
                f" by {unseen:.2g} C, at the cell's largest current"
            )
        return
    if record.voltage_change is not None:
        by_change = "rows by voltage change alone: on this instrument it overrides the interval"
        yield (
            by_change
            if "voltage_change" in kind.settings
            else "rows by the interval alone, not by voltage change"
        )
    if record.current_change is not None:
        yield "rows by the interval alone, not by current change"
    above, below = step.until.voltage_above, step.until.voltage_below
    if (above is not None and limits.voltage_max - above < AT_THE_LIMIT) or (
        below is not None and below - limits.voltage_min < AT_THE_LIMIT
    ):
        yield "an end lies at the cell's limit: which of both the instrument sees first is open"
