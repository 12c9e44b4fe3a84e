"""What a Squidstat is told: elements, experiments and limits, and what of them its channels can do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import REST, Control, Current, Power, Resistance, Voltage

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Accuracy:
    """What a channel can and how well it measures.

    voltage_range [V] both ways, current_ranges [A] ascending, frequencies [Hz] from, to; voltage_noise [V] rms per
    row, current_noise rms per row as a part of the range, impedance_noise rms as a part of |Z|, distortion [1] rms,
    bits of the converter over both signs of a range, ambient [degC] as the instrument reports it with its noise [K]
    rms. +-10 V and 1 A are those of a Squidstat Plus; the others are guesses of its class: 20 uV and 19 uV a bit,
    and 1e-4 of range (a tenth of the usual 0.1 % accuracy).
    """

    voltage_range: float = 10.0
    current_ranges: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    frequencies: tuple[float, float] = (1e-5, 2e6)
    voltage_noise: float = 20e-6
    current_noise: float = 1e-4
    impedance_noise: float = 1e-3
    distortion: float = 1e-3
    bits: int = 20
    ambient: float = 25.0
    ambient_noise: float = 0.02

    def ranges_for(self, current: Floats) -> Floats:
        """Return the smallest range [A] (n,) that holds each current [A] (n,), the largest where none does."""
        ranges = np.array(self.current_ranges)
        return np.asarray(ranges[np.minimum(np.searchsorted(ranges, np.abs(current)), len(ranges) - 1)])


EXACT = Accuracy(
    voltage_noise=0.0, current_noise=0.0, ambient_noise=0.0, impedance_noise=0.0, distortion=0.0, bits=40
)
"""An instrument without noise, for tests of the physics behind it."""


@dataclass(frozen=True)
class Limits:
    """Where the channel opens the cell by itself: voltage [V], current [A], temperature [degC]."""

    voltage_max: float = math.inf
    voltage_min: float = -math.inf
    current_max: float = math.inf
    current_min: float = -math.inf
    temperature_max: float = math.inf


@dataclass(frozen=True)
class Hold:
    """Hold a voltage [V], current [A], power [W] or the resistance [ohm] of a load, or let the cell rest."""

    what: Literal["rest", "voltage", "current", "power", "resistance"]
    value: float = 0.0

    def control(self, elapsed: float) -> Control:
        """Return what drives the cell some seconds after the element began."""
        match self.what:
            case "rest":
                return REST
            case "voltage":
                return Voltage(self.value)
            case "current":
                return Current(self.value)
            case "power":
                return Power(self.value)
        return Resistance(self.value)

    def is_sound(self, accuracy: Accuracy) -> bool:
        """Return whether the channel can do it."""
        volts, amperes = accuracy.voltage_range, accuracy.current_ranges[-1]
        least, most = {
            "rest": (0.0, 0.0),
            "voltage": (-volts, volts),
            "current": (-amperes, amperes),
            "power": (-volts * amperes, volts * amperes),
            "resistance": (math.ulp(0.0), math.inf),
        }[self.what]
        return math.isfinite(self.value) and least <= self.value <= most


@dataclass(frozen=True)
class Sweep:
    """Change a voltage [V] or a current [A] from start to end at a rate [V/s, A/s] without sign."""

    what: Literal["voltage", "current"]
    start: float
    end: float
    rate: float

    @property
    def duration(self) -> float:
        """How long [s] it takes."""
        return abs(self.end - self.start) / self.rate

    def control(self, elapsed: float) -> Control:
        """Return what drives the cell some seconds after the element began."""
        rate = math.copysign(self.rate, self.end - self.start)
        value = self.start + rate * elapsed
        return Voltage(value, rate) if self.what == "voltage" else Current(value, rate)

    def is_sound(self, accuracy: Accuracy) -> bool:
        """Return whether the channel can do it."""
        most = accuracy.voltage_range if self.what == "voltage" else accuracy.current_ranges[-1]
        within = all(math.isfinite(value) and abs(value) <= most for value in (self.start, self.end))
        return within and self.start != self.end and 0.0 < self.rate < math.inf


FASTEST_POINT = 0.1
"""Seconds that even a fast sine is measured for; guess."""


@dataclass(frozen=True)
class Sine:
    """Measure impedance by a sine of voltage [V] or current [A] on a bias, from the first frequency [Hz] to the last.

    amplitude is its peak; cycles: the least number of periods at each frequency.
    """

    what: Literal["voltage", "current"]
    first: float
    last: float
    per_decade: float
    bias: float
    amplitude: float
    cycles: int = 1

    def control(self, elapsed: float) -> Control:
        """Return what drives the cell between the sines: the bias."""
        return Voltage(self.bias) if self.what == "voltage" else Current(self.bias)

    def frequencies(self) -> Floats:
        """Return the frequencies [Hz] (n,) in order."""
        decades = math.log10(self.last / self.first)
        count = math.floor(abs(decades) * self.per_decade + 1e-9) + 1
        return np.asarray(
            self.first * 10.0 ** (math.copysign(1.0, decades) * np.arange(count) / self.per_decade)
        )

    def periods(self) -> Floats:
        """Return how many periods (n,) are measured at each frequency."""
        return np.maximum(np.ceil(self.frequencies() * FASTEST_POINT), self.cycles)

    def is_sound(self, accuracy: Accuracy) -> bool:
        """Return whether the channel can do it."""
        most = accuracy.voltage_range if self.what == "voltage" else accuracy.current_ranges[-1]
        low, high = accuracy.frequencies
        return (
            all(low <= frequency <= high for frequency in (self.first, self.last))
            and 1.0 <= self.per_decade < math.inf
            and self.cycles >= 1
            and 0.0 < self.amplitude < math.inf
            and abs(self.bias) + self.amplitude <= most
        )


Drive: TypeAlias = Hold | Sweep | Sine

IN_VOLTS = ("value", "start", "end", "bias")


@dataclass(frozen=True)
class Element:
    """What one element asks: what it drives, interval and duration [s], and its own ends.

    voltage [V]; |current| [A]; |charge| [C] passed in the element; |dV/dt| [V/s] and |dI/dt| [A/s] fallen to this.
    voltage_difference [V] overrides the interval when it is set, as the vendor's header says of
    setMinSamplingVoltageDifference. expected_current [A] fixes the range; infinite: the channel chooses. from_ocp:
    which voltages count from the open-circuit voltage at the element's begin. quiet_time [s]: not known to the twin.
    """

    name: str
    drive: Drive
    interval: float
    duration: float = math.inf
    voltage_max: float = math.inf
    voltage_min: float = -math.inf
    current_max: float = math.inf
    current_min: float = 0.0
    charge_max: float = math.inf
    voltage_rate_min: float = 0.0
    current_rate_min: float = 0.0
    voltage_difference: float | None = None
    expected_current: float = math.inf
    from_ocp: frozenset[str] = frozenset()
    quiet_time: float = 0.0

    @property
    def length(self) -> float:
        """How long [s] it lasts at the most."""
        if isinstance(self.drive, Sine):
            return float(np.sum(self.drive.periods() / self.drive.frequencies()))
        return min(self.duration, self.drive.duration) if isinstance(self.drive, Sweep) else self.duration

    def against(self, ocp: float) -> Element:
        """Return it with every voltage counted from zero; ocp [V] is the open-circuit voltage."""
        if not self.from_ocp:
            return self
        of_drive = {name: getattr(self.drive, name) + ocp for name in self.from_ocp if name in IN_VOLTS}
        own = {name: getattr(self, name) + ocp for name in self.from_ocp if name not in IN_VOLTS}
        return replace(self, drive=replace(self.drive, **of_drive), from_ocp=frozenset(), **own)

    def is_sound(self, accuracy: Accuracy) -> bool:
        """Return whether the channel can run it."""
        drive = self.drive
        steady = isinstance(drive, Hold) and drive.what == "current"
        setpoint = abs(drive.value) if isinstance(drive, Hold) and steady else 0.0
        return (
            drive.is_sound(accuracy)
            and 0.0 < self.interval < math.inf
            and self.duration > 0.0
            and (drive != Hold("rest") or math.isfinite(self.duration))
            and setpoint <= self.expected_current
            and self.voltage_min < self.voltage_max
            and 0.0 <= self.current_min < self.current_max
            and self.charge_max > 0.0
            and min(self.voltage_rate_min, self.current_rate_min) >= 0.0
            and (self.voltage_difference is None or 0.0 < self.voltage_difference < math.inf)
            and self.quiet_time == 0.0
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
