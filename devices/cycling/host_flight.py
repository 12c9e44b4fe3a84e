"""What a host steps a program on, and what it has in hand of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from devices.cycling.cycler import Job
from devices.cycling.host_run import Ended, HostRun, Meter, Reading, StepWatch
from devices.cycling.programs import Step
from devices.cycling.tally import Tally
from devices.cycling.techniques import ConstantCurrent
from devices.cycling.verdict import held_voltage

MOVED, CALM = 4e-3, 1e-3
"""Volts from one look to the next from which the host looks at every sample, and below which half as often; guesses. A
collapse steepens long before it comes, so it is met at the finest."""

FIRST_PACE = 1.0
"""Seconds of the first look that may wait; guess."""

AHEAD = 0.5
"""Of the time to the end along the last slope, the part after which the host looks again."""


@dataclass(frozen=True)
class Fetched:
    """Rows that were not fetched before, s on the job's axis, and whether the instrument still measures."""

    rows: Sequence[Reading]
    running: bool


class Sourcing(Protocol):
    """What such an instrument offers. Every call may be repeated.

    row_time [s]: what a row takes; for so long the current of a step flows before its first row.
    """

    row_time: float

    def look(self) -> float:
        """Return the voltage [V] of the cell without current, the output open before and after."""

    def arm(self, step: Step, count: int, left: float) -> None:
        """Open the output and set a step, the job's so-and-so-many'th, that may last `left` more seconds.

        Nothing flows. The rows of the step that was armed before stay where a later session finds them.
        """

    def go(self) -> None:
        """Begin what was armed; nothing when it has begun."""

    def fetch(self) -> Fetched:
        """Return the new rows."""

    def open(self) -> None:
        """Open the output and end the measurement; the rows stay."""

    def next_row(self) -> float:
        """Return in how many seconds the next row can be fetched."""

    def meter_of(self, step: Step) -> Meter:
        """Return how well a step is measured."""

    def measured(self) -> Mapping[str, Any]:
        """Return in plain JSON values what tells the measurement under way from any other."""

    @property
    def is_ahead(self) -> bool:
        """Whether another session had begun a measurement behind the one that was taken of it, which is over then."""

    def recall(self, job: Job, count: int, told: Mapping[str, Any]) -> bool:
        """Find what another session left of a job from a step on, counted from 1; False when the job is not there.

        told: what that session said that it measured; nothing for a start that it did not see come through.
        """

    def take(self, step: Step, count: int, left: float) -> None:
        """Go on with the next measurement that was recalled, as that of a step, the job's so-and-so-many'th.

        left [s]: how long it may have lasted when it was armed. Raises InstrumentError when it is another step's.
        """

    def forget(self) -> None:
        """Let what another session left be nobody's."""


@dataclass
class HostFlight:
    """One job under way: its phase is what is to be done next. Doubtful: whether its first step began is not known.

    begun: how many of its steps; rest [V]: of the cell before this one; known [s]: rows up to it were booked by a
    session before. pace [s]: how long a look may wait; seen: the last row of the last one. behind: the records
    before this number must be written down before anything more is armed. firsts: the numbers
    of the first records of the step before and of this one; over: the number behind the last, None while it goes on or
    when nothing comes after it.
    """

    job: Job
    run: HostRun
    tally: Tally[Reading]
    phase: str = "next"
    step: Step | None = None
    watch: StepWatch | None = None
    ended: Ended | None = None
    time: float = 0.0
    is_doubtful: bool = False
    has_failed: bool = False
    begun: int = 0
    rest: float = math.nan
    known: float = -math.inf
    pace: float = 0.0
    seen: Reading | None = None
    behind: int = 0
    firsts: tuple[int, int] = (0, 0)
    over: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has landed."""
        return self.phase == "over"

    def look_again(self, rows: Sequence[Reading]) -> None:
        """Set the pace by new rows: a constant current is looked at seldom while its end is far, in volts and time."""
        if not rows or self.step is None:
            return
        before, now = self.seen, rows[-1]
        self.seen = now
        moved = math.nan if before is None else abs(now.voltage - before.voltage)
        if not isinstance(self.step.run, ConstantCurrent) or before is None or not moved <= MOVED:
            self.pace = 0.0
            return
        if moved < CALM:
            self.pace = min(max(2.0 * self.pace, FIRST_PACE), self.step.record.interval)
        end, _ = held_voltage(self.step, self.job.limits)
        if moved > 0.0:
            self.pace = min(self.pace, AHEAD * abs(end - now.voltage) / moved * (now.time - before.time))
