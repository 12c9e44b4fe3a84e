"""What a script does with each sample: judge the step's ends and the cell's limits, send a row where one is due.

Variables: p V, c A; t s since the step began, g s between samples; k number of samples; m when the next row is due, o
1 when one is to be sent; f by how much a value may have moved; q the charge and e the energy that passed in the step,
tl and cl t and c of the last sample that counted for them; r why the step ends (a number of REASONS), 0 as long as it
goes on; n number of the package; y, z p and c of the last row; pl p of the last sample, j p half a sample on; d, b p
and c at the last look at a rate, u, v when that was; x the current that is set; a, w for calculating.

Where several ends are met at one sample, a limit of the cell comes before the step's own ends, but for the end that
lies on the same side: the way to it may go beyond the limit between two samples. If the current is lost as well, the
voltage ran away on open leads, and it is the limit after all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from devices.cycling.ends import EndReason
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    OpenCircuit,
    setpoint_current,
)
from devices.cycling.verdict import CURRENT_TOLERANCE as LOST_SHARE
from devices.cycling.verdict import FAR as FAR_OFF
from devices.cycling.verdict import drive_of, held_voltage
from devices.methodscript.abilities import Abilities
from devices.methodscript.lost_leads import lost_leads
from devices.methodscript.sampling import CALM, FIRST, MOVED, PACE, Sampling
from devices.methodscript.text import absolute, integer, literal, package, when

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
    105: EndReason.CURRENT_LOST,
    106: EndReason.OPEN_CIRCUIT,
}
"""What the number of an end means; from FIRST_SAFETY on the script ends with it."""

FIRST_SAFETY = 100

SAME_SIDE: Mapping[EndReason, EndReason] = {
    EndReason.VOLTAGE_ABOVE: EndReason.SAFETY_VOLTAGE_MAX,
    EndReason.VOLTAGE_BELOW: EndReason.SAFETY_VOLTAGE_MIN,
    EndReason.CURRENT_ABOVE: EndReason.SAFETY_CURRENT,
    EndReason.CHARGE: EndReason.SAFETY_CHARGE,
}
"""The limit that lies behind a step's own end."""

GALVANOSTATIC = (ConstantCurrent, ConstantPower, ConstantResistance, CurrentRamp)

FAR = "1G"
"""A change that no value of a cell makes."""

MARGIN = 0.01
"""Volts beyond a limit from which leads that carry no current are open, whatever the step's own ends say."""

TOLERANCE = 1e-3
"""Volts by which a reading may pass a limit by noise alone; guess, twenty times the resolution."""

CURRENT_TOLERANCE = 1.02
"""The same for a current, as a part of its limit; guess."""

LOST = 0.5
"""Part of a setpoint below which the current is lost; guess."""

SETTLED = 5
"""Samples of a step after which a missing current is no settling any more; guess."""

FLUCTUATION = 5.0
"""Resolutions by which a value must have moved for its rate to be told from noise; guess."""

LONGEST_LOOK = 600.0
"""Seconds over which a rate is averaged at the most; one that hides in noise for longer is refused; guess."""

DECADE = 10.0
"""From one current range to the next."""

_WHOLE = 1e-9
"""Part of a sample by which a quotient may miss a whole number by its arithmetic."""

_NUMBERS = {reason: number for number, reason in REASONS.items()}


def number_of(reason: EndReason) -> int:
    """Return the number of an end."""
    return _NUMBERS[reason]


def started(sampling: Sampling) -> list[str]:
    """Return the lines before a measuring loop: every count begins anew, the first sample is a row."""
    first = sampling.period if sampling.count else min(sampling.period, FIRST)
    zeros = [f"store_var {name} 0 ja" for name in ("m", "q", "e", "t")]
    zeros.append("store_var tl -1 ja")
    return [
        "store_var r 0i jc",
        "store_var k 0i ja",
        "store_var o 0i ja",
        *zeros,
        f"store_var g {literal(first)} eb",
    ]


def judged(step: Step, limits: CellLimits, sampling: Sampling, abilities: Abilities) -> list[str]:
    """Return the body of a measuring loop."""
    lines = ["add_var k 1i", "timer_get t"]
    driven = not isinstance(step.run, OpenCircuit)
    if driven:
        lines += absolute("c", "a")
    if counts(step, limits):
        lines += _counted()
    lines += _limits(limits, driven)
    for reason, before, condition in _ends(step, limits, sampling, abilities):
        lines += _own(reason, before, condition)
    lines += _open_leads(step, limits)
    lines += _current_lost(step, limits)
    lines += lost_leads(step, abilities, ends(number_of(EndReason.OPEN_CIRCUIT)))
    return [
        *lines,
        *_row(step, limits),
        *leave(),
        *([] if sampling.count else _paced(step, sampling, abilities)),
    ]


def counts(step: Step, limits: CellLimits) -> bool:
    """Return whether a script counts charge and energy of a step and says them with its rows.

    It does where the cell decides the current, which rows alone do not tell, and where something ends by them.
    """
    asked = (step.until.charge, step.until.energy, limits.charge_max)
    driven = not isinstance(step.run, OpenCircuit)
    return driven and (setpoint_current(step.run) is None or any(each is not None for each in asked))


