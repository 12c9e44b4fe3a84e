"""What `labctl check` says of a program: its steps, what limits them, what is odd, how long and how much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from devices.cycling.cells import SECONDS_PER_HOUR, CellSize
from devices.cycling.cycler import LONGEST_STEP
from devices.cycling.plausibility import plausibility
from devices.cycling.programs import Program, Step
from devices.cycling.techniques import ConstantCurrent, setpoint_current
from devices.limits import ChannelLimits
from labctl.how_many import how_many
from labctl.language.estimate import Estimate, StepEstimate, estimate
from labctl.language.printer import print_limits, print_step
from labctl.language.refusals import Check, refusals

SHOWN = 20
"""Steps and doubts listed one by one; a PITT has a hundred that are alike."""

_LONG = re.compile(r"\d+\.\d{5,}(?:E-?\d+)?")


def stops(
    program: Program, cell: CellSize, channel: ChannelLimits | None, checks: Mapping[str, Check]
) -> list[str]:
    """Return every limit that a program would hit: the channel's, an instrument's own, and the cell's in mid-step."""
    found = list(_beyond_channel(program, channel)) if channel is not None else []
    for name, check in checks.items():
        found += refusals(name, check, program)
    return [*found, *_overfull(program, cell), *_clipped(program, cell)]


def report(
    program: Program, cell: CellSize, hit: Sequence[str] = (), remarks: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines that tell a program: steps, limits it would hit, doubts, totals with how they came about.

    hit: the limits, as `stops` tells them; remarks: what an instrument does otherwise than the program says.
    """
    found = estimate(program, cell)
    steps, runs = how_many(len(found.steps), "step"), how_many(found.executions, "run")
    yield f"{program.name}: {steps}, {runs} of them{_most(found.exact)}"
    yield f"  cell    {cell.area * 1e4:g} cm2, {_capacity(cell)}"
    yield f"  limits  {_rounded(print_limits(program.limits))}"
    leaves = program.leaves()
    for each in found.steps[:SHOWN]:
        yield f"  {each.index:3d}  {each.times:6d} x  {_shown(leaves[each.index]):50s}  {_each(each)}"
    if len(found.steps) > SHOWN:
        yield f"  ... and {len(found.steps) - SHOWN} more"
    yield from (f"  LIMIT   {line}" for line in hit)
    doubts = plausibility(program, cell)
    yield from (f"  DOUBT   {line}" for line in doubts[:SHOWN])
    if len(doubts) > SHOWN:
        yield f"  DOUBT   ... and {len(doubts) - SHOWN} more"
    yield from (f"  NOTE    {line}" for line in remarks)
    yield from _totals(found, cell)


def _totals(found: Estimate, cell: CellSize) -> Iterator[str]:
    most = "" if found.exact else "at most "
    yield f"  time    {most}{shown_time(found.duration)}"
    if cell.capacity is not None:
        yield f"  charge  at most {found.charge / SECONDS_PER_HOUR * 1e6:.4g} uAh, both ways together"
        yield f"  energy  at most {found.energy / SECONDS_PER_HOUR * 1e6:.4g} uWh, at the highest voltage of the window"
    points = f" and {how_many(found.points, 'point')} of spectra" if found.points else ""
    yield f"  rows    at most {found.rows}{points}, from intervals and changes"
    yield f"  disk    at most {found.disk / 1e6:.3g} MB, from the bytes of a row in journal and spool"
    unbounded = [step.index for step in found.steps if step.duration >= LONGEST_STEP]
    if unbounded:
        which = ", ".join(str(index) for index in unbounded[:10])
        yield f"  nothing but the cell bounds step {which}: it counts with {shown_time(LONGEST_STEP)}"


def shown_time(seconds: float) -> str:
    """Return a time in the unit people would say it in."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _shown(step: Step) -> str:
    """Return a step without tags and rows."""
    return _rounded(print_step(replace(step, tags=()), step.record))


def _rounded(text: str) -> str:
    return _LONG.sub(lambda number: f"{float(number[0]):.5g}", text)


def _each(step: StepEstimate) -> str:
    return f"{'' if step.exact else '<= '}{shown_time(step.duration)} ({step.how})"


def _most(exact: bool) -> str:
    return "" if exact else " at most"


def _capacity(cell: CellSize) -> str:
    if cell.capacity is None:
        return "capacity unknown (give a sample)"
    value, sd = cell.capacity / SECONDS_PER_HOUR * 1e6, cell.capacity_sd / SECONDS_PER_HOUR * 1e6
    return f"{value:.4g} +- {sd:.2g} uAh ({cell.basis})"


def _beyond_channel(program: Program, channel: ChannelLimits) -> Iterator[str]:
    low, high = channel.voltage_min, channel.voltage_max
    for name in ("voltage_min", "voltage_max"):
        volts = getattr(program.limits, name)
        if not low <= volts <= high:
            yield f"limits.{name} = {volts:g} V; the lab allows {low:g} to {high:g} V (limits.toml, potentiostat)"
    if program.limits.current_max > channel.current:
        most = program.limits.current_max
        yield f"limits.current_max = {most:g} A; the lab allows {channel.current:g} A (limits.toml, potentiostat)"


def _overfull(program: Program, cell: CellSize) -> Iterator[str]:
    """Yield the currents that flow on after the cell must be full or empty, with no voltage end before it."""
    if cell.capacity is None:
        return
    most = cell.capacity + 2 * cell.capacity_sd
    for index, step in enumerate(program.leaves()):
        if _goes_beyond(step, most):
            charges = isinstance(step.run, ConstantCurrent) and step.run.current > 0
            bound = f"limits.voltage_{'max' if charges else 'min'}"
            yield f"step {index} passes more than the film holds and has no voltage end; {bound} will stop the run"


def _clipped(program: Program, cell: CellSize) -> Iterator[str]:
    """Yield the currents that go from one end of the program's window to the other, and may not pass so much."""
    most = program.limits.charge_max
    if cell.capacity is None or most is None or most >= cell.capacity - 2 * cell.capacity_sd:
        return
    ends = [step.until for step in program.leaves()]
    highest = max((each.voltage_above for each in ends if each.voltage_above is not None), default=None)
    lowest = min((each.voltage_below for each in ends if each.voltage_below is not None), default=None)
    for index, step in enumerate(program.leaves()):
        if not isinstance(step.run, ConstantCurrent) or _ends_before(step, most):
            continue
        bound, end = (
            (step.until.voltage_above, highest)
            if step.run.current > 0
            else (step.until.voltage_below, lowest)
        )
        if bound is not None and bound == end:
            yield (
                f"step {index} passes what the film holds, {cell.capacity / SECONDS_PER_HOUR * 1e6:.4g} uAh;"
                f" limits.charge_max = {most / SECONDS_PER_HOUR * 1e6:.4g} uAh will stop the run"
            )


def _ends_before(step: Step, most: float) -> bool:
    """Return whether a constant current ends by its duration or charge before so much [C] passed."""
    return any(passed <= most for passed in _passed(step))


def _goes_beyond(step: Step, most: float) -> bool:
    if not isinstance(step.run, ConstantCurrent) or not step.run.current:
        return False
    until = step.until
    if (until.voltage_above if step.run.current > 0 else until.voltage_below) is not None:
        return False
    passed = _passed(step)
    return bool(passed) and min(passed) > most


def _passed(step: Step) -> list[float]:
    """Return what passes [C] until each end of a constant current that is not the cell's."""
    until, current = step.until, setpoint_current(step.run) or 0.0
    passed = [abs(current) * until.duration] if until.duration is not None else []
    return [*passed, until.charge] if until.charge is not None else passed
