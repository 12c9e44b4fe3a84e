"""The terminals of a SourceMeter: a source of voltage or current with a limit, on a cell; and how it is metered.

Source and limit are a complementarity: either the limit rules, or the source does. The cell's physics says when
one gives way to the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import ENDS_ONLY, Control, Current, Record, Until, Voltage
from sim.physics.cell.data import CellState
from sim.twins.clips import CellUnderTest, Clips

if TYPE_CHECKING:
    from sim.physics.cell.cell import Cell

Floats = NDArray[np.float64]

ROUND_OFF = 1e-9
"""Volts by which a limit and a source may miss one another where one hands over to the other."""


@dataclass(frozen=True)
class Source:
    """What drives the terminals: a voltage [V] with a largest current [A], or a current with a largest voltage."""

    kind: Literal["VOLT", "CURR"]
    level: float
    limit: float


@dataclass(frozen=True)
class Accuracy:
    """How well it measures: resolution [V] and [part of a current range], rms noise of a row likewise.

    Resolutions and current noise are those of the Model 2450's specifications (20 V: 10 uV; a current range: a
    millionth); a row's voltage noise of one resolution is a guess.
    """

    voltage_resolution: float = 10e-6
    current_resolution: float = 1e-6
    voltage_noise: float = 10e-6
    current_noise: float = 4e-6

    def with_noise(self, factor: float) -> Accuracy:
        """Return the same with so many times the noise."""
        return replace(
            self, voltage_noise=factor * self.voltage_noise, current_noise=factor * self.current_noise
        )


@dataclass
class _Copy:
    """A cell that somebody may drive without the real one noticing."""

    cell: Cell
    state: CellState


class Terminals:
    """The leads, what drives them since when, and the charge [C] that truly passed."""

    def __init__(self, rail: float) -> None:
        self.source: Source | None = None
        self.charge = 0.0
        self._rail = rail
        self._clips = Clips(rail)
        self._under_test: CellUnderTest | None = None
        self._since = 0.0

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on the leads, or take it off."""
        self.settle(now)
        self._clips.wire(under_test, now)
        self._under_test = under_test

    def change(self, source: Source | None, now: float) -> None:
        """Drive by another source from now on; None: the cell is disconnected."""
        if source != self.source:
            self.settle(now)
            self.source = source

    def settle(self, now: float) -> None:
        """Let the cell live through what drove it until now."""
        if self.source is not None and now > self._since:
            self.charge += _live(self._clips, self.source, self._since, np.array([now]))[2]
        elif self.source is None:
            self._clips.settle(now)
        self._since = max(self._since, now)

    def foresee(self, times: Floats) -> tuple[Floats, Floats]:
        """Return voltage [V] and current [A] at times from now on, ascending, should nothing change."""
        if self.source is None:
            return np.zeros_like(times), np.zeros_like(times)
        shadow = Clips(self._rail)
        if self._under_test is not None:
            shadow.wire(_Copy(self._under_test.cell, self._under_test.state), self._since)
        voltage, current, _ = _live(shadow, self.source, self._since, times)
        return voltage, current


def _live(clips: Clips, source: Source, start: float, times: Floats) -> tuple[Floats, Floats, float]:
    """Drive what hangs on the clips to the last of some times; return V, A (n,) there and the charge passed."""
    voltage, current = np.zeros_like(times), np.zeros_like(times)
    clips.settle(start)
    charge, at, given, turned = 0.0, start, 0, False
    while given < len(times):
        control, until = _regime(clips, source, at, turned)
        left = float(times[-1]) - at
        asked = times[given:] - at
        if left <= 0.0:
            voltage[given:], current[given:] = _instant(clips, source, control, at)
            break
        record = Record(times=tuple(np.maximum(asked, 0.0).tolist()))
        segment = clips.drive(control, Until(duration=left, lower=until[0], upper=until[1]), record, at)
        end = float(segment.time[-1])
        last = end >= left * (1.0 - 1e-12) or (turned and end == 0.0)
        through = len(times) if last else given + int(np.searchsorted(asked, end, side="right"))
        place = slice(given, through)
        voltage[place] = np.interp(times[place] - at, segment.time, segment.voltage)
        current[place] = np.interp(times[place] - at, segment.time, segment.current)
        charge += float(segment.charge[-1])
        at, given, turned = at + end, through, True
    return voltage, current, charge


def _regime(
    clips: Clips, source: Source, at: float, turned: bool
) -> tuple[Control, tuple[float | None, float | None]]:
    """Return what rules now, limit or source, and the voltages (lower, upper) at which the other takes over.

    Once it turned, the voltage rules: what the limit drove has arrived there, and the current only falls.
    """
    if source.kind == "VOLT":
        if not turned and clips.voltage(at, source.limit) < source.level - ROUND_OFF:
            return Current(source.limit), (None, source.level)
        if not turned and clips.voltage(at, -source.limit) > source.level + ROUND_OFF:
            return Current(-source.limit), (source.level, None)
        return Voltage(source.level), (None, None)
    voltage = clips.voltage(at, source.level)
    if turned or abs(voltage) >= source.limit:
        return Voltage(math.copysign(source.limit, voltage)), (None, None)
    return Current(source.level), (-source.limit, source.limit)


def _instant(clips: Clips, source: Source, control: Control, at: float) -> tuple[float, float]:
    """Return voltage and current at the instant a source begins to drive."""
    if isinstance(control, Current):
        return clips.voltage(at, control.value), control.value
    segment = clips.foresee(control, Until(duration=1e-3), ENDS_ONLY, at)
    return float(segment.voltage[0]), float(segment.current[0])


def metered(
    true: tuple[Floats, Floats], accuracy: Accuracy, current_range: float, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return voltage and current as they are read, noise drawn once per row."""
    voltage, current = true
    noise = random.standard_normal((len(voltage), 2))
    digit = accuracy.current_resolution * current_range
    return (
        _rounded(voltage + accuracy.voltage_noise * noise[:, 0], accuracy.voltage_resolution),
        _rounded(current + accuracy.current_noise * current_range * noise[:, 1], digit),
    )


def _rounded(values: Floats, digit: float) -> Floats:
    return np.round(values / digit) / round(1.0 / digit) if digit else values
