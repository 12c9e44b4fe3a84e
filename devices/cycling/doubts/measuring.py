"""Doubts about how a step measures: its sweep, its rows, its spectrum."""

from __future__ import annotations

import math

from devices.cycling.cells import SECONDS_PER_HOUR
from devices.cycling.doubts.seen import Seen, drives
from devices.cycling.techniques import (
    CurrentRamp,
    GalvanostaticImpedance,
    PotentiostaticImpedance,
    VoltageRamp,
)

FASTEST_SWEEP = 0.1
"""V/s above which a sweep charges the double layer only; guess: films are swept at 0.1 to 10 mV/s."""

LONGEST_SWEEP = 7 * 86400.0
"""Seconds above which a sweep is doubted; guess."""

MOST_ROWS, LEAST_ROWS = 1e6, 5.0
"""Rows of one step beyond which its record is doubted; guesses: 0.5 GB on disk, and too few to draw a line."""

LONGEST_SPECTRUM = 3600.0
"""Seconds above which a spectrum is doubted: the cell drifts meanwhile; guess."""

PERIODS = 3.0
"""Periods of a sine that a point of a spectrum takes, with its settling; guess."""

LOUDEST = 0.05
"""Volts above which a sine is not a small one: twice kT/e at room temperature."""


def fast_sweep(seen: Seen) -> str:
    """Volts where millivolts were meant."""
    run = seen.step.run
    if isinstance(run, VoltageRamp) and run.rate > FASTEST_SWEEP:
        return f"a sweep at {run.rate:g} V/s sees the double layer only; was a smaller unit meant (mV/s)?"
    return ""


def slow_sweep(seen: Seen) -> str:
    """A sweep that takes weeks."""
    run = seen.step.run
    if isinstance(run, CurrentRamp | VoltageRamp) and seen.lasts > LONGEST_SWEEP:
        return f"a sweep of {run.duration / 86400.0:.3g} days; was a larger unit meant?"
    return ""


def many_rows(seen: Seen) -> str:
    """A record that fills the disk."""
    rows = seen.lasts / seen.step.record.interval
    if rows > MOST_ROWS:
        every = f"a row every {seen.step.record.interval:g} s"
        return f"{every} makes {rows:.2g} rows of this step; was a larger interval meant?"
    return ""


def few_rows(seen: Seen) -> str:
    """A record that misses the step."""
    record = seen.step.record
    is_short = seen.lasts / record.interval < LEAST_ROWS
    if is_short and record.voltage_change is None and record.current_change is None and drives(seen.step):
        every = f"a row every {record.interval:g} s"
        return f"{every}, and the step takes {seen.lasts:.3g} s at the most; record more often"
    return ""


def long_spectrum(seen: Seen) -> str:
    """A spectrum during which the cell becomes another."""
    run = seen.step.run
    if not isinstance(run, PotentiostaticImpedance | GalvanostaticImpedance):
        return ""
    slow, decades = min(run.first, run.last), abs(math.log10(run.first / run.last))
    points = max(1, round(decades * run.per_decade)) + 1
    ratio = 10.0 ** (-decades / (points - 1))
    takes = PERIODS / slow * (1.0 - ratio**points) / (1.0 - ratio) if ratio < 1.0 else PERIODS / slow
    if takes > LONGEST_SPECTRUM:
        return (
            f"a spectrum of {takes / SECONDS_PER_HOUR:.2g} h, down to {slow:g} Hz; the cell drifts meanwhile"
        )
    return ""


def loud_spectrum(seen: Seen) -> str:
    """A sine that is not a small one."""
    run = seen.step.run
    if isinstance(run, PotentiostaticImpedance) and run.amplitude > LOUDEST:
        return f"a sine of {1e3 * run.amplitude:g} mV is not a small one; was a smaller amplitude meant?"
    return ""
