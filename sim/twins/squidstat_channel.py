"""One channel of a Squidstat: runs elements on what hangs on its clips, takes rows on its own grid, has limits.

An element is solved when it begins, and its rows are handed out as time passes: how often anybody looks changes
neither rows nor noise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple, Protocol

import numpy as np

from sim.twins.clips import SLACK, CellUnderTest
from sim.twins.squidstat_elements import (
    Accuracy,
    Began,
    Element,
    Hold,
    Limits,
    Nodes,
    executions,
    leaves,
)
from sim.twins.squidstat_leads import OwnClips
from sim.twins.squidstat_readings import AcReading, DcReading, Readings, idle_reading, read
from sim.twins.squidstat_solver import SAMPLE, Solved, Stretch, solve

IDLE_INTERVAL = 1.0
"""Seconds between idle samples; guess."""

IDLE_SAMPLES = 3
"""Idle samples that one request is answered with; guess, the header names no end."""

ENDLESS = 1e9
"""Seconds that stand for a manual experiment without an end."""


class Listener(Protocol):
    """Who hears what a channel does; `time` is the bench's."""

    def began_element(self, channel: int, time: float, what: Began) -> None:
        """An element begins."""

    def measured(self, channel: int, reading: DcReading) -> None:
        """A row was taken."""

    def spectrum(self, channel: int, reading: AcReading) -> None:
        """A frequency was measured."""

    def idle(self, channel: int, reading: DcReading) -> None:
        """A row was taken while nothing runs."""

    def failed(self, channel: int, time: float, text: str) -> None:
        """The instrument reports an error."""

    def stopped(self, channel: int, time: float, reason: str, charge: float) -> None:
        """The experiment is over and the cell open; charge [C] truly passed since it began."""


@dataclass
class _Part:
    """The stretch under way: when it began [s] and the charge [C] that had passed in the experiment by then, what was
    solved, its readings, how many were handed out."""

    asked: Stretch
    start: float
    passed: float
    solved: Solved
    readings: Readings
    given: int = 0

    @property
    def end(self) -> float:
        """When it ends, in the bench's seconds."""
        return self.start + self.solved.end


class Idle(NamedTuple):
    """Idle sampling under way: since when [s], how many samples are still due, how many were taken."""

    since: float
    left: int
    taken: int


