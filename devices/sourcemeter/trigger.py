"""How a step becomes a trigger model that measures, and switches the output off, without the host."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from devices.cycling.programs import Step
from devices.cycling.techniques import VoltageRamp
from devices.sourcemeter.abilities import BUFFER_ROWS, LONGEST_DELAY, stairs
from devices.sourcemeter.dialect import text


@dataclass(frozen=True)
class Plan:
    """Commands, a line for each group; how many rows come of them, on what grid, until when [s].

    first [s] is where the grid begins; one that would lie before the start is there.
    """

    groups: tuple[tuple[str, ...], ...]
    rows: int
    first: float
    period: float
    lasts: float

    def due(self, row: int) -> float:
        """Return when a row, counted from 0, is begun, in seconds since the start."""
        return min(max(self.first + row * self.period, 0.0), self.lasts)


NOTHING = Plan((), 0, 0.0, 0.0, 0.0)

SWEEP_LIST = "VoltLinearSweepList"
"""The configuration list in which a linear sweep of voltage keeps its levels [programs for the 2461 and the 2470]."""


def timed(interval: float, lasts: float, row_time: float, buffer: str) -> Plan:
    """Return a trigger model: output on, a row at once and every interval [s], one at the end, output off.

    row_time [s] is what one row takes; buffer: where the rows go.
    """
    lasts = min(lasts, (BUFFER_ROWS - 2) * interval)
    interval = min(interval, lasts)
    whole = math.floor(lasts / interval + 1e-9)
    rest = max(lasts - whole * interval, 0.0)
    row = f':TRIG:BLOC:MEAS {{}}, "{buffer}"'
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
    return Plan((_timer(interval), _numbered(blocks)), whole + 1 + odd, 0.0, interval, lasts)


def swept(step: Step, ramp: VoltageRamp, lasts: float, row_time: float, buffer: str) -> Plan:
    """Return a staircase as close to the ramp as stairs come, as far as it comes in the time [s].

    The stairs are those of the instrument's own sweep, whose list of levels a trigger model of ours walks through: each
    lies at what the ramp has in the middle of its time, and there, not at its end as in the sweep's own model, its row
    is taken. So rows lie on the ramp, and what passed between them is right: the current of a stair falls about evenly.
    One row more at the start, and one at the end.
    """
    count, height = stairs(step, ramp)
    count = min(count, math.ceil(lasts * ramp.rate / height))
    period, way = height / ramp.rate, math.copysign(height, ramp.end - ramp.start)
    listed = max(count, 2)  # of one level there is no sweep
    levels = [ramp.start + (number + 0.5) * way for number in (0, listed - 1)]
    sweep = (
        f":SOUR:SWE:VOLT:LIN {text(levels[0])}, {text(levels[1])}, {listed}, -1, 1, FIXED, OFF, OFF,"
        f' "{buffer}"'
    )
    row, wait = f':TRIG:BLOC:MEAS {{}}, "{buffer}"', ":TRIG:BLOC:WAIT {}, TIM1"
    # A stair begins a row's time behind the timer's event: the row that begins with the next event ends in its middle.
    late = f":TRIG:BLOC:DEL:CONS {{}}, {text(row_time)}"
    blocks = (
        f':TRIG:BLOC:CONF:REC {{}}, "{SWEEP_LIST}", 1',
        ":TRIG:BLOC:NOT {}, 1",
        late,
        ":TRIG:BLOC:SOUR:STAT {}, ON",
        row,
        ":TRIG:BLOC:BRAN:ALW {}, 9",
        late,
        f':TRIG:BLOC:CONF:NEXT {{}}, "{SWEEP_LIST}"',
        wait,
        row,
        wait,
        f":TRIG:BLOC:BRAN:COUN {{}}, {count}, 7",
        row,
        ":TRIG:BLOC:SOUR:STAT {}, OFF",
    )
    first = 0.5 * period
    return Plan(((sweep,), _timer(first), _numbered(blocks)), count + 2, -first, period, count * period)


def _timer(delay: float) -> tuple[str, ...]:
    """Return an empty trigger model, and a timer that its first notification starts: an event each delay [s]."""
    return (
        ':TRIG:LOAD "Empty"',
        ":TRIG:TIM1:STAT OFF",
        f":TRIG:TIM1:DEL {text(delay)}",
        ":TRIG:TIM1:COUN 0",
        ":TRIG:TIM1:STAR:STIM NOT1",
        ":TRIG:TIM1:STAT ON",
    )


def _numbered(blocks: Sequence[str]) -> tuple[str, ...]:
    return tuple(block.format(number) for number, block in enumerate(blocks, 1))
