"""Potentiostat and galvanostat of an EmStat4 HR with two leads: what a script sets, what drives the cell, what is read.

A stretch of samples is solved whole on the cell and handed out sample by sample; whoever leaves it early drives the
cell anew from where the stretch began to that very instant. So neither looks nor cuts leave an error behind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.physics.cell.control import ENDS_ONLY, REST, Current, Record, Until, Voltage
from sim.physics.cell.data import CellError
from sim.twins.clips import CellUnderTest, Clips

Floats = NDArray[np.float64]

OVERLOAD, UNDERLOAD, OVERLOAD_WARNING = 2, 4, 8

OFF, CURRENT_MODE = 0, 6
MODES = (OFF, 2, 3, CURRENT_MODE)
"""Off, potentiostat at low and at high speed, galvanostat."""


@dataclass(frozen=True)
class Accuracy:
    """What the instrument can and how well it measures.

    voltage [V] both ways, compliance [V], current [A] the largest; current_ranges [A] with the number under which a
    package names each; overrange: how far a range goes beyond its name. voltage_bit [V] and current_bit (a part of
    the range) of the converters, their noise rms in the same units, impedance_noise rms as a part of |Z|.
    Ranges, +-6 V and 200 mA are those of the EmStat4 HR [labmcp-palmsens 0.1.3; range numbers: the vendor's example
    code]; all others are guesses: +-8 V of compliance, 12 V in 18 bits, 92 ppm of range, ranges up to twice their name.
    """

    voltage: float = 6.0
    compliance: float = 8.0
    current: float = 0.2
    current_ranges: tuple[tuple[float, int], ...] = (
        (1e-7, 9),
        (1e-6, 12),
        (1e-5, 15),
        (1e-4, 18),
        (1e-3, 21),
        (1e-2, 24),
        (1e-1, 27),
    )
    overrange: float = 2.0
    voltage_bit: float = 46e-6
    current_bit: float = 9.2e-5
    voltage_noise: float = 20e-6
    current_noise: float = 5e-5
    impedance_noise: float = 1e-3


EXACT = Accuracy(
    voltage_bit=1e-9, current_bit=1e-9, voltage_noise=0.0, current_noise=0.0, impedance_noise=0.0
)
"""An instrument as good as its packages, for tests of the physics behind it."""

PAST = 1.0
"""Volts past the end of a cell that is exhausted, where more voltage brings no more current; the cell's model can be
driven no further."""

ROUND_OFF = 1e-9
"""Volts by which a voltage may move in a calculation that changes nothing."""

UNDER = 5e-3
WARNING = 0.95
"""Parts of a range below which a reading is called an underload, and above which an overload is near; guesses."""


class Reading(NamedTuple):
    """V and A as the converters give them, with their status, the number of the current range, and whether more than
    the instrument bears flows."""

    voltage: float
    current: float
    voltage_status: int
    current_status: int
    range: int
    is_critical: bool


class Electronics:
    """One channel with its leads. Times [s] are the bench's."""

    def __init__(self, accuracy: Accuracy, seed: int) -> None:
        self.accuracy = accuracy
        self.clips = Clips(accuracy.compliance)
        self.mode, self.on = OFF, False
        self.voltage = self.current = 0.0
        self.range = self.lowest_range = accuracy.current_ranges[-1][0]
        self.charge = 0.0
        self._random = np.random.default_rng(seed)
        self.since = 0.0
        self.rate = 0.0
        self._last_current = 0.0
        self._foreseen: tuple[Floats, Floats] | None = None

    def reset(self, now: float) -> None:
        """Be as after power-on: the cell open."""
        self.move(now)
        self.mode, self.on, self.rate = OFF, False, 0.0
        self.voltage = self.current = 0.0
        self.range = self.lowest_range = self.accuracy.current_ranges[-1][0]

    def wire(self, under_test: CellUnderTest | None, now: float) -> None:
        """Put a cell on the leads, or take it off."""
        self.move(now)
        self.clips.wire(under_test, now)

    def move(self, now: float) -> None:
        """Let the cell live through what drives it, up to `now`."""
        elapsed = now - self.since
        if elapsed <= 0.0:
            return
        control = self._control
        if control is None:
            self.clips.settle(now)
            self._last_current = 0.0
        else:
            segment = self.clips.drive(control, self._until(elapsed), ENDS_ONLY, self.since)
            self.charge += float(segment.charge[-1])
            self._last_current = float(segment.current[-1])
            driven = float(segment.time[-1])
            if driven < elapsed * (1.0 - 1e-9):
                self._drive_by_compliance(self._beyond(control, float(segment.voltage[-1])), driven, elapsed)
            if isinstance(control, Voltage):
                self.voltage += control.rate * elapsed
            else:
                self.current += control.rate * elapsed
        self.since = now

    def _drive_by_compliance(self, beyond: Voltage, driven: float, elapsed: float) -> None:
        """Drive a cell that takes its current no longer by all the voltage there is: it gives what it can."""
        rest = Until(duration=elapsed - driven)
        segment = self.clips.drive(beyond, rest, ENDS_ONLY, self.since + driven)
        self.charge += float(segment.charge[-1])
        self._last_current = float(segment.current[-1])

    def set(
        self, now: float, *, voltage: float | None = None, current: float | None = None, rate: float = 0.0
    ) -> None:
        """Ask for a voltage [V] or a current [A] from now on, that changes by a rate [1/s]."""
        self.move(now)
        if (current is not None and current != self.current) or rate != self.rate:
            self._foreseen = None
        self.voltage = self.voltage if voltage is None else voltage
        self.current = self.current if current is None else current
        self.rate = rate

    def switch(self, on: bool, now: float) -> None:
        """Close or open the cell."""
        self.move(now)
        self.on, self._foreseen = on, None

    def choose_range(self, lowest: float, highest: float) -> None:
        """Let the current be read in ranges between two currents [A], each the smallest that holds it."""
        self.lowest_range, self.range = self._range_for(abs(lowest)), self._range_for(abs(highest))

    def read(self, now: float) -> Reading:
        """Read V and A at this instant."""
        self.move(now)
        if not self.on or self.mode == OFF:
            volts, amperes = self.clips.voltage(now), 0.0
        elif self.mode == CURRENT_MODE:
            volts, amperes = self.clips.voltage(now, self.current), self.current if self.clips.wired else 0.0
        else:
            volts, amperes = self.voltage, self._current_now(now)
        return self._readings(np.array([volts]), np.array([amperes]))[0]

    def samples(self, period: float, count: int, at_once: bool) -> list[Reading]:
        """Return the next readings, `period` [s] apart, without living through them; the first now, or after one."""
        first = 0 if at_once else 1
        length = (count - 1 + first) * period
        if length == 0.0:
            return [self.read(self.since)]
        volts, amperes = np.zeros(count), np.zeros(count)
        control = self._control or REST
        segment = self.clips.foresee(control, self._until(length), Record(interval=period), self.since)
        through = float(segment.time[-1]) >= length * (1.0 - 1e-9)
        regular = segment.time if through else segment.time[:-1]
        rows = np.arange(first, min(len(regular), count + first))
        volts[: len(rows)], amperes[: len(rows)] = segment.voltage[rows], segment.current[rows]
        volts[len(rows) :] = self._rail(control)
        if self.clips.wired and len(rows) < count:
            times = (np.arange(len(rows), count) + first) * period - float(segment.time[-1])
            beyond = self._beyond(control, float(segment.voltage[-1]))
            given = self.clips.foresee(
                beyond,
                Until(duration=float(times[-1])),
                Record(times=tuple(times.tolist())),
                self.since + float(segment.time[-1]),
                segment.state,
            )
            amperes[len(rows) :] = np.interp(times, given.time, given.current)
        if isinstance(control, Current) and self.clips.wired:
            instants: Floats = self.since + period * (np.arange(count, dtype=np.float64) + first)
            volts, amperes = self._discharging_its_layer(control, instants, volts, amperes)
        return self._readings(volts, amperes)

    def _discharging_its_layer(
        self, control: Current, times: Floats, volts: Floats, amperes: Floats
    ) -> tuple[Floats, Floats]:
        """Return volts and amperes at times [s] of a cell whose double layer holds up a collapse.

        The cell's model is quasi-static. Where it runs away faster than I/C the layer of the cathode, C, gives the
        current that is set, and the voltage moves by I/C and no faster: 50 V/s at 10C.
        """
        capacitance = self.clips.capacitance
        if capacitance == 0.0 or control.value == 0.0:
            return volts, amperes
        if self._foreseen is not None:
            before, at = self._foreseen
            last = int(np.searchsorted(before, self.since, side="right")) - 1
            if last >= 0:
                times, volts = np.append(before[last], times), np.append(at[last], volts)
        sign = math.copysign(1.0, control.value)
        slope = max(abs(control.value), abs(control.value + control.rate * (times[-1] - self.since)))
        fastest = sign * slope / capacitance * (times - times[0])
        held = sign * np.minimum.accumulate(sign * (volts - fastest)) + fastest
        held = np.clip(held, -self.clips.rail, self.clips.rail)
        self._foreseen = times, held
        held, volts, times = (each[-len(amperes) :] for each in (held, volts, times))
        set_current = control.value + control.rate * (times - self.since)
        return held, np.where(np.abs(held - volts) > ROUND_OFF, set_current, amperes)

    def impedance(self, frequency: float, now: float) -> complex:
        """Return the impedance [ohm] at a frequency [Hz] of the cell as it is; NaN for what cannot be measured."""
        self.move(now)
        try:
            found = complex(self.clips.impedance(np.array([frequency]), now, self._last_current)[0])
        except CellError:
            found = complex(math.nan, math.nan)
        noise = self.accuracy.impedance_noise * abs(found) * self._random.standard_normal(2)
        measured = found + complex(*noise)
        finite = math.isfinite(measured.real) and math.isfinite(measured.imag)
        return measured if finite else complex(math.nan, math.nan)

    @property
    def _control(self) -> Current | Voltage | None:
        if not self.on or self.mode == OFF:
            return None
        if self.mode == CURRENT_MODE:
            return Current(self.current, self.rate)
        return Voltage(self.voltage, self.rate)

    def _until(self, duration: float) -> Until:
        """Return the end of a stretch: a current drives the cell no further than the compliance."""
        if self.mode == CURRENT_MODE and self.on:
            return Until(duration=duration, lower=-self.clips.rail, upper=self.clips.rail)
        return Until(duration=duration)

    def _beyond(self, control: Current | Voltage, last: float) -> Voltage:
        """Return what stands for all the voltage there is: a volt past the end the current is the limiting one."""
        driven = control.value if isinstance(control, Current) else control.value - last
        return Voltage(last + math.copysign(PAST, driven))

    def _rail(self, control: Current | Voltage) -> float:
        """Return where the voltage is when the cell no longer follows."""
        if isinstance(control, Voltage):
            return control.value
        return math.copysign(self.clips.rail, control.value) if control.value else 0.0

    def _current_now(self, now: float) -> float:
        instant = self.clips.foresee(Voltage(self.voltage, self.rate), Until(duration=0.0), ENDS_ONLY, now)
        return float(instant.current[0])

    def _range_for(self, current: float) -> float:
        ranges = [full for full, _ in self.accuracy.current_ranges]
        return next((full for full in ranges if full >= current * (1.0 - 1e-9)), ranges[-1])

    def _readings(self, volts: Floats, amperes: Floats) -> list[Reading]:
        """Return what the converters make of true values; noise is drawn once for each reading, in order."""
        accuracy = self.accuracy
        noise = self._random.standard_normal((len(volts), 2))
        fulls = np.array([full for full, _ in accuracy.current_ranges])
        numbers = np.array([number for _, number in accuracy.current_ranges])
        low, high = np.searchsorted(fulls, [self.lowest_range, self.range])
        places = np.clip(np.searchsorted(fulls * accuracy.overrange, np.abs(amperes)), low, max(low, high))
        full = fulls[places]
        most = np.minimum(accuracy.overrange * full, accuracy.current)
        bit = accuracy.current_bit * full
        read = np.round((amperes + accuracy.current_noise * full * noise[:, 1]) / bit) * bit
        volts_read = (
            np.round((volts + accuracy.voltage_noise * noise[:, 0]) / accuracy.voltage_bit)
            * accuracy.voltage_bit
        )
        over = np.where(
            np.abs(amperes) > most, OVERLOAD, np.where(np.abs(amperes) > WARNING * most, OVERLOAD_WARNING, 0)
        )
        under = np.where((np.abs(amperes) < UNDER * full) & (places > low), UNDERLOAD, 0)
        return [
            Reading(*row)
            for row in zip(
                np.clip(volts_read, -accuracy.voltage, accuracy.voltage).tolist(),
                np.clip(read, -most, most).tolist(),
                np.where(np.abs(volts) > accuracy.voltage, OVERLOAD, 0).tolist(),
                (over + under).tolist(),
                numbers[places].tolist(),
                (np.abs(amperes) > accuracy.current).tolist(),
                strict=True,
            )
        ]