def _counted() -> list[str]:
    """Return the lines that count what passed since the last sample: trapezoids, the current constant before the first.

    Their energy is at the voltage of their end, which has moved by a few millivolts at the most. A reading that is no
    number is bridged.
    """
    first = when("tl < 0", "copy_var c cl", "store_var tl 0 ja")
    since = ["copy_var t w", "sub_var w tl", "copy_var t tl"]
    passed = ["add_var cl c", "mul_var cl w", "div_var cl 2", "add_var q cl", "mul_var cl p", "add_var e cl"]
    return when(f"a < {FAR}", *first, *since, *passed, "copy_var c cl")


def leave() -> list[str]:
    """Return lines that leave a loop when the step ends."""
    return when("r != 0i", "breakloop")


def ends(number: int) -> str:
    """Return the line that ends a step."""
    return f"store_var r {integer(number)} jc"


def _ends(
    step: Step, limits: CellLimits, sampling: Sampling, abilities: Abilities
) -> Iterator[tuple[EndReason, list[str], str]]:
    """Yield a step's own ends, the most telling last: the lines in front of each, and its condition."""
    until = step.until
    if until.current_rate_below is not None:
        rate = until.current_rate_below
        look, per_ampere = current_look(rate, abilities)
        yield EndReason.CURRENT_RATE_BELOW, *_rate("c", "b", "v", rate, look, sampling, per_ampere)
    if until.voltage_rate_below is not None:
        rate = until.voltage_rate_below
        look = voltage_look(rate, abilities)
        yield EndReason.VOLTAGE_RATE_BELOW, *_rate("p", "d", "u", rate, look, sampling)
    if sampling.count:
        yield sampling.last, [], f"k >= {integer(sampling.count)}"
    else:
        yield sampling.last, [], f"t >= {literal(sampling.duration - 0.5 * abilities.finest)}"
    if until.energy is not None:
        yield EndReason.ENERGY, absolute("e", "w"), f"w >= {literal(until.energy)}"
    if until.charge is not None:
        yield EndReason.CHARGE, absolute("q", "w"), f"w >= {literal(until.charge)}"
    for reason, sign, value, end in (
        (EndReason.CURRENT_BELOW, "<=", "a", until.current_below),
        (EndReason.CURRENT_ABOVE, ">=", "a", until.current_above),
    ):
        if end is not None:
            yield reason, [], f"{value} {sign} {literal(end)}"
    for reason, sign, end in (
        (EndReason.VOLTAGE_BELOW, "<=", until.voltage_below),
        (EndReason.VOLTAGE_ABOVE, ">=", until.voltage_above),
    ):
        if end is not None:
            nearest = [] if sampling.count else _half_on(abilities)
            yield reason, nearest, f"{'j' if nearest else 'p'} {sign} {literal(end)}"


def _half_on(abilities: Abilities) -> list[str]:
    """Return the lines that find p half a sample on (j), where samples cannot come faster.

    So a step that collapses ends at the sample that is nearest to its end, and passes it by half of what the voltage
    moves from one to the next at the most.
    """
    ahead = ["copy_var p j", "sub_var j pl", "div_var j 2", "add_var j p"]
    steep = when(f"g <= {literal(abilities.finest)}", *ahead)
    return ["copy_var p j", *when("k > 1i", *steep)]


def _own(reason: EndReason, before: Sequence[str], condition: str) -> list[str]:
    """Return the test of one of a step's own ends; of limits only that of its own side gives way to it."""
    taken = when(f"r < {integer(FIRST_SAFETY)}", ends(number_of(reason)))
    if reason in SAME_SIDE:
        taken += when(f"r == {integer(number_of(SAME_SIDE[reason]))}", ends(number_of(reason)))
    return [*before, *when(condition, *taken)]


def voltage_look(end: float, abilities: Abilities) -> float:
    """Return over how many seconds a voltage must be watched to tell a rate [V/s] from noise."""
    return FLUCTUATION * abilities.voltage_resolution / end


def current_look(end: float, abilities: Abilities) -> tuple[float, float]:
    """Return over how many seconds a current must be watched to tell a rate [A/s] from noise: at least, and for each A.

    A current is read in the smallest range that holds it, which is no more than a decade above it.
    """
    per_range = FLUCTUATION * abilities.current_resolution / end
    return per_range * abilities.current_ranges[0], per_range * DECADE


