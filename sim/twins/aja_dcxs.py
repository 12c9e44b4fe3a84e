"""Twin of an AJA DCXS-750 DC supply.

Letters as in PyMeasure's aja/dcxs.py: capital ones set and are silent, small ones are answered, no terminator.
Guesses: what is not a digit where one is due spoils the command, which is then forgotten whole; anything else that is
no letter of its own is ignored; with a fault the output goes off and stays off until it is cleared; fault `0` is none;
only regulation by power switches the output on; the ramp goes in ten steps a second; deposition time 0 is no limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

MODEL, SOFTWARE = b"DCXS750-4", b"01.00"  # [PyMeasure's tests]; made up
RATED_POWER = 750  # W [label]
GREETING = b">>>"  # some of them at power-up [PyMeasure, dcxs.py]; how many is a guess
DIGITS = {0x43: 4, 0x44: 1, 0x45: 2, 0x46: 2, 0x47: 3, 0x48: 2, 0x49: 8, 0x5A: 1}  # C D E F G H I Z
MATERIAL = 0x49
ONLY_WHEN_OFF = "EFGH"
RANGES = {"C": (0, 1000), "D": (0, 2), "E": (0, 99), "F": (0, 99), "G": (0, 999), "H": (0, 59), "Z": (1, 5)}
STEP = 0.1  # s of the ramp (guess)
DUE = 1e-9  # s, round-off of a bench time

INTERLOCK_FAULT = 1  # (guess)
POWER = 0  # of D: regulate power


class DCLoad(Protocol):
    """What hangs on the output."""

    def drive(self, power: float) -> None:
        """Send a power [W] from now on; 0 is off."""

    def voltage(self) -> float:
        """Return the voltage [V], as a positive number."""

    def current(self) -> float:
        """Return the current [A]."""


class AJADCXSTwin:
    """The supply on `dc_load`."""

    def __init__(self, dc_load: DCLoad) -> None:
        self.dc_load = dc_load
        self.log: list[tuple[float, str, str]] = []
        self.fault = 0
        self._interlock_open = False
        self._lose = 0
        self._settings = {"C": 0, "D": POWER, "E": 0, "F": 0, "G": 0, "H": 0, "Z": 1}
        self._material = b"        "
        self._wake(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: off, its settings kept, a few characters of greeting."""
        self._switch(False, now)
        self._wake(now)
        self.fault = INTERLOCK_FAULT if self._interlock_open else 0
        self._unsaid = GREETING
        self.log.append((now, "power up", ""))

    def _wake(self, now: float) -> None:
        self.on = False
        self._now, self._switched = now, now
        self._driven = 0.0
        self._step_at: float | None = None
        self._unsaid = b""
        self._buffer = bytearray()

    @property
    def set_point(self) -> int:
        """Return the power it is set to [W]."""
        return self._settings["C"]

    @property
    def interlock_open(self) -> bool:
        """Whether its interlock loop is open: the output goes off and does not come back by itself."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        if is_open == self._interlock_open:
            return
        self._interlock_open = is_open
        self.log.append((self._now, "interlock open" if is_open else "interlock closed", ""))
        if is_open:
            self.fail(INTERLOCK_FAULT, self._now)
        elif self.fault == INTERLOCK_FAULT:
            self.fault = 0

    def fail(self, code: int, now: float) -> None:
        """Raise a fault, 1 to 9: the output goes off and stays off."""
        self.fault = code
        self.log.append((now, "fault", str(code)))
        self._switch(False, now)

    def clear(self, now: float) -> None:
        """Clear the fault."""
        self.fault = INTERLOCK_FAULT if self._interlock_open else 0
        self.log.append((now, "fault cleared", ""))

    def lose_bytes(self, count: int) -> None:
        """Lose the next bytes that come."""
        self._lose += count

    def advance(self, now: float) -> None:
        """Note the time: it changes only in steps."""
        self._now = max(now, self._now)

    def next_event(self) -> float | None:
        """Return when the ramp goes on or the deposition time is over."""
        if not self.on:
            return None
        due = [time for time in (self._step_at, self._over_at()) if time is not None]
        return min(due) if due else None

    def fire_event(self, now: float) -> None:
        """Do what is due."""
        over = self._over_at()
        if self.on and over is not None and now >= over - DUE:
            self.log.append((now, "deposition time over", ""))
            self._switch(False, now)
        elif self.on and self._step_at is not None and now >= self._step_at - DUE:
            self._drive(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer the letters that ask; what it said by itself comes first."""
        replies, self._unsaid = self._unsaid, b""
        lost = min(self._lose, len(data))
        self._lose -= lost
        buffer = self._buffer
        for byte in data[lost:]:
            if not buffer and byte not in DIGITS:
                replies += self._answer(byte, now)
                continue
            buffer.append(byte)
            if len(buffer) > DIGITS[buffer[0]]:
                self._set(bytes(buffer), now)
                buffer.clear()
        return replies

    def _set(self, command: bytes, now: float) -> None:
        if command[0] == MATERIAL:
            self._material = command[1:]
            return
        letter, digits = command[:1].decode(), command[1:]
        if not digits.isdigit() or (self.on and letter in ONLY_WHEN_OFF):
            return
        low, high = RANGES[letter]
        value = int(digits)
        if not low <= value <= high or value == self._settings[letter]:
            return
        self._settings[letter] = value
        self.log.append((now, "set", f"{letter}{value}"))
        if letter == "D" and value != POWER:
            self._switch(False, now)
        elif letter == "C" and self.on:
            self._drive(now)

    def _answer(self, letter: int, now: float) -> bytes:
        if letter == 0x41:
            self._switch(self._settings["D"] == POWER and not self.fault, now)
        elif letter == 0x42:
            self._switch(False, now)
        elif letter in _READ_BACK:
            name, form = _READ_BACK[letter]
            return form % self._settings[name]
        elif letter in _QUESTIONS:
            return _QUESTIONS[letter](self, now)
        return b""

    def _remaining(self, now: float) -> int:
        over = self._over_at()
        return 0 if over is None or not self.on else round(over - now)

    def _shutters(self, now: float) -> int:
        is_open = self.on and now >= self._switched + self._settings["F"]
        return is_open << (self._settings["Z"] - 1)

    def _over_at(self) -> float | None:
        length = 60 * self._settings["G"] + self._settings["H"]
        return self._switched + self._settings["F"] + length if length else None

    def _switch(self, on: bool, now: float) -> None:
        if on == self.on:
            return
        self.on = on
        self.log.append((now, "output on" if on else "output off", f"{self.set_point} W"))
        if on:
            self._switched = now
            self._drive(now)
        else:
            self._driven, self._step_at = 0.0, None
            self.dc_load.drive(0.0)

    def _drive(self, now: float) -> None:
        length = self._settings["E"]
        share = min(1.0, (now - self._switched + DUE) / length) if length else 1.0
        self._driven = share * min(self.set_point, RATED_POWER)
        self._step_at = None if share >= 1.0 else now + STEP
        self.dc_load.drive(self._driven)


