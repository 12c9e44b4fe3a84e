"""Measuring loops: how each sets the cell up, when its samples come, and what it puts into which variable."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sim.twins.methodscript.electronics import CURRENT_MODE, OFF, UNDERLOAD, Electronics, Reading
from sim.twins.methodscript.values import Number

NEEDS_CELL_ON, NEEDS_OPEN_CELL, WRONG_PGSTAT_MODE = 0x4027, 0x0014, 0x0023
MUST_BE_POSITIVE, OUT_OF_BOUNDS, BAD_POTENTIAL, STEP_TOO_SMALL = 0x4204, 0x4205, 0x000F, 0x001C
TOO_FAST, CELL_OVERLOAD = 0x005A, 0x0032

MARKERS = {
    "meas_loop_lsv": "M0000",
    "meas_loop_cv": "M0005",
    "meas_loop_ca": "M0007",
    "meas_loop_cp": "M000A",
    "meas_loop_ocp": "M000B",
    "meas_loop_eis": "M000D",
    "meas_loop_geis": "M000E",
    "meas_loop_lsp": "M000F",
}

FIRST_CHUNK, LONGEST_CHUNK = 64, 4096
"""Samples that are solved at once, doubled as long as nothing ends the loop."""

TIMING = 1e-6
"""Of a period: what floats may be off."""

SHORTEST_PERIOD = 4e-4
"""Seconds between two samples at the least; guess."""

VOLTAGE_STEP = 12.0 / 65536
"""Volts of one bit of the output's converter; guess, 16 bits over +-6 V."""

FREQUENCIES = (1e-5, 2e5)
POINT_OVERHEAD, POINT_PERIODS = 0.2, 3.0
"""A frequency takes so many seconds and so many of its periods; guesses."""


class LoopError(Exception):
    """What a loop refuses; the machine knows its line."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class Given:
    """A value for a variable: its type, itself, and how it was measured where it was."""

    kind: str
    value: Number
    status: int | None = None
    range: int | None = None


class Loop(Protocol):
    """One measuring loop under way."""

    marker: str

    def next_at(self) -> float | None:
        """Return when [s] the next sample is taken, None after the last."""

    def take(self) -> Sequence[Given]:
        """Take it; return what the loop's variables become, then those of its option."""

    def shift(self, by: float) -> None:
        """Take all that is left later by some seconds: the script was halted."""


class DirectLoop:
    """Samples at equal times: hold or sweep a voltage or a current, or watch the open cell."""

    def __init__(
        self, marker: str, electronics: Electronics, now: float, period: float, count: int, at_once: bool
    ) -> None:
        self.marker = marker
        self._electronics, self._start, self._period, self._count = electronics, now, period, count
        self._offset = 0 if at_once else 1
        self._taken = 0
        self._chunk: list[Reading] = []
        self._used = 0
        self._size = FIRST_CHUNK
        self.shaped: Callable[[Reading, int], Sequence[Given]] = lambda reading, _: ()

    def next_at(self) -> float | None:
        """Return when the next sample is due."""
        if self._taken >= self._count:
            return None
        return self._start + (self._taken + self._offset) * self._period

    def take(self) -> Sequence[Given]:
        """Hand out one sample of a stretch that is solved already, or solve the next."""
        if self._used == len(self._chunk):
            self._solve()
        reading = self._chunk[self._used]
        self._used += 1
        self._taken += 1
        return self.shaped(reading, self._taken - 1)

    def shift(self, by: float) -> None:
        """Go on later; what is left is solved anew, since the cell lived on meanwhile."""
        self._start += by
        self._chunk, self._used = [], 0

    def _solve(self) -> None:
        due = self._start + (self._taken + self._offset) * self._period
        electronics = self._electronics
        electronics.move(min(due, self._start + (self._taken - 1 + self._offset) * self._period))
        gap = due - electronics.since
        size = min(self._size, self._count - self._taken)
        if abs(gap - self._period) > TIMING * self._period and gap > TIMING * self._period:
            self._chunk = electronics.samples(gap, 1, at_once=False)
        else:
            self._chunk = electronics.samples(self._period, size, at_once=gap <= TIMING * self._period)
        self._used, self._size = 0, min(2 * self._size, LONGEST_CHUNK)