def _rate(
    value: str, kept: str, since: str, end: float, look: float, sampling: Sampling, per_ampere: float = 0.0
) -> tuple[list[str], str]:
    """Return the lines that find by how much a value moved since the last look (w), and the condition on it.

    A look comes after a whole number of samples, `look` [s] at least and more for a current, whose own time (f) is what
    the rate is reckoned with. Between two looks w is FAR from meeting it.
    """
    look = math.ceil(max(look / sampling.period, 1.0) - _WHOLE) * sampling.period
    due = literal(look - 0.5 * sampling.period)
    longer: list[str] = []
    if per_ampere:
        longer = [
            "copy_var a f",
            f"mul_var f {literal(per_ampere)}",
            *when(f"f < {due}", f"store_var f {due} eb"),
        ]
        due = "f"
    keep = [f"copy_var {value} {kept}", f"copy_var t {since}"]
    lines = [
        *when("k == 1i", *keep),
        "copy_var t w",
        f"sub_var w {since}",
        *longer,
        f"if w >= {due}",
        "copy_var w f",
        f"mul_var f {literal(end)}",
        *_moved(value, kept),
        *keep,
        "else",
        f"store_var w {FAR} ja",
        "endif",
    ]
    return lines, "w <= f"


def _moved(value: str, before: str) -> list[str]:
    return [f"copy_var {value} w", f"sub_var w {before}", *when("w < 0", "mul_var w -1")]


def kept() -> list[str]:
    """Return lines that let nothing more go to the file once it is full."""
    return when("n >= fm", "set_script_output 1")


def _limits(limits: CellLimits, driven: bool) -> list[str]:
    """Return the tests of the cell's limits; a step's own end at the same sample has the word after them."""
    lines: list[str] = []
    if driven and limits.charge_max is not None:
        lines += [*absolute("q", "w"), *when(f"w >= {literal(limits.charge_max)}", ends(104))]
    lines += when(f"p > {literal(limits.voltage_max + TOLERANCE)}", ends(101))
    lines += when(f"p < {literal(limits.voltage_min - TOLERANCE)}", ends(102))
    if driven:
        lines += when(f"a > {literal(CURRENT_TOLERANCE * limits.current_max)}", ends(103))
    return lines


def _open_leads(step: Step, limits: CellLimits) -> list[str]:
    """Return the tests that come last: a voltage that ran away without the current that is set."""
    if not isinstance(step.run, GALVANOSTATIC):
        return []
    low = when(f"p < {literal(limits.voltage_min - MARGIN)}", ends(102))
    if drive_of(step) < 0.0 and step.until.voltage_below is not None:
        # A discharge that never was found an empty cell.
        low = when("k > 1i", *low)
    tests = [*when(f"p > {literal(limits.voltage_max + MARGIN)}", ends(101)), *low]
    return [*absolute("x", "w"), f"mul_var w {literal(LOST)}", *when("a < w", *tests)]


def _current_lost(step: Step, limits: CellLimits) -> list[str]:
    """Return the test for a constant current that falls short although the voltage is far from where it ends."""
    drive = drive_of(step)
    if not drive:
        return []
    held = held_voltage(step, limits)[0]
    far = f"p < {literal(held - FAR_OFF)}" if drive > 0 else f"p > {literal(held + FAR_OFF)}"
    test = when("r == 0i", ends(number_of(EndReason.CURRENT_LOST)))
    least = literal((1.0 - LOST_SHARE) * abs(drive))
    return when(f"a <= {least}", *when(far, *when(f"k > {integer(SETTLED)}", *test)))


def _row(step: Step, limits: CellLimits) -> list[str]:
    """Return the lines that send a row where one is due: by time, by a change, and where the step ends."""
    record, due = step.record, "store_var o 1i ja"
    sums = ("q", "e") if counts(step, limits) else ()
    sent = [*package("t", "p", "c", *sums), *kept()]
    lines: list[str] = []
    for change, value, last in ((record.voltage_change, "p", "y"), (record.current_change, "c", "z")):
        if change is not None:
            lines += [*_moved(value, last), *when(f"w >= {literal(change)}", due)]
    return [
        *lines,
        "copy_var g w",
        "div_var w 2",
        "add_var w t",
        *when("w >= m", due, f"add_var m {literal(record.interval)}"),
        *when("r != 0i", due),
        *when("o != 0i", "store_var o 0i ja", "copy_var p y", "copy_var c z", *sent),
    ]


def _paced(step: Step, sampling: Sampling, abilities: Abilities) -> list[str]:
    """Return the lines that leave a loop for one with another interval, where the voltage asks for it.

    While a voltage is held it asks for nothing.
    """
    finest, coarsest = literal(abilities.finest), literal(sampling.period)
    sooner = [f"div_var g {literal(PACE)}", *when(f"g < {finest}", f"store_var g {finest} eb"), "breakloop"]
    later = [
        f"mul_var g {literal(PACE)}",
        *when(f"g > {coarsest}", f"store_var g {coarsest} eb"),
        "breakloop",
    ]
    waited = ["copy_var g a", f"mul_var a {literal(2.0 * PACE)}", *when("t >= a", *later)]
    waits = when(f"g < {coarsest}", *waited)
    until = step.until
    if isinstance(step.run, ConstantVoltage) and until.voltage_above is None and until.voltage_below is None:
        return waits
    return [
        *when("k == 1i", "copy_var p pl"),
        *_moved("p", "pl"),
        "copy_var p pl",
        *when(f"w > {literal(MOVED)}", *when(f"g > {finest}", *sooner)),
        *when(f"w < {literal(CALM)}", *waits),
    ]
