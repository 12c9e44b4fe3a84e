"""What a SourceMeter can do of a program: its ranges, what is refused, how ramps become stairs.

Sources: Model 2450 reference manual 2450-901-01 Rev. B, SPEC-2450 Rev. A, 2461-901-01.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, VoltageRamp
from devices.cycling.verdict import held_voltage, is_rest
from devices.errors import LimitError, ProgramError

VOLTAGE_RANGE = 20.0
"""Volts, both ways; the range of every step (the 200 V range is never used)."""

CURRENT_RANGES: dict[str, tuple[float, ...]] = {
    "2450": (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    "2461": (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0),
}
"""Amperes, full scale, by model; those of the 2461 above 1 A are not used."""

OFFSETS = {
    1e-8: 50e-12,
    1e-7: 100e-12,
    1e-6: 300e-12,
    1e-5: 700e-12,
    1e-4: 6e-9,
    1e-3: 60e-9,
    1e-2: 600e-9,
    1e-1: 6e-6,
    1.0: 500e-6,
}
"""Offset [A] of a measured current by range [SPEC-2450]."""

VOLTAGE_ERROR = 5e-3
"""Volts by which source and readback may differ on the 20 V range: 0.03 % of 5 V, 2.4 mV and 1 mV [SPEC-2450]."""

VOLTAGE_NOISE = 10e-6
"""Volts rms of a row at 1 PLC; guess: the resolution of the 20 V range [SPEC-2450]."""

NOISE_SHARE = 4e-6
"""Rms noise of a current row as a part of its range [SPEC-2450, source noise below 10 Hz]."""

LEAST_CURRENT = 1e-8
"""A; ten times the smallest current limit that can be set [vendor's example: 1 nA]."""

PROTECTIONS = (2.0, 5.0, 10.0, 20.0)
"""Volts of the over-voltage protection that cells need; 5 % tolerance [SPEC-2450]."""

PROTECTION_MARGIN = 1.1
"""The protection lies this much above the cell's limit: twice its tolerance."""

RAIL_SHARE = 0.95
"""Part of the protection's level to which a voltmeter's own limit is set."""

POWER_LINE = 50.0
"""Hz; a row takes two power line cycles, one each for current and voltage (not yet seen on hardware)."""

LEAST_PERIOD = 0.1
"""Seconds between questions, and the smallest interval of rows: more than two rows' time."""

LEAST_DURATION = LEAST_PERIOD
"""Seconds of a step: its first row and its last must fit into it."""

LONGEST_DURATION = 1e9
"""Seconds that are named where a duration is refused; a step that lasts longer than the buffer is set up again."""

BUFFER_ROWS = 100_000
"""Readings that each of the two default buffers holds by default; the 2450 has room for 250,000 [data sheet]."""

LONGEST_TIMER, LONGEST_DELAY = 100e3, 10e3
"""Seconds of one delay of a trigger timer, and of a delay block [2450-901-01]."""

STAIR, LEAST_STAIR = 10e-3, 1e-3
"""Volts: the tallest stair of a ramp, and the smallest, which is twice the 20 V source range's resolution
(500 uV, SPEC-2450)."""

FINE, FINE_SWEPT = 1.0, 0.2
"""Seconds between samples at the most of a hold, and of a sweep, so that their charge is right: an eighth of what the
current falls from one to the next is missing or too much. On the twin that is 0.01 % of what passes, as much as the
instrument's own accuracy of 0.025 %. The buffer then holds 27 h and 5.5 h of them; a longer sweep is coarser. A
constant current with an end by voltage is sampled as finely as a hold, since its end is seen by a sample."""

SAMPLES = 1000
"""Samples of a constant current whose longest time is known, so that its end is seen a thousandth late."""

OFFERED = "it does open circuit, constant current, constant voltage and voltage ramps"


def check_step(name: str, index: int, step: Step, limits: CellLimits, ranges: Sequence[float]) -> None:
    """Refuse what the instrument cannot do, on these current ranges [A]. Raises LimitError, ProgramError."""
    where = f"step {index}"
    run = step.run
    if not isinstance(run, OpenCircuit | ConstantCurrent | ConstantVoltage | VoltageRamp):
        why = "does no impedance" if "impedance" in run.technique else f"cannot hold a {run.technique}"
        raise ProgramError(f"{where}: {name} {why}; {OFFERED}. Nothing was sent")
    if step.record.interval < LEAST_PERIOD or step.record.interval > LONGEST_TIMER:
        raise LimitError(
            f"{name} {where} record.interval", step.record.interval, "s", LEAST_PERIOD, LONGEST_TIMER
        )
    lasts = step.until.duration
    if lasts is not None and lasts < LEAST_DURATION:
        raise LimitError(f"{name} {where} until.duration", lasts, "s", LEAST_DURATION, LONGEST_DURATION)
    if isinstance(run, ConstantCurrent) and run.current and abs(run.current) < LEAST_CURRENT:
        most = ranges[-1]
        raise LimitError(f"{name} {where} |current|", abs(run.current), "A", LEAST_CURRENT, most)
    if step.until.current_below is not None and not isinstance(run, ConstantCurrent):
        full = ranges[0] if is_rest(step) else ranges[place(limits.current_max, ranges)]
        least = 4.0 * OFFSETS[full]
        if step.until.current_below < least:
            raise LimitError(
                f"{name} {where} until.current_below on the {full:g} A range that limits.current_max needs",
                step.until.current_below,
                "A",
                least,
                full,
            )
    if isinstance(run, VoltageRamp):
        fastest = STAIR / LEAST_PERIOD
        if run.rate > fastest * (1.0 + 1e-9):
            raise LimitError(f"{name} {where} rate", run.rate, "V/s", 0.0, fastest)
        if abs(run.end - run.start) < LEAST_STAIR:
            raise LimitError(
                f"{name} {where} |end - start|",
                abs(run.end - run.start),
                "V",
                LEAST_STAIR,
                VOLTAGE_RANGE,
            )


def stairs_remark(index: int, step: Step) -> str:
    """Return what a ramp is on this instrument."""
    assert isinstance(step.run, VoltageRamp)
    count, height = stairs(step, step.run)
    return (
        f"step {index}: the ramp is a staircase of {count} stairs of {1e3 * height:.3g} mV,"
        f" {height / step.run.rate:.3g} s each, sampled in the middle of each"
    )


def stairs(step: Step, ramp: VoltageRamp) -> tuple[int, float]:
    """Return how many stairs a ramp has and how tall [V] each is."""
    span = abs(ramp.end - ramp.start)
    wanted = min(ramp.rate * sampling_of(step), STAIR)
    wanted = max(wanted, span / (BUFFER_ROWS - 2))
    count = max(math.floor(span / wanted + 1e-9), 1)
    return count, span / count


def sampling_of(step: Step, charge_max: float | None = None) -> float:
    """Return the seconds between two samples: finer than rows where a charge or an end depends on them.

    charge_max [C] is the cell's limit: with the current it says how long a step may take, as its own ends do.
    """
    interval, run, until = max(step.record.interval, LEAST_PERIOD), step.run, step.until
    match run:
        case ConstantVoltage():
            fine = FINE
        case VoltageRamp():
            fine = FINE_SWEPT
        case ConstantCurrent() if run.current and (until.voltage_above or until.voltage_below) is not None:
            charges = [charge for charge in (until.charge, charge_max) if charge is not None]
            times = [charge / abs(run.current) for charge in charges]
            lasts = min([*times, *([] if until.duration is None else [until.duration])], default=math.inf)
            fits = FINE if math.isinf(lasts) else max(FINE, lasts / (BUFFER_ROWS - 2))
            fine = max(min(lasts / SAMPLES, fits), LEAST_PERIOD)
        case _:
            return interval
    return interval / math.ceil(interval / fine - 1e-9)


def levels_of(step: Step, limits: CellLimits) -> tuple[tuple[float, ...], float]:
    """Return the voltages [V] a driven step sets, the first one first, and the largest current [A]."""
    match step.run:
        case ConstantCurrent(current=current):
            return (held_voltage(step, limits)[0],), abs(current)
        case ConstantVoltage(voltage=voltage):
            return (voltage,), limits.current_max
        case VoltageRamp(start=start, end=end):
            return (start, end), limits.current_max
    raise TypeError(f"{step.run.technique} sets no source")


def protection(limits: CellLimits) -> float:
    """Return the level [V] of the over-voltage protection for a cell."""
    needed = PROTECTION_MARGIN * max(abs(limits.voltage_min), abs(limits.voltage_max))
    return next(level for level in PROTECTIONS if level >= needed * (1.0 - 1e-9))


def place(current: float, ranges: Sequence[float]) -> int:
    """Return the place of the smallest current range that holds a current [A]."""
    return next(found for found, full in enumerate(ranges) if full >= current * (1.0 - 1e-9))