class SpectrumLoop:
    """One sample for each frequency of a spectrum."""

    def __init__(
        self,
        marker: str,
        electronics: Electronics,
        now: float,
        amplitude: float,
        frequencies: Sequence[float],
    ) -> None:
        self.marker = marker
        self._electronics, self._at, self._amplitude = electronics, now, amplitude
        self._frequencies = list(frequencies)

    def next_at(self) -> float | None:
        """Return when the next frequency is through."""
        return self._at + _duration(self._frequencies[0]) if self._frequencies else None

    def take(self) -> Sequence[Given]:
        """Measure it."""
        frequency = self._frequencies.pop(0)
        self._at += _duration(frequency)
        electronics = self._electronics
        found = electronics.impedance(frequency, self._at)
        direct = electronics.read(self._at)
        if direct.is_critical:
            raise LoopError(CELL_OVERLOAD)
        size = abs(found)
        if electronics.mode == CURRENT_MODE:
            volts, amperes = self._amplitude * size, self._amplitude
        else:
            volts, amperes = self._amplitude, self._amplitude / size
        status = direct.current_status & ~UNDERLOAD
        return (
            Given("dc", frequency),
            Given("cc", found.real, status, direct.range),
            Given("cd", found.imag, direct.voltage_status),
            Given("ch", volts),
            Given("ci", direct.voltage),
            Given("cj", amperes),
            Given("ck", direct.current),
        )

    def shift(self, by: float) -> None:
        """Go on later."""
        self._at += by


def open_loop(name: str, numbers: Sequence[float], electronics: Electronics, now: float) -> Loop:
    """Return a measuring loop that begins now. Raises LoopError."""
    galvanostat = name in ("meas_loop_cp", "meas_loop_lsp", "meas_loop_geis")
    if name == "meas_loop_ocp":
        if electronics.on:
            raise LoopError(NEEDS_OPEN_CELL)
    elif electronics.mode == OFF or (electronics.mode == CURRENT_MODE) != galvanostat:
        raise LoopError(WRONG_PGSTAT_MODE)
    elif not electronics.on:
        raise LoopError(NEEDS_CELL_ON)
    if name in ("meas_loop_eis", "meas_loop_geis"):
        return _spectrum(name, numbers, electronics, now)
    if name in ("meas_loop_lsv", "meas_loop_lsp"):
        begin, end, step, rate = numbers
        return _sweep(name, [(begin, end)], step, rate, electronics, now)
    if name == "meas_loop_cv":
        begin, first, second, step, rate = numbers
        return _sweep(name, [(begin, first), (first, second), (second, begin)], step, rate, electronics, now)
    return _hold(name, numbers, electronics, now)


def _hold(name: str, numbers: Sequence[float], electronics: Electronics, now: float) -> DirectLoop:
    *setpoint, period, through = numbers
    _check_period(period)
    _check(through > 0.0, MUST_BE_POSITIVE)
    count = math.floor(through / period + 1e-6)
    loop = DirectLoop(MARKERS[name], electronics, now, period, count, at_once=False)
    if name == "meas_loop_ca":
        _check_setpoint(electronics, setpoint[0], voltage=True)
        electronics.set(now, voltage=setpoint[0])
    elif name == "meas_loop_cp":
        _check_setpoint(electronics, setpoint[0], voltage=False)
        electronics.set(now, current=setpoint[0])
    driven = name != "meas_loop_ocp"
    electronics.move(now)
    loop.shaped = lambda reading, _: _shaped(reading, electronics, setpoint[0] if driven else None)
    return loop


