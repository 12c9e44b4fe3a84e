"""Step a program from the host, for an instrument that runs none by itself: which step is next, and why one ended.

Nothing here speaks to an instrument or knows a clock: it is told rows with their times. The instrument is one
that holds a voltage and never passes a current limit, so that a constant current ends by itself at its voltage;
the ends are judged on rows, and each says by how much the rows came late.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from devices.cycling.cycler import Nodes
from devices.cycling.ends import OWN_ENDS, EndReason
from devices.cycling.leads import LeadWatch
from devices.cycling.programs import CellLimits, Step
from devices.cycling.sequence import Part
from devices.cycling.techniques import ConstantVoltage, VoltageRamp
from devices.cycling.verdict import (
    FAR,
    MOST_INVALID,
    NO_VOLTAGE,
    drive_of,
    fault_of,
    held_voltage,
    is_rest,
    minus,
)

HELD_SHARE = 0.02
"""Part of the current that must be missing before the voltage counts as reached; guess, some hundred times the
accuracy of a source limit."""

TIME_SLACK = 1e-3
"""Seconds by which a row may be early for its duration; guess, what an instrument's timer and clock differ by."""

RATE_SIGMAS = 6.0
"""A rate is taken over so long that the noise of its two rows is this many times smaller than the bound."""


@dataclass(frozen=True)
class Meter:
    """How well an instrument measures in one step.

    voltage_error [V]: by how much a held voltage may be off before a limit counts as broken. voltage_noise [V],
    current_noise [A]: rms of a row. zero_current [A]: not to be told from none.
    """

    voltage_error: float
    voltage_noise: float
    current_noise: float
    zero_current: float


@dataclass(frozen=True)
class Reading:
    """One row as the instrument has it: s on any axis, V, A; NaN where the reading failed."""

    time: float
    voltage: float
    current: float

    @property
    def is_valid(self) -> bool:
        """Whether both values are numbers."""
        return math.isfinite(self.voltage) and math.isfinite(self.current)


@dataclass(frozen=True)
class Ended:
    """Why a step ended; when [s] by interpolation between rows, and how late [s] the row was that showed it."""

    reason: EndReason
    time: float
    late: float

    @property
    def goes_on(self) -> bool:
        """Whether the program goes on to its next step."""
        return self.reason in OWN_ENDS


