"""Twin of an IMPAC pyrometer with the Universal Pyrometer Protocol.

Command table as in the manuals IN 520, IN 6/78-L, IGA 320/23-LO, ISR 12-LO and Impac Series 600. Guesses: whatever is
colder than the range is shown as the start of the range; ranges that `em?` and `ez?` tell; all values of `ms025` are
sent at once; restarting does not change settings; a wrong address is answered with silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np

CELSIUS_ZERO = 273.15
RADIATION_CONSTANT = 1.438777e-2  # m K, second radiation constant [CODATA]
WAVELENGTH = 10e-6  # m, of heads for metal films near room temperature: 8 to 14 um [IN 500 series]
RESPONSE_TIMES = (0.01, 0.01, 0.05, 0.25, 1.0, 3.0, 10.0)  # s, t90 by exposure code [IS 320 manual; 0: guess]
WARM_UP = 15.0  # s after power-up, guess
NOISE = 0.1  # K rms, guess
MEMORY, STEPS = 12.0, 24
"""Time constants that a head looks back, and straight pieces into which that is cut."""
NAME = "IN 520"
SERIAL = "1A2B"

OVERFLOW, WARMING, LIGHT = 88880, 77770, 80000

_REQUEST = re.compile(r"(?P<address>[0-9]{2})(?P<letters>[a-z][a-z0-9])(?P<parameter>[0-9]*|\?)")


class ImpacUPPTwin:
    """The pyrometer. `source(time)` is the temperature [K] of what it looks at, now and a little before.

    The head follows its source with its exposure's response time, for which it looks MEMORY time constants back.
    rng draws one number per value; noise [K rms]. range_start and range_end [K] are rounded to whole degrees
    Celsius; true_emissivity [1] is what the head should be set to; wavelength [m]; warm_up [s].
    """

    def __init__(
        self,
        source: Callable[[float], float],
        rng: np.random.Generator,
        *,
        address: int = 0,
        range_start: float = CELSIUS_ZERO,
        range_end: float = CELSIUS_ZERO + 1000.0,
        true_emissivity: float = 0.85,
        wavelength: float = WAVELENGTH,
        noise: float = NOISE,
        warm_up: float = WARM_UP,
    ) -> None:
        self.source = source
        self.true_emissivity, self.wavelength = true_emissivity, wavelength
        self.noise, self.warm_up = noise, warm_up
        self.log: list[tuple[float, str, str]] = []
        self._rng = rng
        self._address = address
        self._start, self._end = (round(each - CELSIUS_ZERO) for each in (range_start, range_end))
        self._emissivity, self._exposure = 1000, 0
        self._warm_at = 0.0
        self._wake()

    def _wake(self) -> None:
        self._light = False
        self._stuck: int | None = None
        self._forced: int | None = None
        self._seen: tuple[float, float, float] | None = None
        self._buffer = b""

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: settings kept, warming up."""
        self.log.append((now, "power up", f"warm in {self.warm_up:g} s"))
        self._warm_at = now + self.warm_up
        self._wake()

    def stick(self, now: float) -> None:
        """Show from now on what it shows now."""
        self._stuck = self._value(now)
        self.log.append((now, "stuck", f"at {self._stuck}"))

    def complain(self, code: int | None, now: float) -> None:
        """Show this code (75550: head too hot) instead of a temperature; None ends it, and what was stuck moves."""
        self._forced, self._stuck = code, None
        self.log.append((now, "complains", "no more" if code is None else str(code)))

    def advance(self, now: float) -> None:
        """Do nothing: it looks when it is asked."""

    def next_event(self) -> float | None:
        """Return None: nothing happens by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every line that is complete."""
        *lines, self._buffer = (self._buffer + data).split(b"\r")
        return b"".join(self._answer(line.decode("latin-1"), now) for line in lines)

    def _answer(self, line: str, now: float) -> bytes:
        found = _REQUEST.fullmatch(line)
        address = int(line[:2]) if line[:2].isascii() and line[:2].isdigit() else -1
        if address not in (self._address, 98, 99):
            return b""
        reply = "no" if found is None else self._obey(found["letters"], found["parameter"], now)
        return b"" if address == 98 else f"{reply}\r".encode("ascii")

    def _obey(self, letters: str, parameter: str, now: float) -> str:
        if letters == "ms":
            return self._values(parameter, now)
        if letters in ("em", "ez", "la"):
            return self._setting(letters, parameter, now)
        if parameter:
            return "no"
        match letters:
            case "mb" | "me":
                return f"{self._start & 0xFFFF:04X}{self._end & 0xFFFF:04X}"
            case "fh":
                return "0"
            case "na":
                return NAME
            case "sn":
                return SERIAL
            case "gt":
                return "031"
            case "re":
                self.power_up(now)
                return "ok"
        return "no"

    def _values(self, parameter: str, now: float) -> str:
        if parameter and (len(parameter) != 3 or not parameter.isdigit()):
            return "no"
        count = int(parameter) if parameter else 1
        return "\r".join(f"{self._value(now):05d}" for _ in range(max(1, count)))

    def _setting(self, letters: str, parameter: str, now: float) -> str:
        texts = {"em": f"{self._emissivity:04d}", "ez": str(self._exposure), "la": str(int(self._light))}
        bounds = {"em": ("0100", "1000"), "ez": ("0", "6"), "la": ("0", "1")}[letters]
        if parameter == "?":
            return "".join(bounds)
        if not parameter:
            return texts[letters]
        if len(parameter) != len(bounds[0]) or not bounds[0] <= parameter <= bounds[1]:
            return "no"
        if parameter != texts[letters]:
            self.log.append((now, "set", f"{letters} {parameter}"))
        match letters:
            case "em":
                self._emissivity = int(parameter)
            case "ez":
                self._exposure = int(parameter)
            case _:
                self._light = parameter == "1"
        return "ok"

    def _value(self, now: float) -> int:
        """Return what `ms` shows: tenths of a degree Celsius, or a code."""
        if self._forced is not None:
            return self._forced
        if now < self._warm_at:
            return WARMING
        if self._light:
            return LIGHT
        if self._stuck is not None:
            return self._stuck
        seen = self._apparent(self._followed(now)) + self.noise * self._rng.standard_normal()
        degrees = seen - CELSIUS_ZERO
        if degrees > self._end:
            return OVERFLOW
        return max(10 * self._start, round(10 * degrees))

    def _followed(self, now: float) -> float:
        """Return the temperature [K] that the head has followed to: a first-order lag behind its source."""
        lag = RESPONSE_TIMES[self._exposure] / math.log(10)
        if self._seen is None or now - self._seen[0] > MEMORY * lag:
            began = max(0.0, now - MEMORY * lag)
            before = followed = self.source(began)
        else:
            began, before, followed = self._seen
        steps = STEPS if now > began else 1
        step = (now - began) / steps
        for number in range(1, steps + 1):
            true = self.source(now if number == steps else began + number * step)
            if step > 0:
                behind = (true - before) / step * lag
                followed = true - behind + (followed - before + behind) * math.exp(-step / lag)
            before = true
        self._seen = (now, before, followed)
        return followed

    def _apparent(self, temperature: float) -> float:
        """Return the temperature [K] of a body of the set emissivity that shines alike at its wavelength (Planck)."""
        kelvin = RADIATION_CONSTANT / self.wavelength
        ratio = self._emissivity / 1000 / self.true_emissivity
        return kelvin / math.log1p(ratio * math.expm1(kelvin / temperature))