class SweepLoop(DirectLoop):
    """Sweeps one after the other; each turns where the one before ended."""

    def __init__(
        self,
        marker: str,
        electronics: Electronics,
        now: float,
        period: float,
        legs: Sequence[tuple[float, float, int]],
    ) -> None:
        super().__init__(marker, electronics, now, period, 0, at_once=True)
        self._legs = list(legs)
        self._leg_now = now
        self._begin()
        self.shaped = self._shape

    def next_at(self) -> float | None:
        """Return when the next sample is due, of this leg or the one after it."""
        due = super().next_at()
        if due is None and self._legs:
            self._start += (self._count - 1 + self._offset) * self._period
            self._electronics.move(self._start)
            self._begin()
            self._offset = 1
            return super().next_at()
        return due

    def _begin(self) -> None:
        begin, self._slope, self._count = self._legs.pop(0)
        self._from = begin
        galvanostat = self._electronics.mode == CURRENT_MODE
        setpoint = {"current": begin} if galvanostat else {"voltage": begin}
        self._electronics.set(self._start, **setpoint, rate=self._slope)
        self._taken, self._chunk, self._used, self._size = 0, [], 0, FIRST_CHUNK

    def _shape(self, reading: Reading, index: int) -> Sequence[Given]:
        return _shaped(
            reading, self._electronics, self._from + (index + self._offset) * self._slope * self._period
        )


def _sweep(
    name: str,
    legs: Sequence[tuple[float, float]],
    step: float,
    rate: float,
    electronics: Electronics,
    now: float,
) -> SweepLoop:
    voltage = electronics.mode != CURRENT_MODE
    _check(step > 0.0 and rate > 0.0, MUST_BE_POSITIVE)
    _check(not voltage or step >= VOLTAGE_STEP * (1.0 - 1e-6), STEP_TOO_SMALL)
    for setpoint in {value for leg in legs for value in leg}:
        _check_setpoint(electronics, setpoint, voltage=voltage)
    _check_period(step / rate)
    counted = []
    for number, (begin, end) in enumerate(legs):
        steps = math.floor(abs(end - begin) / step + 1e-6)
        counted.append((begin, math.copysign(rate, end - begin), steps + (1 if number == 0 else 0)))
    return SweepLoop(MARKERS[name], electronics, now, step / rate, [leg for leg in counted if leg[2] > 0])


def _spectrum(name: str, numbers: Sequence[float], electronics: Electronics, now: float) -> SpectrumLoop:
    amplitude, first, last, points, bias = numbers
    low, high = FREQUENCIES
    _check(amplitude > 0.0 and points >= 1, MUST_BE_POSITIVE)
    _check(low <= first <= high and low <= last <= high, OUT_OF_BOUNDS)
    voltage = name == "meas_loop_eis"
    _check_setpoint(electronics, bias, voltage=voltage)
    if voltage:
        electronics.set(now, voltage=bias)
    else:
        electronics.set(now, current=bias)
    count = round(points)
    ratio = (last / first) ** (1.0 / (count - 1)) if count > 1 else 1.0
    return SpectrumLoop(
        MARKERS[name], electronics, now, amplitude, [first * ratio**place for place in range(count)]
    )


def _shaped(reading: Reading, electronics: Electronics, setpoint: float | None) -> Sequence[Given]:
    """Return what is set, measured V and measured A; the machine knows which of them a loop hands out."""
    volts = Given("ab", reading.voltage, reading.voltage_status)
    if setpoint is None:
        return (volts,)
    amperes = Given("ba", reading.current, reading.current_status, reading.range)
    if electronics.mode == CURRENT_MODE:
        return volts, Given("db", setpoint), amperes
    if reading.is_critical:
        raise LoopError(CELL_OVERLOAD)
    return Given("da", setpoint), amperes, volts


def _duration(frequency: float) -> float:
    return POINT_OVERHEAD + POINT_PERIODS / frequency


def _check(holds: bool, code: int) -> None:
    if not holds:
        raise LoopError(code)


def _check_period(period: float) -> None:
    _check(period > 0.0, MUST_BE_POSITIVE)
    _check(period >= SHORTEST_PERIOD, TOO_FAST)


def _check_setpoint(electronics: Electronics, value: float, *, voltage: bool) -> None:
    accuracy = electronics.accuracy
    if voltage:
        _check(abs(value) <= accuracy.voltage, BAD_POTENTIAL)
    else:
        _check(abs(value) <= accuracy.current, OUT_OF_BOUNDS)
