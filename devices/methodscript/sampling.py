"""How often a script looks at the cell, and how many of its samples become rows.

A measuring loop takes samples on a fixed interval; the script judges each, and sends some of them. Ends and limits
are met at a sample, so the interval is a tenth of that of the rows, at most a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.cycle_ends import EndReason
from devices.errors import LimitError
from devices.methodscript.abilities import Abilities
from devices.programs import Step
from devices.techniques import CurrentRamp, VoltageRamp

SHARE = 0.1
"""Of the interval of rows: the interval of samples; guess."""

LONGEST = 1.0
"""Seconds between two samples at the most; PalmSens's own battery cycling script looks once a second."""

MOST_SAMPLES = 1 << 27
"""Samples of one step: the largest whole number in a package."""

_SAME = 1e-9


@dataclass(frozen=True)
class Sampling:
    """period [s] between samples, how many until the step is through, how many to a row, and what the last means."""

    period: float
    count: int
    per_row: int
    last: EndReason


def sampling_of(step: Step, longest: float, abilities: Abilities, where: str) -> Sampling:
    """Return how a step is sampled; longest [s] stands for the duration it leaves open.

    Raises LimitError for what is faster than a script can judge, or longer than it can count.
    """
    interval, least = step.record.interval, abilities.sampling
    if interval < least:
        raise LimitError(f"{where} record.interval", interval, "s", least, 86400.0)
    aim = min(interval, max(SHARE * interval, least), LONGEST)
    if isinstance(step.run, VoltageRamp | CurrentRamp):
        return _of_ramp(step, aim, abilities, where)
    asked = step.until.duration
    duration = longest if asked is None else asked
    if duration < least:
        raise LimitError(f"{where} until.duration", duration, "s", least, longest)
    count = math.ceil(duration / aim - _SAME)
    period = duration / count
    if count > MOST_SAMPLES:
        raise LimitError(f"{where} record.interval", interval, "s", duration / MOST_SAMPLES / SHARE, 86400.0)
    last = EndReason.LONGEST_STEP if asked is None else EndReason.DURATION
    return Sampling(period, count, max(1, round(interval / period)), last)


def _of_ramp(step: Step, aim: float, abilities: Abilities, where: str) -> Sampling:
    """Return the sampling of a sweep: its first sample is where it starts, its last where it ends."""
    ramp = step.run
    assert isinstance(ramp, VoltageRamp | CurrentRamp)
    if isinstance(ramp, VoltageRamp):
        aim = max(aim, abilities.voltage_step / ramp.rate)
    steps = math.floor(ramp.duration / aim + _SAME)
    if steps < 1 and ramp.duration < abilities.sampling:
        fastest = abs(ramp.end - ramp.start) / abilities.sampling
        unit = "V/s" if isinstance(ramp, VoltageRamp) else "A/s"
        raise LimitError(f"{where} rate", ramp.rate, unit, 0.0, fastest)
    steps = max(steps, 1)
    if steps > MOST_SAMPLES:
        raise LimitError(f"{where} duration", ramp.duration, "s", 0.0, aim * MOST_SAMPLES)
    period, count, last = ramp.duration / steps, steps + 1, EndReason.SWEPT
    asked = step.until.duration
    if asked is not None and asked < ramp.duration * (1.0 - _SAME):
        count, last = max(1, math.ceil(asked / period - _SAME)) + 1, EndReason.DURATION
    return Sampling(period, count, max(1, round(step.record.interval / period)), last)
