"""How a step becomes a trigger model that measures, and switches the output off, without the host."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.cycling.programs import Step
from devices.cycling.techniques import VoltageRamp
from devices.sourcemeter.abilities import BUFFER_ROWS, LONGEST_DELAY, stairs
from devices.sourcemeter.dialect import text


@dataclass(frozen=True)
class Plan:
    """Commands, a line for each group; how many rows come of them, when the first, how far apart, until when [s]."""

    groups: tuple[tuple[str, ...], ...]
    rows: int
    first: float
    period: float
    lasts: float

    def due(self, row: int) -> float:
        """Return when a row, counted from 0, is begun, in seconds since the start."""
        return min(self.first + row * self.period, self.lasts)


NOTHING = Plan((), 0, 0.0, 0.0, 0.0)


def timed(interval: float, lasts: float, row_time: float) -> Plan:
    """Return a trigger model: output on, a row at once and every interval [s], one at the end, output off.

    row_time [s] is what one row takes.
    """
    lasts = min(lasts, (BUFFER_ROWS - 2) * interval)
    interval = min(interval, lasts)
    whole = math.floor(lasts / interval + 1e-9)
    rest = max(lasts - whole * interval, 0.0)
    row = ':TRIG:BLOC:MEAS {}, "defbuffer1"'
    blocks = [":TRIG:BLOC:SOUR:STAT {}, ON", ":TRIG:BLOC:NOT {}, 1"]
    blocks += [row, ":TRIG:BLOC:WAIT {}, TIM1", f":TRIG:BLOC:BRAN:COUN {{}}, {whole}, 3"]
    odd = rest > 2.0 * row_time
    if odd:
        blocks.append(row)
        rest -= row_time
    if rest > 1e-6 * interval:
        parts = math.ceil(rest / LONGEST_DELAY)
        blocks += [f":TRIG:BLOC:DEL:CONS {{}}, {text(rest / parts)}"] * parts
    blocks += [row, ":TRIG:BLOC:SOUR:STAT {}, OFF"]
    timer = (
        ':TRIG:LOAD "Empty"',
        ":TRIG:TIM1:STAT OFF",
        f":TRIG:TIM1:DEL {text(interval)}",
        ":TRIG:TIM1:COUN 0",
        ":TRIG:TIM1:STAR:STIM NOT1",
        ":TRIG:TIM1:STAT ON",
    )
    numbered = tuple(block.format(number) for number, block in enumerate(blocks, 1))
    return Plan((timer, numbered), whole + 1 + odd, 0.0, interval, lasts)


def swept(step: Step, ramp: VoltageRamp, lasts: float, row_time: float) -> Plan:
    """Return the instrument's own staircase sweep, as far as it comes in the time [s]."""
    count, height = stairs(step, ramp)
    count = min(count, math.ceil(lasts * ramp.rate / height))
    stop = ramp.start + math.copysign(count * height, ramp.end - ramp.start)
    delay, period = height / ramp.rate - row_time, height / ramp.rate
    sweep = (
        f":SOUR:SWE:VOLT:LIN {text(ramp.start)}, {text(stop)}, {count + 1}, {text(delay)}, 1, FIXED, OFF,"
        ' OFF, "defbuffer1"'
    )
    return Plan(((sweep,),), count + 1, period, period, (count + 1) * period)