class StepWatch:
    """Judge one step by its rows, in order of time.

    rest [V]: the cell's voltage without current just before; longest [s] stands for a missing duration.
    """

    def __init__(self, step: Step, limits: CellLimits, meter: Meter, longest: float, rest: float) -> None:
        self.step, self.limits, self.meter = step, limits, meter
        self.charge = self.energy = 0.0
        self._bound = longest if step.until.duration is None else step.until.duration
        self._rest = rest
        self._began: float | None = None
        self._invalid = 0
        self._rows: deque[Reading] = deque()
        self._spans = _rate_spans(step, meter)
        self._leads = LeadWatch.of(step.run.technique, meter.zero_current)

    def elapsed(self, time: float) -> float:
        """Return the seconds since the first row."""
        return 0.0 if self._began is None else time - self._began

    def left(self, time: float) -> float:
        """Return the seconds the step may still last."""
        return max(self._bound - self.elapsed(time), 0.0)

    def at_once(self, time: float) -> Ended | None:
        """Return why the step is not to begin at all, by the voltage at rest: nothing has flowed."""
        rest, drive, error = self._rest, drive_of(self.step), self.meter.voltage_error
        if not math.isfinite(rest) or (self.limits.voltage_min > 0.0 and abs(rest) < NO_VOLTAGE):
            return Ended(EndReason.OPEN_CIRCUIT, time, 0.0)
        if drive:
            end, reason = held_voltage(self.step, self.limits)
            if math.copysign(1.0, drive) * (rest - end) >= 0.0:
                return Ended(reason, time, 0.0)
        towards = _direction(self.step, rest)
        if towards <= 0 and rest < self.limits.voltage_min - error:
            return Ended(EndReason.SAFETY_VOLTAGE_MIN, time, 0.0)
        if towards >= 0 and rest > self.limits.voltage_max + error:
            return Ended(EndReason.SAFETY_VOLTAGE_MAX, time, 0.0)
        return None

    def row(self, now: Reading) -> Ended | None:
        """Take one row; return why the step ends with it, None when it goes on."""
        if self._began is None:
            self._began = now.time
        if not now.is_valid:
            self._invalid += 1
            broken = self._invalid >= MOST_INVALID and not is_rest(self.step)
            return Ended(EndReason.INSTRUMENT_ERROR, now.time, 0.0) if broken else self._by_time(now)
        self._invalid = 0
        before = self._rows[-1] if self._rows else None
        found = [each for each in self._own_ends(before, now) if each is not None]
        self._keep(before, now)
        # A voltage that is set jumps from rest; only from row to row does that say something.
        is_set = isinstance(self.step.run, ConstantVoltage | VoltageRamp)
        rested = before if before or is_set else Reading(now.time, self._rest, 0.0)
        fault = fault_of(self.step, rested, now, self.limits, least=self.meter.zero_current, holds=True)
        if self._is_off(now):
            fault = EndReason.OPEN_CIRCUIT
        if fault is EndReason.CURRENT_LOST and (found or before is None):
            fault = None
        if fault is not None:
            return Ended(fault, now.time, 0.0)
        if found:
            return min(found, key=lambda each: each.time)
        return self._beyond_limits(now)

    def _is_off(self, now: Reading) -> bool:
        """Return whether a lead fell off a held voltage; a current that is at its limit is not the cell's."""
        return self._leads is not None and not self._rides(now) and self._leads.is_off(now.time, now.current)

    def _rides(self, now: Reading) -> bool:
        """Return whether the source is at its current limit, and the voltage of a hold not yet where it is to be."""
        run = self.step.run
        is_far = isinstance(run, ConstantVoltage) and abs(now.voltage - run.voltage) > FAR
        return is_far or abs(now.current) >= self.limits.current_max * (1.0 - HELD_SHARE)

    def finished(self, time: float) -> Ended | None:
        """Hear that the instrument came to the end of what it was set to; return why, None when it is to go on."""
        if isinstance(self.step.run, VoltageRamp):
            return Ended(EndReason.SWEPT, time, 0.0)
        return None if self.left(time) > TIME_SLACK else Ended(self._timed_out(), time, 0.0)

    def _keep(self, before: Reading | None, now: Reading) -> None:
        """Integrate by trapezoids and remember as many rows as the rates need."""
        if before is not None:
            dt = now.time - before.time
            self.charge += 0.5 * (now.current + before.current) * dt
            self.energy += 0.5 * (now.current * now.voltage + before.current * before.voltage) * dt
        self._rows.append(now)
        span = max(self._spans.values(), default=0.0)
        while len(self._rows) > 2 and now.time - self._rows[1].time >= span:
            self._rows.popleft()

    def _own_ends(self, before: Reading | None, now: Reading) -> Iterable[Ended | None]:
        until = self.step.until
        dt = 0.0 if before is None else now.time - before.time
        charge, energy = abs(self.charge), abs(self.energy)
        passed, spent = charge, energy
        if before is not None:
            passed = abs(self.charge + 0.5 * (now.current + before.current) * dt)
            spent = abs(
                self.energy + 0.5 * (now.current * now.voltage + before.current * before.voltage) * dt
            )
        old = before or now
        yield self._by_time(now)
        yield self._held(before, now)
        yield _crossed(EndReason.VOLTAGE_ABOVE, until.voltage_above, old.voltage, now.voltage, now.time, dt)
        yield _crossed(
            EndReason.VOLTAGE_BELOW, minus(until.voltage_below), -old.voltage, -now.voltage, now.time, dt
        )
        was, is_now = abs(old.current), abs(now.current)
        yield _crossed(EndReason.CURRENT_ABOVE, until.current_above, was, is_now, now.time, dt)
        yield _crossed(EndReason.CURRENT_BELOW, minus(until.current_below), -was, -is_now, now.time, dt)
        yield _crossed(EndReason.CHARGE, until.charge, charge, passed, now.time, dt)
        yield _crossed(EndReason.ENERGY, until.energy, energy, spent, now.time, dt)
        yield self._slow(EndReason.VOLTAGE_RATE_BELOW, until.voltage_rate_below, now)
        yield self._slow(EndReason.CURRENT_RATE_BELOW, until.current_rate_below, now)

    def _by_time(self, now: Reading) -> Ended | None:
        over = self.elapsed(now.time) - self._bound
        sweeps = isinstance(self.step.run, VoltageRamp) and self.step.until.duration is None
        if sweeps or over < -TIME_SLACK:
            return None
        return Ended(self._timed_out(), now.time - max(over, 0.0), max(over, 0.0))

    def _timed_out(self) -> EndReason:
        return EndReason.LONGEST_STEP if self.step.until.duration is None else EndReason.DURATION

    def _held(self, before: Reading | None, now: Reading) -> Ended | None:
        """Return the end of a constant current whose instrument holds the end's voltage instead, by now.

        When it began to is found by going on along the last slope under the full current.
        """
        drive = drive_of(self.step)
        end, reason = held_voltage(self.step, self.limits)
        short = math.copysign(1.0, drive) * (end - now.voltage)
        if not drive or short > FAR or (short > 0.0 and now.current / drive > 1.0 - HELD_SHARE):
            return None
        dt = 0.0 if before is None else now.time - before.time
        ahead = 0.0
        if before is not None and len(self._rows) > 1:
            earlier = self._rows[-2]
            rise = (before.voltage - earlier.voltage) / (before.time - earlier.time)
            towards = (end - before.voltage) * rise > 0.0
            ahead = min((end - before.voltage) / rise, dt) if towards else 0.0
        return Ended(reason, now.time - dt + ahead, dt - ahead)

    def _slow(self, reason: EndReason, bound: float | None, now: Reading) -> Ended | None:
        """Return the end by a rate, over the rows that its noise needs; None while there are too few."""
        if bound is None or (isinstance(self.step.run, ConstantVoltage) and self._rides(now)):
            return None
        span = self._spans[reason]
        old = next((row for row in reversed(self._rows) if now.time - row.time >= span), None)
        if old is None or now.time <= old.time:
            return None
        change = now.voltage - old.voltage
        if reason is EndReason.CURRENT_RATE_BELOW:
            change = now.current - old.current
        slow = abs(change) <= bound * (now.time - old.time)
        return Ended(reason, now.time, 0.0) if slow else None

    def _beyond_limits(self, now: Reading) -> Ended | None:
        """Return which of the cell's limits the row shows to be broken."""
        limits, error = self.limits, self.meter.voltage_error
        flows = now.current if abs(now.current) > self.meter.zero_current else 0.0
        faults = (
            (EndReason.SAFETY_VOLTAGE_MAX, flows >= 0 and now.voltage > limits.voltage_max + error),
            (EndReason.SAFETY_VOLTAGE_MIN, flows <= 0 and now.voltage < limits.voltage_min - error),
            (
                EndReason.SAFETY_CURRENT,
                abs(now.current) > limits.current_max * (1.0 + HELD_SHARE) + self.meter.zero_current,
            ),
            (
                EndReason.SAFETY_CHARGE,
                limits.charge_max is not None and abs(self.charge) >= limits.charge_max,
            ),
        )
        reason = next((reason for reason, is_so in faults if is_so), None)
        return None if reason is None else Ended(reason, now.time, 0.0)


