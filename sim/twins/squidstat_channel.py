"""One channel of a Squidstat: runs elements on the cell wired to it, takes rows on its own grid, has limits.

An element is solved whole when it begins, and its rows are handed out as time passes: how often anybody looks
changes neither rows nor noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.cell import Cell, CellState, EndReason, Segment

Floats = NDArray[np.float64]

SLACK = 1e-6
"""Seconds by which a row or an event may be early: event times are floats, the clock counts nanoseconds."""

TIME_DIGITS = 6
"""The instrument's timestamps are whole microseconds; guess."""

SAMPLE = 1e-3
"""Seconds of one internal sample, within which a limit opens the cell; guess."""


class CellUnderTest(Protocol):
    """What is wired to a channel: the model, and the state that the channel writes back."""

    @property
    def cell(self) -> Cell:
        """The cell's model."""

    state: CellState


@dataclass(frozen=True)
class Accuracy:
    """What the channel can and how well it measures.

    voltage_range [V] both ways, current_ranges [A] ascending, voltage_noise [V] rms per row, current_noise
    rms per row as a part of the range, bits of the converter over both signs of a range, ambient [degC] as
    the instrument reports it with its noise [K] rms. +-10 V and 1 A are those of a Squidstat Plus; the others
    are guesses of its class: 20 uV and 19 uV a bit, and 1e-4 of range (a tenth of the usual 0.1 % accuracy).
    """

    voltage_range: float = 10.0
    current_ranges: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    voltage_noise: float = 20e-6
    current_noise: float = 1e-4
    bits: int = 20
    ambient: float = 25.0
    ambient_noise: float = 0.02

    def range_for(self, current: float) -> float:
        """Return the smallest range [A] that holds a current."""
        return next((each for each in self.current_ranges if each >= abs(current)), self.current_ranges[-1])


@dataclass(frozen=True)
class Element:
    """What one element asks: current [A] (None: open circuit), interval and duration [s], its ends [V].

    voltage_difference [V] overrides the interval when it is set, as the vendor's header says of
    setMinSamplingVoltageDifference. expected_current [A] fixes the range; infinite: the channel chooses.
    """

    name: str
    current: float | None
    interval: float
    duration: float
    voltage_max: float = math.inf
    voltage_min: float = -math.inf
    voltage_difference: float | None = None
    expected_current: float = math.inf

    def is_sound(self, accuracy: Accuracy) -> bool:
        """Return whether the channel can run it."""
        positive = (self.interval, self.duration, self.expected_current)
        return (
            all(value > 0 for value in positive)
            and math.isfinite(self.interval)
            and not math.isnan(self.duration)
            and (self.current is not None or math.isfinite(self.duration))
            and abs(self.current or 0.0) <= min(accuracy.current_ranges[-1], self.expected_current)
            and self.voltage_min < self.voltage_max
            and (self.voltage_difference is None or 0 < self.voltage_difference < math.inf)
        )


Nodes: TypeAlias = "tuple[tuple[Element | Nodes, int], ...]"
"""An experiment: elements or sub-experiments, each with how often it is repeated."""


def leaves(nodes: Nodes) -> Iterator[Element]:
    """Return each element of an experiment once, in order."""
    for node, _ in nodes:
        if isinstance(node, Element):
            yield node
        else:
            yield from leaves(node)


@dataclass(frozen=True)
class Began:
    """Which element begins: its place in the experiment (from 1) and its own repetition (from 1)."""

    element: Element
    number: int
    repetition: int


def executions(nodes: Nodes, first: int = 1) -> Iterator[Began]:
    """Return what an experiment runs, repetitions unrolled one by one."""
    number = first
    for node, repeat in nodes:
        for repetition in range(1, repeat + 1):
            if isinstance(node, Element):
                yield Began(node, number, repetition)
            else:
                yield from executions(node, number)
        number += 1 if isinstance(node, Element) else sum(1 for _ in leaves(node))


