"""How often a script looks at the cell.

A hold is sampled coarsely while the voltage is calm: a tenth of the interval of its rows, at most a second. Where the
voltage moves by more than MOVED from one sample to the next, the script takes samples ten times as often, down to
the instrument's finest, and ten times as seldom where it is CALM: so an end is met within a few millivolts, and open
leads are seen at once. No C-rate has to be known for that: a faster one is a steeper one. Where a film is used up the
voltage falls with I/C of its double layer (50 V/s at 10C of a film of 0.7 um): an end is met there within half of what
it moves in the finest interval. A sweep has one interval throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.cycling.ends import EndReason
from devices.cycling.programs import Step
from devices.cycling.techniques import CurrentRamp, VoltageRamp
from devices.errors import LimitError
from devices.methodscript.abilities import Abilities

SHARE = 0.1
"""Of the interval of rows: the interval of samples; guess."""

LONGEST = 1.0
"""Seconds between two samples at the most; PalmSens's own battery cycling script looks once a second."""

FIRST = 0.01
"""Seconds to the first sample of a hold at the most; guess."""

MOVED, CALM = 4e-3, 0.3e-3
"""Volts; guesses: more than tenfold apart, so that no slope is both, and several times the noise."""

PACE = 10.0

MOST_SAMPLES = 1 << 27
"""Samples of a sweep: the largest whole number in a package."""

_SAME = 1e-9


@dataclass(frozen=True)
class Sampling:
    """What a step's last sample means, and when it is.

    period [s] between samples, the coarsest of a hold; duration [s] of a hold; count of samples of a sweep, 0 for a
    hold.
    """

    period: float
    last: EndReason
    duration: float = math.inf
    count: int = 0


def sampling_of(step: Step, longest: float, abilities: Abilities, where: str) -> Sampling:
    """Return how a step is sampled; longest [s] stands for the duration it leaves open.

    Raises LimitError for what is faster than a script can judge, or longer than it can count.
    """
    interval, least = step.record.interval, abilities.sampling
    if interval < least:
        raise LimitError(f"{where} record.interval", interval, "s", least, 86400.0)
    aim = min(interval, max(SHARE * interval, least), LONGEST)
    if isinstance(step.run, VoltageRamp | CurrentRamp):
        return _of_ramp(step, step.run, aim, abilities, where)
    asked = step.until.duration
    if asked is None:
        return Sampling(aim, EndReason.LONGEST_STEP, longest)
    if asked < least:
        raise LimitError(f"{where} until.duration", asked, "s", least, longest)
    return Sampling(min(aim, SHARE * asked), EndReason.DURATION, asked)


def _of_ramp(
    step: Step, ramp: VoltageRamp | CurrentRamp, aim: float, abilities: Abilities, where: str
) -> Sampling:
    """Return the sampling of a sweep: its first sample is where it starts, its last where it ends."""
    unit = "A/s"
    if isinstance(ramp, VoltageRamp):
        aim, unit = max(aim, abilities.voltage_step / ramp.rate), "V/s"
    if ramp.duration < abilities.sampling:
        fastest = abs(ramp.end - ramp.start) / abilities.sampling
        raise LimitError(f"{where} rate", ramp.rate, unit, 0.0, fastest)
    steps = max(1, math.floor(ramp.duration / aim + _SAME))
    if steps > MOST_SAMPLES:
        raise LimitError(f"{where} duration", ramp.duration, "s", 0.0, aim * MOST_SAMPLES)
    period, count, last = ramp.duration / steps, steps + 1, EndReason.SWEPT
    asked = step.until.duration
    if asked is not None and asked < ramp.duration * (1.0 - _SAME):
        count, last = max(1, math.ceil(asked / period - _SAME)) + 1, EndReason.DURATION
    return Sampling(period, last, count=count)