class HostRun:
    """A job's steps in their order, loops unrolled: `next` hands one out, its watch says why it ended."""

    def __init__(self, nodes: Nodes, limits: CellLimits, longest: float) -> None:
        self.limits, self.longest = limits, longest
        self._steps = (turn.step for turn in Part(nodes, 0).walk())
        self._coming = next(self._steps, None)

    @property
    def goes_on(self) -> bool:
        """Whether there is a step to come."""
        return self._coming is not None

    def next(self) -> Step | None:
        """Return the step to set now, None when all are through."""
        step, self._coming = self._coming, next(self._steps, None)
        return step

    def watch(self, step: Step, meter: Meter, rest: float) -> StepWatch:
        """Return what judges a step that begins on a cell of so many volts [V] at rest."""
        return StepWatch(step, self.limits, meter, self.longest, rest)


def _direction(step: Step, rest: float) -> float:
    """Return the sign of what a step drives first, from the voltage [V] at rest; 0 for a rest."""
    match step.run:
        case ConstantVoltage(voltage=target) | VoltageRamp(start=target):
            return target - rest
    return drive_of(step)


def _crossed(
    reason: EndReason, bound: float | None, was: float, now: float, time: float, dt: float
) -> Ended | None:
    """Return the end when a value rose to its bound, at the instant a straight line between the rows gives."""
    if bound is None or now < bound:
        return None
    late = dt * (now - bound) / (now - was) if was < bound else dt
    return Ended(reason, time - late, late)


def _rate_spans(step: Step, meter: Meter) -> dict[EndReason, float]:
    """Return over how many seconds each rate is taken: a row's interval, or what the noise needs."""
    bounds = (
        (EndReason.VOLTAGE_RATE_BELOW, step.until.voltage_rate_below, meter.voltage_noise),
        (EndReason.CURRENT_RATE_BELOW, step.until.current_rate_below, meter.current_noise),
    )
    least = 0.5 * step.record.interval
    return {
        reason: max(least, RATE_SIGMAS * noise / bound)
        for reason, bound, noise in bounds
        if bound is not None
    }