@dataclass(frozen=True)
class Limits:
    """Where the channel opens the cell by itself: voltage [V], current [A]."""

    voltage_max: float = math.inf
    voltage_min: float = -math.inf
    current_max: float = math.inf
    current_min: float = -math.inf


@dataclass(frozen=True)
class Reading:
    """One row: seconds since the experiment began, V, A, degC."""

    time: float
    voltage: float
    current: float
    temperature: float


class Listener(Protocol):
    """Who hears what a channel does; `time` is the bench's."""

    def began(self, channel: int, time: float, what: Began) -> None:
        """An element begins."""

    def measured(self, channel: int, reading: Reading) -> None:
        """A row was taken."""

    def failed(self, channel: int, time: float, text: str) -> None:
        """The instrument reports an error."""

    def stopped(self, channel: int, time: float, reason: str, charge: float) -> None:
        """The experiment is over and the cell open; charge [C] truly passed since it began."""


@dataclass
class _Stretch:
    """Part of an element solved in one go: rows since `start`, when it ends and why.

    start [s] of the bench; time, voltage, current (n,) true values; end [s] since start; stop is the reason
    for ending the whole experiment, error what the instrument reports before it; state of the cell at the
    end.
    """

    element: Element
    start: float
    elapsed_before: float
    time: Floats
    voltage: Floats
    current: Floats
    end: float
    charge: float
    stop: str | None = None
    error: bool = False
    state: CellState | None = None
    given: int = 0
    readings: tuple[Floats, Floats, Floats] | None = None