class Channel:
    """Firmware of one channel. `advance` hands out rows, `fire` ends a stretch; both only move forward.

    event_at, row_at: when [s] the next of either is due, infinite when none is. passed: charge [C] that truly passed in
    the experiment up to its last row.
    """

    def __init__(self, number: int, accuracy: Accuracy, seed: int, listener: Listener) -> None:
        self.number, self.accuracy = number, accuracy
        self.limits = Limits()
        self.experiment: Nodes | None = None
        self.event_at = self.row_at = inf
        self.busy = self.paused = self.manual = False
        self.began = self.passed = 0.0
        self._listener = listener
        self._seed = (seed, number)
        self._random = np.random.default_rng(self._seed)
        self._clips = OwnClips(accuracy.voltage_range)
        self._idle: Idle | None = None
        self._charge = 0.0
        self._plan: Iterator[Began] = iter(())
        self._running = Stretch(Element("", Hold("rest"), 1.0), 0.0, 0.0, inf)
        self._part: _Part | None = None
        self._failing = 0
        self._taken_at = -inf

    # What hangs on it.

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on the clips, or take it off; what was there keeps the state it has now."""
        runs = self._part is not None
        if runs:
            self._interrupt(now, last_row=False)
        else:
            self.settle(now)
        self._clips.wire(under_test, now)
        if runs:
            self._go_on(now)

    def settle(self, now: float) -> None:
        """Write into the cell on the clips what it is now; what runs on it goes on undisturbed."""
        part = self._part
        if part is None:
            self._clips.rest_until(now)
            self._clips.show()
        elif now - part.start > SLACK:
            self._clips.show(self._solved(replace(part.asked, longest=now - part.start)).state)

    # What it is told.

    def contradicts(self, experiment: Nodes) -> bool:
        """Return whether an element's window lies wholly beyond the channel's limits."""
        return any(
            each.voltage_min >= self.limits.voltage_max or each.voltage_max <= self.limits.voltage_min
            for each in leaves(experiment)
        )

    def start(self, now: float) -> None:
        """Begin the uploaded experiment."""
        if self.experiment is None:
            raise RuntimeError("started without an experiment; the library refuses this before")
        plan, self.experiment = executions(self.experiment), None
        self._begin(plan, now)
        self._next_element(now)

    def start_manual(self, now: float) -> None:
        """Begin a manual experiment, at open circuit."""
        self._begin(iter(()), now)
        self.manual = True
        self.drive(Element("Manual", Hold("rest"), 1.0, ENDLESS), now)

    def drive(self, element: Element, now: float) -> None:
        """Go over to another element of a manual experiment."""
        self._interrupt(now, last_row=False)
        self._running = Stretch(element, 0.0, 0.0, inf)
        self._go_on(now)

    @property
    def element(self) -> Element:
        """The element under way."""
        return self._running.element

    def pause(self, now: float) -> None:
        """Open the cell in the middle of an element, to go on with it later."""
        self._interrupt(now)
        self._let_rest(now)
        self.paused = True

    def resume(self, now: float) -> None:
        """Go on with the element that was paused."""
        self.settle(now)
        self.paused = False
        self._go_on(now)

    def skip(self, now: float) -> None:
        """End the element under way; the next begins."""
        self._interrupt(now)
        if self.paused:
            self.settle(now)
        self.paused = False
        self._next_element(now)
        self.advance(now)

    def stop(self, now: float) -> None:
        """Open the cell in the middle of an element."""
        self._interrupt(now)
        self._finish(now, "Experiment stopped manually")

    def lose_power(self, now: float) -> None:
        """Open the cell and forget everything, without a word."""
        self._interrupt(now)
        self._let_rest(now)
        self.busy = self.paused = self.manual = False
        self.limits, self.experiment, self._idle = Limits(), None, None
        self._schedule()

    def sample_idle(self, now: float) -> None:
        """Take idle samples for a while."""
        since, taken = (now, 0) if self._idle is None else (self._idle.since, self._idle.taken)
        self._idle = Idle(since, IDLE_SAMPLES, taken)
        self._schedule()

    def fail_readings(self, count: int) -> None:
        """Let the next readings be none: NaN in place of voltage and current."""
        self._failing = count

    # What it does as time passes.

    def advance(self, now: float) -> None:
        """Hand out the rows due by now."""
        part = self._part
        if part is not None:
            self._hand_out(part, bisect_right(part.readings.due, now + SLACK))
        elif self._idle is not None:
            self._sample(self._idle, now)
        self._schedule()

    def fire(self) -> None:
        """End the stretch at its own end: the element goes on, the next begins, or the experiment is over."""
        part = self._part
        if part is None:
            return
        self._hand_out(part, len(part.readings.due))
        now, verdict = part.end, part.solved.verdict
        self._keep(part.solved)
        if verdict.goes_on:
            self._solve(now, follows=True)
        elif verdict.stop is None:
            self._next_element(now)
        else:
            if verdict.is_error:
                self._listener.failed(self.number, now, verdict.stop)
            self._finish(now, verdict.stop)

    def _begin(self, plan: Iterator[Began], now: float) -> None:
        self.settle(now)
        self._plan, self.began, self._charge, self.passed = plan, now, 0.0, 0.0
        self.busy, self._idle = True, None

    def _next_element(self, now: float) -> None:
        following = next(self._plan, None)
        if following is None:
            self._finish(now, "Experiment completed")
            return
        self._listener.began_element(self.number, now, following)
        element = following.element
        if element.from_ocp:
            element = element.against(self._clips.leads.open_circuit())
        self._running = Stretch(element, 0.0, 0.0, inf)
        self._solve(now)

    def _finish(self, now: float, reason: str) -> None:
        self._let_rest(now)
        self.busy = self.paused = self.manual = False
        self._schedule()
        self._listener.stopped(self.number, now, reason, self._charge)

    def _let_rest(self, now: float) -> None:
        """Open the cell; where it was open already (a pause), it has rested since."""
        if self._part is None:
            self._clips.rest_until(now)
        self._clips.rest_from(now)
        self._part = None
        self._schedule()

    def _schedule(self) -> None:
        part = self._part
        self.event_at = inf if part is None else part.end
        if part is not None:
            due = part.readings.due
            self.row_at = due[part.given] if part.given < len(due) else inf
        elif self._idle is not None:
            self.row_at = self._idle.since + (self._idle.taken + 1) * IDLE_INTERVAL
        else:
            self.row_at = inf

    def _solved(self, asked: Stretch) -> Solved:
        return solve(asked, self._clips.leads, self.limits, self.accuracy)

    def _solve(self, now: float, *, follows: bool = False) -> None:
        """Solve what is left of the element; `follows`: its first row is the last one that was taken."""
        solved = self._solved(self._running)
        self._part = _Part(self._running, now, self._charge, solved, self._read(solved, now), int(follows))
        self._schedule()

    def _go_on(self, now: float) -> None:
        """Solve what is left after an interruption; a row of this instant is not taken twice."""
        self._solve(now)
        if self._part is not None and now - self._taken_at <= SLACK:
            self._part.readings = self._part.readings.with_first_later(SAMPLE)
        self.advance(now)

    def _read(self, solved: Solved, now: float) -> Readings:
        return read(solved, now, self.began, self._running.element, self.accuracy, self._random)

    def _keep(self, solved: Solved) -> None:
        """Remember what a stretch left behind, and write it into the cell."""
        self._charge += solved.charge
        running = self._running
        self._running = replace(
            running, elapsed=running.elapsed + solved.end, charge=running.charge + solved.charge
        )
        self._clips.keep(solved.state)

    def _interrupt(self, now: float, *, last_row: bool = True) -> None:
        """Bring rows, charge and cell to an instant inside a stretch; last_row: take one there."""
        self.advance(now)
        part = self._part
        if part is None:
            return
        elapsed = now - part.start
        if elapsed <= SLACK:
            return
        solved = self._solved(replace(part.asked, longest=elapsed))
        self._keep(solved)
        is_new = part.given == 0 or now - part.readings.due[part.given - 1] > SLACK
        if last_row and is_new and solved.spectrum is None:
            last = replace(
                solved,
                **{name: getattr(solved, name)[-1:] for name in ("time", "voltage", "current", "passed")},
            )
            rest = _Part(part.asked, part.start, part.passed, last, self._read(last, part.start))
            self._hand_out(rest, 1)

    def _hand_out(self, part: _Part, due: int) -> None:
        say: Any = self._listener.spectrum if part.solved.spectrum is not None else self._listener.measured
        if part.given >= due:
            return
        passed = (part.passed + part.solved.passed[part.given : due]).tolist()
        for charge, reading in zip(passed, part.readings.between(part.given, due), strict=True):
            self.passed = charge
            if self._failing:
                self._failing -= 1
                say(self.number, reading.without_values())
            else:
                say(self.number, reading)
        part.given, self._taken_at = due, part.readings.due[due - 1]

    def _sample(self, idle: Idle, now: float) -> None:
        """Take the idle samples due, at their own instants."""
        while idle.left and idle.since + (idle.taken + 1) * IDLE_INTERVAL <= now + SLACK:
            idle = Idle(idle.since, idle.left - 1, idle.taken + 1)
            at = idle.since + idle.taken * IDLE_INTERVAL
            voltage = self._clips.open_circuit_at(at)
            reading = idle_reading(voltage, idle.taken * IDLE_INTERVAL, self.accuracy, self._seed)
            self._listener.idle(self.number, reading)
        self._idle = idle if idle.left else None
