"""Doubts about how a step ends: at once, never, or with the run."""

from __future__ import annotations

from devices.cycling.doubts.seen import FASTEST, SLOWEST, Seen, direction, micro
from devices.cycling.techniques import ConstantVoltage, OpenCircuit, setpoint_current

QUIETEST = 1e-9
"""V/s below which a rest does not come to an end: 0.06 uV/min is below any instrument's drift; guess."""

CLOSE = 5e-3
"""Volts within which an end and the safety limit behind it are met by the same noise; guess."""

CLOSE_SHARE = 0.99
"""Share of a safety limit above which a setpoint is as good as at it; guess."""


def cutoff_at_once(seen: Seen) -> str:
    """A hold whose current is below its end from the beginning."""
    below = seen.step.until.current_below
    if below is not None and seen.rate(below) > FASTEST:
        return f"an end below {micro(below)}A is {seen.rate(below):.3g}C of {seen.holds}; it ends at once"
    return ""


def cutoff_never(seen: Seen) -> str:
    """A hold that waits for a current which leaks and noise exceed."""
    until = seen.step.until
    if (
        until.current_below is not None
        and until.duration is None
        and seen.rate(until.current_below) < SLOWEST
    ):
        rate = seen.rate(until.current_below)
        end = f"an end below {micro(until.current_below)}A is {rate:.2g}C of {seen.holds}"
        return f"{end} and may never come; say `for`"
    return ""


def wrong_direction(seen: Seen) -> str:
    """A charge until a voltage below, a discharge until one above, and no other voltage."""
    way, until = direction(seen.step), seen.step.until
    if way > 0 and until.voltage_below is not None and until.voltage_above is None:
        return f"a charge that ends below {until.voltage_below:g} V: it rises; was a discharge, or `above`, meant?"
    if way < 0 and until.voltage_above is not None and until.voltage_below is None:
        return f"a discharge that ends above {until.voltage_above:g} V: it falls; was a charge, or `below`, meant?"
    return ""


def already_there(seen: Seen) -> str:
    """A charge to where a hold right before it has brought the cell already, or a discharge."""
    if seen.before is None or not isinstance(seen.before.run, ConstantVoltage):
        return ""
    way, until, held = direction(seen.step), seen.step.until, seen.before.run.voltage
    if way > 0 and until.voltage_above is not None and held >= until.voltage_above:
        return f"a charge to {until.voltage_above:g} V after a hold at {held:g} V ends at once"
    if way < 0 and until.voltage_below is not None and held <= until.voltage_below:
        return f"a discharge to {until.voltage_below:g} V after a hold at {held:g} V ends at once"
    return ""


def endless_rest(seen: Seen) -> str:
    """A rest that waits for what does not come: stillness beyond measure, or a charge at no current."""
    until = seen.step.until
    if not isinstance(seen.step.run, OpenCircuit) or until.duration is not None:
        return ""
    still = until.voltage_rate_below
    if still is not None and still < QUIETEST:
        return (
            f"a rest until {still * 6e7:.2g} uV/min, below any instrument's drift, may never end; say `for`"
        )
    return ""


def end_at_rest(seen: Seen) -> str:
    """A rest with an end that needs a current."""
    until = seen.step.until
    ends = {"charge": until.charge, "energy": until.energy, "current above": until.current_above}
    asked = [name for name, value in ends.items() if value is not None]
    if isinstance(seen.step.run, OpenCircuit) and asked:
        return f"a rest with an end by {asked[0]}: no current flows, it never comes"
    return ""


def limit_at_the_end(seen: Seen) -> str:
    """A safety limit that the noise at the step's own end reaches."""
    until, limits = seen.step.until, seen.limits
    for end, limit in ((until.voltage_above, limits.voltage_max), (until.voltage_below, limits.voltage_min)):
        if end is not None and abs(limit - end) < CLOSE:
            return f"an end at {end:g} V and the limit at {limit:g} V: either may come first, and a limit ends the run"
    if until.charge is not None and limits.charge_max is not None and until.charge >= limits.charge_max:
        return "limits.charge_max comes before the end by charge, and ends the run"
    return ""


def limit_at_the_current(seen: Seen) -> str:
    """A current that is as good as at its safety limit."""
    current = setpoint_current(seen.step.run)
    if current and CLOSE_SHARE * seen.limits.current_max < current:
        most = micro(seen.limits.current_max)
        return f"{micro(current)}A under limits.current_max = {most}A: noise ends the run; leave some room"
    return ""