class Channel:
    """Firmware of one channel. `advance` hands out rows, `fire` ends an element; both only move forward."""

    def __init__(self, number: int, accuracy: Accuracy, seed: int, listener: Listener) -> None:
        self.number, self.accuracy = number, accuracy
        self.limits = Limits()
        self.experiment: Nodes | None = None
        self._listener = listener
        self._random = np.random.default_rng((seed, number))
        self._under_test: CellUnderTest | None = None
        self._state: CellState | None = None
        self._idle_since = 0.0
        self._began = 0.0
        self._charge = 0.0
        self._plan: Iterator[Began] = iter(())
        self._stretch: _Stretch | None = None

    @property
    def busy(self) -> bool:
        """Whether an experiment runs."""
        return self._stretch is not None

    @property
    def next_event(self) -> float | None:
        """When the running element ends, in the bench's seconds."""
        return None if self._stretch is None else self._stretch.start + self._stretch.end

    def contradicts(self, experiment: Nodes) -> bool:
        """Return whether an element's window lies wholly beyond the channel's limits."""
        return any(
            each.voltage_min >= self.limits.voltage_max or each.voltage_max <= self.limits.voltage_min
            for each in leaves(experiment)
        )

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on the clips, or take it off; what was there keeps the state it has now."""
        stretch = self._stretch
        if stretch is None:
            self.settle(now)
        else:
            self._interrupt(stretch, now)
        self._under_test, self._idle_since = under_test, now
        self._state = None if under_test is None else under_test.state
        if stretch is not None:
            self._solve(stretch.element, now, stretch.elapsed_before + now - stretch.start)
            self.advance(now)

    def settle(self, now: float) -> None:
        """Write into the cell on the clips what it is now; what runs on it goes on undisturbed."""
        if self._under_test is None or self._state is None:
            return
        stretch = self._stretch
        if stretch is None:
            self._relax(now)
        elapsed = 0.0 if stretch is None else now - stretch.start
        if stretch is not None and elapsed > SLACK:
            self._under_test.state = self._step(
                self._under_test.cell, self._state, stretch.element, elapsed
            ).state
        else:
            self._under_test.state = self._state

    def start(self, now: float) -> None:
        """Begin the uploaded experiment."""
        if self.experiment is None:
            raise RuntimeError("started without an experiment; the library refuses this before")
        self.settle(now)
        self._began, self._charge = now, 0.0
        self._plan, self.experiment = executions(self.experiment), None
        self._next_element(now)

    def stop(self, now: float) -> None:
        """Open the cell in the middle of an element."""
        stretch = self._stretch
        if stretch is None:
            return
        self._interrupt(stretch, now)
        self._finish(now, "Experiment stopped manually")

    def advance(self, now: float) -> None:
        """Hand out the rows due by now."""
        stretch = self._stretch
        if stretch is None:
            return
        due = int(np.searchsorted(stretch.time, now - stretch.start + SLACK, side="right"))
        self._hand_out(stretch, due)

    def fire(self) -> None:
        """End the running element at its own end: the next begins, or the experiment is over."""
        stretch = self._stretch
        if stretch is None:
            return
        self._hand_out(stretch, len(stretch.time))
        self._charge += stretch.charge
        self._keep(stretch.state)
        now = stretch.start + stretch.end
        if stretch.stop is None:
            self._next_element(now)
            return
        if stretch.error:
            self._listener.failed(self.number, now, stretch.stop)
        self._finish(now, stretch.stop)

    def _next_element(self, now: float) -> None:
        following = next(self._plan, None)
        if following is None:
            self._finish(now, "Experiment completed")
            return
        self._listener.began(self.number, now, following)
        self._solve(following.element, now, 0.0)

    def _finish(self, now: float, reason: str) -> None:
        self._stretch, self._idle_since = None, now
        self._listener.stopped(self.number, now, reason, self._charge)

    def _relax(self, now: float) -> None:
        """Let the idle cell rest since it was last looked after."""
        rested = now - self._idle_since
        if self._under_test is not None and self._state is not None and rested > SLACK:
            self._state = self._under_test.cell.current_step(self._state, 0.0, rested).state
            self._idle_since = now

    def _keep(self, state: CellState | None) -> None:
        """Remember the cell at the end of a stretch, and write it into the cell."""
        if self._under_test is not None and state is not None:
            self._state = self._under_test.state = state

    def _solve(self, element: Element, start: float, elapsed: float) -> None:
        duration = max(element.duration - elapsed, SAMPLE)
        stretch = self._solved(element, start, elapsed, duration)
        stretch.readings = self._read(element, stretch.voltage, stretch.current)
        self._stretch = stretch

    def _solved(self, element: Element, start: float, elapsed: float, duration: float) -> _Stretch:
        if self._under_test is None or self._state is None:
            return self._open_leads(element, start, elapsed, duration)
        tripped = self._current_trip(element.current or 0.0)
        segment = self._step(self._under_test.cell, self._state, element, SAMPLE if tripped else duration)
        stretch = _Stretch(
            element,
            start,
            elapsed,
            segment.time,
            segment.voltage.copy(),
            segment.current,
            float(segment.time[-1]),
            float(segment.charge[-1]),
            state=segment.state,
        )
        exhausted = segment.end is EndReason.LIMITING_CURRENT
        upward = segment.end is EndReason.UPPER_VOLTAGE or (exhausted and (element.current or 0.0) > 0)
        if segment.end is not EndReason.DURATION:
            stretch.stop, stretch.error, bound = self._voltage_end(element, upward)
            # A film that carries no more lets the voltage run away within one sample.
            stretch.voltage[-1] = bound if exhausted else stretch.voltage[-1]
        elif tripped:
            stretch.stop = tripped
        return stretch

    def _step(self, cell: Cell, state: CellState, element: Element, duration: float) -> Segment:
        rail = self.accuracy.voltage_range
        return cell.current_step(
            state,
            element.current or 0.0,
            duration,
            lower=max(element.voltage_min, self.limits.voltage_min, -rail),
            upper=min(element.voltage_max, self.limits.voltage_max, rail),
            sample_interval=element.interval if element.voltage_difference is None else None,
            sample_voltage_change=element.voltage_difference,
        )

    def _open_leads(self, element: Element, start: float, elapsed: float, duration: float) -> _Stretch:
        """Nothing on the clips: no current flows, and the voltage jumps to the rail it is driven to.

        It jumps past an element's end and a limit in one sample, so the limit has the first word.
        """
        voltage = math.copysign(self.accuracy.voltage_range, element.current) if element.current else 0.0
        stop, error = None, False
        if not self.limits.voltage_min <= voltage <= self.limits.voltage_max:
            stop, duration = self._exceeded(voltage > self.limits.voltage_max), 0.0
        elif not element.voltage_min <= voltage <= element.voltage_max:
            duration = 0.0
        elif math.isinf(duration):
            stop, error, duration = f"Overload: {element.name} runs without a cell", True, SAMPLE
        count = math.floor(duration / element.interval)
        time = np.unique(np.append(np.arange(count + 1) * element.interval, duration))
        return _Stretch(
            element,
            start,
            elapsed,
            time,
            np.full_like(time, voltage),
            np.zeros_like(time),
            duration,
            0.0,
            stop=stop,
            error=error,
        )

    def _voltage_end(self, element: Element, upward: bool) -> tuple[str | None, bool, float]:
        """Return why to stop at a voltage (None: the element ends by itself), if by error, the voltage."""
        sign = 1.0 if upward else -1.0
        own = element.voltage_max if upward else element.voltage_min
        limit = self.limits.voltage_max if upward else self.limits.voltage_min
        rail = sign * self.accuracy.voltage_range
        nearest = min((own, limit, rail), key=lambda value: sign * value)
        if nearest == own:
            return None, False, own
        if nearest == limit:
            return self._exceeded(upward), False, limit
        return f"Overload: the compliance voltage of {rail:g} V was reached", True, rail

    def _exceeded(self, upward: bool) -> str:
        if upward:
            return f"Channel maximum voltage limit of {self.limits.voltage_max:g} V exceeded"
        return f"Channel minimum voltage limit of {self.limits.voltage_min:g} V exceeded"

    def _current_trip(self, current: float) -> str | None:
        if current > self.limits.current_max:
            return f"Channel maximum current limit of {self.limits.current_max:g} A exceeded"
        if current < self.limits.current_min:
            return f"Channel minimum current limit of {self.limits.current_min:g} A exceeded"
        return None

    def _interrupt(self, stretch: _Stretch, now: float) -> None:
        """Bring rows, charge and cell to an instant inside a stretch; its last row lies there."""
        self.advance(now)
        elapsed = now - stretch.start
        if elapsed <= SLACK:
            return
        shortened = replace(stretch.element, duration=elapsed)
        last = self._solved(shortened, stretch.start, stretch.elapsed_before, elapsed)
        self._keep(last.state)
        self._charge += last.charge
        if elapsed - stretch.time[stretch.given - 1] > SLACK:
            last.time, last.voltage, last.current = last.time[-1:], last.voltage[-1:], last.current[-1:]
            last.readings = self._read(stretch.element, last.voltage, last.current)
            self._hand_out(last, 1)

    def _read(self, element: Element, voltage: Floats, current: Floats) -> tuple[Floats, Floats, Floats]:
        """Return voltage, current and temperature as the converter gives them, noise drawn once per row."""
        accuracy = self.accuracy
        full = accuracy.range_for(
            element.expected_current if math.isfinite(element.expected_current) else element.current or 0.0
        )
        noise = self._random.standard_normal((len(voltage), 3))
        steps = 2.0 ** (1 - accuracy.bits)
        volt, ampere = accuracy.voltage_range * steps, full * steps
        return (
            np.round((voltage + accuracy.voltage_noise * noise[:, 0]) / volt) * volt,
            np.round((current + accuracy.current_noise * full * noise[:, 1]) / ampere) * ampere,
            accuracy.ambient + accuracy.ambient_noise * noise[:, 2],
        )

    def _hand_out(self, stretch: _Stretch, due: int) -> None:
        if stretch.readings is None:
            raise RuntimeError("a stretch without readings")
        voltage, current, temperature = stretch.readings
        since = stretch.start - self._began
        for row in range(stretch.given, due):
            self._listener.measured(
                self.number,
                Reading(
                    round(since + float(stretch.time[row]), TIME_DIGITS),
                    float(voltage[row]),
                    float(current[row]),
                    float(temperature[row]),
                ),
            )
        stretch.given = max(stretch.given, due)
