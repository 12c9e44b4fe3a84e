"""Twin of an INFICON SQM-160 thickness monitor: film from the frequency of a quartz crystal by Z-match.

Commands as in chapter 8.4 of its manual, through drivers that were used on hardware (PyMeasure, sqm160). Thickness is
that of the crystal in front of it (Z-match: Lu and Lewis, J. Appl. Phys. 43, 4385 (1972)), times both toolings, since
the last zero. A measurement ends every `interval` seconds; its noise belongs to it, not to who asks. Guesses: a
message with a wrong checksum is not answered; a crystal that does not oscillate shows 0 Hz, its rate 0 and the
thickness it had; what a failing crystal does. It refuses what it does not model: mass and frequency on the display,
another time base.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.twins.interval_noise import IntervalNoise

FIRMWARE = "MON Ver 4.13"
QUARTZ_DENSITY, FREQUENCY_CONSTANT = 2649.0, 1668.0
"""Of AT-cut quartz [kg/m3], [Hz m] (INFICON manuals: 2.649 g/cm3, 1.668e5 Hz cm)."""
UNCOATED = 6.0e6
"""Hz of a new crystal."""
ANGSTROM = 1e-10
NOISE = 0.05
"""Hz rms of one measurement of 1 s; 0.03 to 0.1 Hz [guess]."""
FAILING_DRIFT, FAILING_JUMP, JUMPS_ABOVE = 0.5, 20.0, 1.645
"""Hz/s by which a failing crystal reads too little, Hz of its jumps, and the normal number above which one comes."""

OK, INVALID_COMMAND, BAD_DATA = "A", "C", "D"
_FILM = re.compile(r"A([1-9]\d?)(.*)")
_SENSOR = re.compile(r"([LNPR])([1-6])\??")


class Crystal(Protocol):
    """The crystal in front of which the film grows."""

    def frequency(self) -> float:
        """Return its true frequency [Hz]."""

    def alive(self) -> bool:
        """Return whether it oscillates."""


@dataclass
class Film:
    """One of 99 films: density [g/cm3], tooling [%], ratio of acoustic impedances, as it is set and told."""

    name: str
    density: float = 0.5
    tooling: int = 100
    z_ratio: float = 1.0
    rest: tuple[str, ...] = ("0.500", "0.000", "0", "1")


def film_thickness(frequency: float, density: float, z_ratio: float) -> float:
    """Return the film [m] on a crystal of a frequency [Hz], by Z-match; density [kg/m3], z_ratio [1].

    T = Nq rq / (pi r f Z) atan(Z tan(pi (fq - f) / fq)).
    """
    loaded = math.tan(math.pi * (UNCOATED - frequency) / UNCOATED)
    scale = FREQUENCY_CONSTANT * QUARTZ_DENSITY / (math.pi * density * frequency * z_ratio)
    return scale * math.atan(z_ratio * loaded)


class InficonSQM160Twin:
    """The monitor, with one crystal, on sensor 1.

    rng gives seeds, once; noise [Hz rms] of a measurement; sensors: 2, or 6 with its extra board.
    """

    def __init__(
        self,
        crystal: Crystal,
        rng: np.random.Generator,
        *,
        noise: float = NOISE,
        interval: float = 1.0,
        sensors: int = 2,
    ) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.interval = interval
        self._sensors = sensors
        self._crystal = crystal
        self._level = noise
        self._noise, self._jumps = IntervalNoise(rng, interval), IntervalNoise(rng, interval)
        self._films = [Film(f"FILM {number}") for number in range(1, 100)]
        self._film = self._films[0]
        self._system = [f"{interval:.2f}", "0", "0", "0", "8", *["100"] * 6]
        self._limits = ["5.000", "6.000", "0.000", "100.000", "0.000", "1.000", "0"]
        self._failing_since: float | None = None
        self._dead = False
        self._shutter = False
        self._answers: dict[str, Callable[[], str]] = {
            "W": self._all,
            "@": lambda: FIRMWARE,
            "J": lambda: str(sensors),
            "M": self._rate_text,
            "O": self._thickness_text,
            "B?": lambda: " ".join(self._system),
            "C?": lambda: " ".join(self._limits),
            "Y": self._tell_was_off,
            "U?": lambda: str(int(self._shutter)),
        }
        self._seen: tuple[float, float] | None = None
        self._measured: deque[tuple[float, float]] = deque(maxlen=8)
        self._last_number = -1
        self._wake()

    def _wake(self) -> None:
        self._was_off = True
        self._buffer = b""
        self._zero = self._last = 0.0
        self._stop_measuring()

    def _stop_measuring(self) -> None:
        self._measured.clear()
        self._seen = None

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: films kept, thickness zero, nothing measured yet."""
        self.log.append((now, "power up", ""))
        self._wake()

    def fail_crystal(self, now: float) -> None:
        """Let the crystal fail slowly: it reads less and less than there is, and its rate jumps."""
        self._failing_since = now
        self.log.append((now, "crystal", "failing"))

    def kill_crystal(self, now: float) -> None:
        """Let the crystal die: no oscillation."""
        self._dead = True
        self._stop_measuring()
        self.log.append((now, "crystal", "dead"))

    def replace_crystal(self, now: float) -> None:
        """Put in one that works; how thick the film on it is, is the chamber's business."""
        self._failing_since, self._dead = None, False
        self._stop_measuring()
        self.log.append((now, "crystal", "replaced"))

    def advance(self, now: float) -> None:
        """Take the measurements that ended since the last time, as far as its filter looks back.

        The frequency goes straight from where it was last seen to where it is now.
        """
        if self._dead or not self._crystal.alive():
            self._stop_measuring()
            return
        true = self._crystal.frequency()
        last = self._noise.number(now)
        if self._seen is None:
            self._seen = (now, true)
            self._last_number = last - 1
        began, before = self._seen
        slope = (true - before) / (now - began) if now > began else 0.0
        for number in range(max(self._last_number + 1, last - (self._measured.maxlen or 0) + 1), last + 1):
            at = number * self.interval
            self._measured.append((at, self._observed(before + slope * max(at - began, 0.0), number, at)))
        self._last_number = last
        self._last = self._measured[-1][1]
        self._zero = self._zero or self._last
        self._seen = (now, true)

    def _observed(self, true: float, number: int, at: float) -> float:
        seen = true + self._level * self._noise.of(number)
        if self._failing_since is not None:
            jump = self._jumps.of(number)
            seen += FAILING_DRIFT * (at - self._failing_since)
            seen += math.copysign(FAILING_JUMP, jump) if abs(jump) > JUMPS_ABOVE else 0.0
        return seen

    def next_event(self) -> float | None:
        """Return None: nothing happens by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every message that is complete and right; a new beginning cuts one short."""
        self._buffer += data
        replies = b""
        while (start := self._buffer.find(b"!")) >= 0:
            again = self._buffer.find(b"!", start + 1)
            packet = self._buffer[start:] if again < 0 else self._buffer[start:again]
            size = packet[1] - 34 + 4 if len(packet) > 1 else 5
            if 4 < size <= len(packet):
                body, self._buffer = packet[1 : size - 2], self._buffer[start + size :]
                if _crc(body) == packet[size - 2 : size]:
                    replies += self._reply(body[1:].decode("latin-1"), now)
            elif again >= 0:
                self._buffer = self._buffer[again:]
            else:
                self._buffer = packet if size > 4 else b""
                break
        return replies

    def _reply(self, message: str, now: float) -> bytes:
        said = self._obey(message, now)
        content = bytes([len(said) + 35]) + said.encode("latin-1")
        return b"!" + content + _crc(content)

    def _obey(self, message: str, now: float) -> str:
        if message in self._answers:
            return OK + self._answers[message]()
        if found := _SENSOR.fullmatch(message):
            return OK + self._of_sensor(found[1], int(found[2]))
        match message[:1]:
            case "A":
                return self._film_parameters(message, now)
            case "B" | "C" as kind:
                return self._parameters(kind, message[1:].split(), now)
            case "D":
                return self._select(message[1:], now)
        return self._act(message, now)

    def _act(self, message: str, now: float) -> str:
        match message:
            case "S":
                self._zero = self._last
            case "T":
                pass
            case "U0" | "U1":
                self._shutter = message == "U1"
            case "Z":
                self._films[:] = [Film(f"FILM {number}") for number in range(1, 100)]
                self._film = self._films[0]
            case _:
                return INVALID_COMMAND
        self.log.append((now, "told", message))
        return OK

    def _film_parameters(self, message: str, now: float) -> str:
        found = _FILM.fullmatch(message)
        if found is None:
            return INVALID_COMMAND
        film, given = self._films[int(found[1]) - 1], found[2]
        if given == "?":
            values = (f"{film.density:.2f}", str(film.tooling), f"{film.z_ratio:.3f}", *film.rest)
            return f"{OK}{film.name:8}{' '.join(values)}"
        name, values = given[:8], tuple(given[8:].split())
        try:
            density, tooling, z_ratio = float(values[0]), int(values[1]), float(values[2])
        except (ValueError, IndexError):
            return BAD_DATA
        if len(values) != 7 or not (0.5 <= density < 100 and 10 <= tooling <= 399 and 0.1 <= z_ratio < 10):
            return BAD_DATA
        film.name, film.density, film.tooling, film.z_ratio, film.rest = (
            name,
            density,
            tooling,
            z_ratio,
            values[3:],
        )
        self.log.append((now, "film", f"{found[1]}: {' '.join(values[:3])}"))
        return OK

    def _parameters(self, kind: str, values: list[str], now: float) -> str:
        held = self._system if kind == "B" else self._limits
        try:
            numbers = [float(each) for each in values]
        except ValueError:
            return BAD_DATA
        if len(values) != len(held):
            return BAD_DATA
        if kind == "B" and (
            numbers[0] != self.interval or values[2] not in "01" or not 1 <= numbers[4] <= 20
        ):
            return BAD_DATA
        held[:] = values
        if kind == "B":
            self._measured = deque(self._measured, maxlen=max(2, int(numbers[4])))
        self.log.append((now, "system", f"{kind} {' '.join(values)}"))
        return OK

    def _select(self, number: str, now: float) -> str:
        if not number.isdigit() or not 1 <= int(number) <= 99:
            return BAD_DATA
        self._film = self._films[int(number) - 1]
        self.log.append((now, "film", f"{number} selected"))
        return OK

    def _tell_was_off(self) -> str:
        told, self._was_off = str(int(self._was_off)), False
        return told

    def _film_on(self, frequency: float) -> float:
        """Return what this film's parameters make of a frequency [Hz]: a thickness, in the unit of the display."""
        film = self._film
        tooling = film.tooling / 100 * float(self._system[5]) / 100
        unit = 1e-9 if self._system[2] == "1" else ANGSTROM
        return film_thickness(frequency, 1e3 * film.density, film.z_ratio) * tooling / unit

    def _thickness(self) -> float:
        """Return the film since the last zero; the first measurement is zero too."""
        return self._film_on(self._last) - self._film_on(self._zero) if self._last else 0.0

    def _rate(self) -> float:
        """Return the slope over what its filter holds."""
        if len(self._measured) < 2:
            return 0.0
        (first, low), (last, high) = self._measured[0], self._measured[-1]
        return (self._film_on(high) - self._film_on(low)) / (last - first)

    def _rate_text(self) -> str:
        return f"{self._rate():{' .3f' if self._system[3] == '1' else ' .2f'}} "

    def _thickness_text(self) -> str:
        return f"{self._thickness(): .3f} "

    def _frequency(self) -> float:
        return self._measured[-1][1] if self._measured else 0.0

    def _all(self) -> str:
        first = f"00.00 {self._rate_text().strip()} {self._thickness():.3f} {self._frequency():.3f}"
        return first + " 0.00 0.000 0.000" * (self._sensors - 1)

    def _of_sensor(self, letter: str, sensor: int) -> str:
        if sensor > 1:
            return {"L": " 0.00 ", "N": " 0.000 ", "P": "0.000", "R": "0"}[letter]
        match letter:
            case "L":
                return self._rate_text()
            case "N":
                return self._thickness_text()
            case "P":
                return f"{self._frequency():.3f}"
        low, high = (1e6 * float(each) for each in self._limits[:2])
        return str(max(0, round(100 * (self._frequency() - low) / (high - low))))


def _crc(content: bytes) -> bytes:
    """Return the two characters of the checksum of 14 bits, each 34 and more, so that none is the `!`."""
    crc = 0x3FFF
    for byte in content:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return bytes(((crc & 0x7F) + 34, (crc >> 7) + 34))


def _remainder(byte: int) -> int:
    """Return what a byte leaves after division by the polynomial 2001 (hex), low bit first."""
    for _ in range(8):
        byte = byte >> 1 ^ 0x2001 * (byte & 1)
    return byte


_REMAINDERS = [_remainder(byte) for byte in range(256)]