_READ_BACK = {
    ord("b"): ("C", b"%04d"),
    ord("c"): ("D", b"%d"),
    ord("g"): ("E", b"%02d"),
    ord("h"): ("F", b"%02d"),
    ord("i"): ("G", b"%03d"),
    ord("j"): ("H", b"%02d"),
    ord("y"): ("Z", b"%d"),
}

_QUESTIONS: dict[int, Callable[[AJADCXSTwin, float], bytes]] = {
    ord("?"): lambda twin, now: MODEL,
    ord("z"): lambda twin, now: SOFTWARE,
    ord("a"): lambda twin, now: b"%d" % twin.on,
    ord("d"): lambda twin, now: b"%04d" % round(twin._driven),
    ord("e"): lambda twin, now: b"%04d" % round(twin.dc_load.voltage() if twin.on else 0.0),
    ord("f"): lambda twin, now: b"%04d" % min(9999, round(1000 * twin.dc_load.current() if twin.on else 0.0)),
    ord("k"): lambda twin, now: b"%03d" % (twin._remaining(now) // 60),
    ord("l"): lambda twin, now: b"%02d" % (twin._remaining(now) % 60),
    ord("n"): lambda twin, now: twin._material,
    ord("o"): lambda twin, now: b"%d" % twin.fault,
    ord("p"): lambda twin, now: bytes([twin._shutters(now)]),
}
