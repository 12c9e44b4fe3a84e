"""What an earlier session left on a channel: said in words, and refused where it is not what somebody takes it for."""

from __future__ import annotations

from devices.cycling.cells import SECONDS_PER_HOUR
from devices.cycling.cycler import Cycler
from devices.cycling.position import Phase, Position
from devices.cycling.programs import Program
from devices.errors import InterlockError
from devices.samples import SampleRef


def described(name: str, cycler: Cycler, left: Position | None, *, busy: bool) -> str:
    """Say what runs on a channel, or has run and was not collected; empty when nothing did. Raises LabError."""
    kept = left is not None and (cycler.keeps(left.token, left.trace) or left.phase == Phase.BETWEEN)
    if left is not None and kept:
        what = "runs" if busy else "is over or stands between two parts, and was not collected to its end,"
        return (
            f"{name}: {left.program} of {left.sample} {what} on channel {cycler.channel}; {left.row} rows were"
            f" collected, {left.offsets.test_time / SECONDS_PER_HOUR:.3g} h in. Go on with it by plans.take_over(), or"
            " make the channel safe"
        )
    if busy:
        return f"{name}: something runs on channel {cycler.channel} that no session of this data folder knows"
    return ""


def refuse_other(name: str, left: Position | None, sample: SampleRef, program: Program) -> Position:
    """Return what was left. Raises InterlockError when it is nothing, or another program's or cell's."""
    if left is None:
        raise InterlockError(f"{name} left over", "no earlier session left a program on the channel")
    if not left.is_of(sample, program):
        raise InterlockError(
            f"{name} left over",
            f"what was left is {left.program} on {left.sample}, not this {program.name} on {sample.id}; nothing was"
            " changed",
        )
    return left


def can_go_on(cycler: Cycler, left: Position) -> bool:
    """Return whether what was left runs, is kept, or goes on with a part that was not yet begun. Raises LabError."""
    goes_on = left.phase == Phase.BETWEEN or (left.phase == Phase.STARTING and left.parts > 1)
    return goes_on or cycler.keeps(left.token, left.trace)
