"""What a script does with each sample: count, judge its ends and the cell's limits, send a row where one is due.

Variables: p V, c A; k samples of the step, m since the last row, o 1 when a row is due; q sum of c, e of c p; r why
the step ends (a number of REASONS), 0 as long as it goes on; t s since the step began; n number of the package;
y, z p and c of the last row; d, b p and c at the last look at a rate, u, v samples since then; a, w for calculating.
A limit that the step's own end lies on is overshot by one sample: as long as that is less than MARGIN, the step
has ended by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from devices.cycle_ends import EndReason
from devices.methodscript.abilities import Abilities
from devices.methodscript.sampling import Sampling
from devices.methodscript.text import absolute, integer, literal, package, when
from devices.programs import CellLimits, Step
from devices.techniques import OpenCircuit

REASONS: Mapping[int, EndReason] = {
    1: EndReason.VOLTAGE_ABOVE,
    2: EndReason.VOLTAGE_BELOW,
    3: EndReason.CURRENT_ABOVE,
    4: EndReason.CURRENT_BELOW,
    5: EndReason.CHARGE,
    6: EndReason.ENERGY,
    7: EndReason.DURATION,
    8: EndReason.VOLTAGE_RATE_BELOW,
    9: EndReason.CURRENT_RATE_BELOW,
    10: EndReason.SWEPT,
    11: EndReason.LONGEST_STEP,
    101: EndReason.SAFETY_VOLTAGE_MAX,
    102: EndReason.SAFETY_VOLTAGE_MIN,
    103: EndReason.SAFETY_CURRENT,
    104: EndReason.SAFETY_CHARGE,
}
"""What the number of an end means; from FIRST_SAFETY on the script ends with it."""

FIRST_SAFETY = 100

MARGIN = 0.01
"""Volts beyond a limit from which it is one whatever the step's own ends say; as the station judges it."""

TOLERANCE = 1e-3
"""Volts by which a reading may pass a limit by noise alone; guess, twenty times the resolution."""

CURRENT_TOLERANCE = 1.02
CURRENT_MARGIN = 1.2
"""The same for a current, as parts of its limit; guesses."""

FLUCTUATION = 5.0
"""Resolutions by which a value must have moved for its rate to be told from noise; guess."""

LONGEST_LOOK = 600.0
"""Seconds over which a rate is averaged at the most; guess."""

_NUMBERS = {reason: number for number, reason in REASONS.items()}


def number_of(reason: EndReason) -> int:
    """Return the number of an end."""
    return _NUMBERS[reason]


def started(sampling: Sampling) -> list[str]:
    """Return the lines before a measuring loop: every count begins anew, the first sample is a row."""
    return [
        "store_var r 0i jc",
        "store_var k 0i ja",
        "store_var o 0i ja",
        f"store_var m {integer(sampling.per_row)} ja",
        "store_var q 0 ja",
        "store_var e 0 ja",
    ]


def judged(step: Step, limits: CellLimits, sampling: Sampling, abilities: Abilities) -> list[str]:
    """Return the body of a measuring loop."""
    lines = ["add_var k 1i", "add_var m 1i"]
    driven = not isinstance(step.run, OpenCircuit)
    if driven:
        lines += absolute("c", "a")
    lines += _soft_limits(limits, driven, sampling)
    for reason, test in _ends(step, limits, sampling, abilities):
        lines += test(number_of(reason))
    lines += _hard_limits(limits, driven)
    return [*lines, *_row(step, sampling), *leave()]


def leave() -> list[str]:
    """Return lines that leave a loop when the step ends."""
    return when("r != 0i", "breakloop")


def ends(number: int) -> str:
    """Return the line that ends a step."""
    return f"store_var r {integer(number)} jc"


class _Test:
    """Lines in front of a condition, and the condition itself."""

    def __init__(self, condition: str, *before: str) -> None:
        self.condition, self.before = condition, before

    def __call__(self, number: int) -> list[str]:
        return [*self.before, *when(self.condition, ends(number))]


