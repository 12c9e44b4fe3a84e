"""Twin of a Pfeiffer turbo pump's drive unit (TC 110, TC 400) in the Pfeiffer Vacuum telegram protocol.

Telegrams, parameters and their forms as in the operating instructions TC 110 and TC 400; what a TC 110 really said on
its bus (identity, speed, error code, switch, NO_DEF) agrees [recordings of a DCU on a TC 110, 2021]. A telegram whose
checksum, length or address is wrong is not answered. Guesses: what a switch off does to a latched error (nothing), that
the switch is kept over a power cut, as its list says, and that a drive with an error lets the rotor run down.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

ADDRESS = "001"
NAME = "TC 110"
FIRMWARE = "010300"
NO_ERROR = "000000"
AT_SPEED = 0.8
"""Share of the full speed above which the switch point counts as attained [TC 110, parameter 701, default]."""

_TELEGRAM = re.compile(r"(?P<address>\d{3})(?P<action>[01])0(?P<number>\d{3})(?P<length>\d{2})(?P<data>.*)")


class Rotor(Protocol):
    """The pump itself."""

    def drive(self, on: bool) -> None:
        """Give it power, or let it run down."""

    def speed(self) -> float:
        """Return its rotation [Hz]."""

    def current(self) -> float:
        """Return what the motor draws [A]."""


class PfeifferTurboTwin:
    """The drive unit. full_speed [Hz] is the pump's; 1000 Hz is a HiPace 300's [its data sheet]."""

    def __init__(self, rotor: Rotor, *, full_speed: float = 1000.0) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.full_speed = full_speed
        self._rotor = rotor
        self._on = False
        self._error = NO_ERROR
        self._buffer = b""
        self._answers: dict[str, Callable[[], str]] = {
            "010": lambda: _old_boolean(self._on),
            "302": lambda: _old_boolean(rotor.speed() >= AT_SPEED * full_speed),
            "303": lambda: self._error,
            "308": lambda: f"{round(full_speed) if self._on else 0:06d}",
            "309": lambda: f"{round(rotor.speed()):06d}",
            "310": lambda: f"{round(100 * rotor.current()):06d}",
            "312": lambda: FIRMWARE,
            "315": lambda: f"{round(full_speed):06d}",
            "349": lambda: f"{NAME:6}",
        }

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: the switch is kept, an error that is gone is forgotten."""
        self.log.append((now, "power up", ""))
        self._error, self._buffer = NO_ERROR, b""
        self._rotor.drive(self._on)

    def fail(self, code: int, now: float) -> None:
        """Stop with an error (1: excess rotation speed, 6: run-up time, 43: the motor) until it is acknowledged."""
        self._error = f"Err{code:03d}"
        self._rotor.drive(False)
        self.log.append((now, "fails", self._error))

    def warn(self, code: int, now: float) -> None:
        """Warn and go on (7: mains voltage low, 45: excess temperature of the motor)."""
        self._error = f"Wrn{code:03d}"
        self.log.append((now, "warns", self._error))

    def advance(self, now: float) -> None:
        """Do nothing: the rotor turns by itself."""

    def next_event(self) -> float | None:
        """Return None: nothing happens by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every telegram that is complete, for this address and right in its checksum."""
        *telegrams, self._buffer = (self._buffer + data).split(b"\r")
        return b"".join(self._answer(each, now) for each in telegrams)

    def _answer(self, telegram: bytes, now: float) -> bytes:
        content = telegram[:-3]
        if telegram[-3:] != b"%03d" % (sum(content) % 256):
            return b""
        found = _TELEGRAM.fullmatch(content.decode("latin-1"))
        if found is None or found["address"] != ADDRESS or int(found["length"]) != len(found["data"]):
            return b""
        if found["action"] == "0":
            if found["data"] != "=?":
                return b""
            value = self._answers.get(found["number"], lambda: "NO_DEF")()
        else:
            value = self._write(found["number"], found["data"], now)
        reply = f"{ADDRESS}10{found['number']}{len(value):02d}{value}".encode()
        return reply + b"%03d\r" % (sum(reply) % 256)

    def _write(self, number: str, value: str, now: float) -> str:
        if number not in ("009", "010"):
            return "_LOGIC" if number in self._answers else "NO_DEF"
        if value not in ("000000", "111111") or (number == "009" and value == "000000"):
            return "_RANGE"
        if value == "111111":
            self._error = NO_ERROR
        if number == "010":
            self._on = value == "111111"
            self.log.append((now, "switched on" if self._on else "switched off", ""))
        self._rotor.drive(self._on)
        return value


def _old_boolean(value: bool) -> str:
    return "111111" if value else "000000"