def _ends(
    step: Step, limits: CellLimits, sampling: Sampling, abilities: Abilities
) -> Iterator[tuple[EndReason, _Test | _Rate]]:
    """Yield a step's own ends, the most telling last: where several are met at one sample, the last counts."""
    until, period = step.until, sampling.period
    if until.current_rate_below is not None:
        resolution = abilities.current_resolution * abilities.range_for(limits.current_max)
        look = _look(until.current_rate_below, resolution, period)
        yield EndReason.CURRENT_RATE_BELOW, _Rate("c", "b", look, until.current_rate_below * look * period)
    if until.voltage_rate_below is not None:
        look = _look(until.voltage_rate_below, abilities.voltage_resolution, period)
        yield EndReason.VOLTAGE_RATE_BELOW, _Rate("p", "d", look, until.voltage_rate_below * look * period)
    yield sampling.last, _Test(f"k >= {integer(sampling.count)}")
    if until.energy is not None:
        sums = ("copy_var c w", "mul_var w p", "add_var e w", *absolute("e", "w"))
        yield EndReason.ENERGY, _Test(f"w >= {literal(until.energy / period)}", *sums)
    if until.charge is not None:
        sums = (*(() if limits.charge_max is not None else ("add_var q c",)), *absolute("q", "w"))
        yield EndReason.CHARGE, _Test(f"w >= {literal(until.charge / period)}", *sums)
    if until.current_below is not None:
        yield EndReason.CURRENT_BELOW, _Test(f"a <= {literal(until.current_below)}")
    if until.current_above is not None:
        yield EndReason.CURRENT_ABOVE, _Test(f"a >= {literal(until.current_above)}")
    if until.voltage_below is not None:
        yield EndReason.VOLTAGE_BELOW, _Test(f"p <= {literal(until.voltage_below)}")
    if until.voltage_above is not None:
        yield EndReason.VOLTAGE_ABOVE, _Test(f"p >= {literal(until.voltage_above)}")


class _Rate:
    """The mean rate over some samples: how far a value moved since the last look."""

    def __init__(self, value: str, before: str, samples: int, change: float) -> None:
        self._value, self._before, self._samples, self._change = value, before, samples, change

    def __call__(self, number: int) -> list[str]:
        value, before = self._value, self._before
        counter = "u" if value == "p" else "v"
        keep = f"copy_var {value} {before}"
        return [
            f"add_var {counter} 1i",
            *when("k == 1i", keep, f"store_var {counter} 0i ja"),
            *when(
                f"{counter} >= {integer(self._samples)}",
                f"copy_var {value} w",
                f"sub_var w {before}",
                *when("w < 0", "mul_var w -1"),
                *when(f"w <= {literal(self._change)}", ends(number)),
                keep,
                f"store_var {counter} 0i ja",
            ),
        ]


def _look(rate: float, resolution: float, period: float) -> int:
    return max(1, math.ceil(min(FLUCTUATION * resolution / rate, LONGEST_LOOK) / period))


def _soft_limits(limits: CellLimits, driven: bool, sampling: Sampling) -> list[str]:
    """Return the tests that come first: a step's own end at the same sample has the word after them."""
    lines: list[str] = []
    if driven and limits.charge_max is not None:
        lines += ["add_var q c", *absolute("q", "w")]
        lines += when(f"w >= {literal(limits.charge_max / sampling.period)}", ends(104))
    lines += when(f"p > {literal(limits.voltage_max + TOLERANCE)}", ends(101))
    lines += when(f"p < {literal(limits.voltage_min - TOLERANCE)}", ends(102))
    if driven:
        lines += when(f"a > {literal(CURRENT_TOLERANCE * limits.current_max)}", ends(103))
    return lines


def _hard_limits(limits: CellLimits, driven: bool) -> list[str]:
    """Return the tests that come last, against what jumps past an end and its limit at once."""
    lines = when(f"p > {literal(limits.voltage_max + MARGIN)}", ends(101))
    lines += when(f"p < {literal(limits.voltage_min - MARGIN)}", ends(102))
    if driven:
        lines += when(f"a > {literal(CURRENT_MARGIN * limits.current_max)}", ends(103))
    return lines


def _row(step: Step, sampling: Sampling) -> list[str]:
    """Return the lines that send a row where one is due: by time, by a change, and where the step ends."""
    record = step.record
    lines: list[str] = []
    due = "store_var o 1i ja"
    for change, value, last in ((record.voltage_change, "p", "y"), (record.current_change, "c", "z")):
        if change is not None:
            lines += [f"copy_var {value} w", f"sub_var w {last}", *when("w < 0", "mul_var w -1")]
            lines += when(f"w >= {literal(change)}", due)
    return [
        *lines,
        *when(f"m >= {integer(sampling.per_row)}", due),
        *when("r != 0i", due),
        *when(
            "o != 0i",
            "store_var o 0i ja",
            "store_var m 0i ja",
            "copy_var p y",
            "copy_var c z",
            "timer_get t",
            *package("t", "p", "c"),
        ),
    ]
