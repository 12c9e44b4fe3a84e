"""Twin of a VAT Series 65 throttle valve with its own pressure controller, RS-232, IC protocol.

Commands as in the manual 963283EA (Series 65, 2019), sections 4.11.2 to 4.11.4: control, A:, P:, i:21, i:30, i:32,
i:34, i:38, i:50, i:51, i:76, i:82, i:83, c:01. P: is that of this IC form, a sign and seven digits; the PM-V2 form's
(section 4.12.2) has six characters. From sister manuals and memory, unconfirmed: the numbers of E: replies, i:52
(manual 289111EB; neither sensor nor memory ever fails here), L: with its limit (manual 61228), c:82 (reset). Guesses:
how long LEARN takes (open for 10 s, closed for 20 s), that S: is acknowledged without a LEARN data set and the valve
then stays where it is, that an error is shown until it is reset, that LEARN data outlive the mains, and that a motor
which cannot move its plate is error 20.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

FIRMWARE, IDENTIFICATION = "600P1G00", "653-TWIN-0001"
POSITION_RANGE, PRESSURE_RANGE = 100_000, 1_000_000
"""Counts of fully open and of the sensor's full scale, as delivered [manual: i:21, widest ranges]."""
OPENING, CLOSING = 10.0, 20.0
"""Seconds LEARN keeps the valve open, then closed; guess."""

BAD_LENGTH, UNKNOWN, BAD_VALUE, OUT_OF_RANGE, LOCAL, NOT_NOW, NO_COLON = 12, 20, 22, 23, 80, 82, 11
POSITION, CLOSE, OPEN, PRESSURE, HOLD, LEARN, ERROR = "2", "3", "4", "5", "6", "7", "E"
"""Control modes [manual: i:76]."""
MOTOR = 20
"""The error of a motor that is stuck."""

_DIGITS = re.compile(r"[0-9]*")


class Throttle(Protocol):
    """The valve's plate, its sensor, and what its controller does with them."""

    def move_to(self, position: float) -> None:
        """Go there, 0 (closed) to 1 (open), as fast as it goes."""

    def position(self) -> float:
        """Return where it is."""

    def is_blocked(self) -> bool:
        """Return whether it is stuck away from where it was sent."""

    def pressure(self) -> float:
        """Return what its sensor reads [Pa]."""

    def control(self, set_point: float | None) -> None:
        """Hold a pressure [Pa] from now on; None: no longer."""


class VAT653Twin:
    """The valve. full_scale [Pa] is its sensor's; learnt: whether it has learnt its chamber."""

    def __init__(self, throttle: Throttle, *, full_scale: float = 13.3, learnt: bool = True) -> None:
        self.log: list[tuple[float, str, str]] = []
        self.full_scale = full_scale
        self.learnt = learnt
        self._throttle = throttle
        self._limit = 0
        self._learn_status = "0" * 6
        self._access = "1"
        self._error = 0
        self._wake(HOLD)

    def _wake(self, mode: str) -> None:
        self._mode = mode
        self._set_point = 0
        self._phase_ends: float | None = None
        self._open_pressure: float | None = None
        self._buffer = b""

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: closed, remote, LEARN data kept."""
        self.log.append((now, "power up", ""))
        self._wake(CLOSE)
        self._access, self._error = "1", 0
        self._act(CLOSE, 0.0, now)

    def forget_learnt(self, now: float) -> None:
        """Lose the LEARN data; a pressure that it holds it goes on holding."""
        self.learnt = False
        self.log.append((now, "LEARN data lost", ""))

    def fail(self, code: int, now: float) -> None:
        """Fail for good where it is, by the number of an error; c:8201 resets it."""
        self._error, self._mode, self._phase_ends = code, ERROR, None
        self._throttle.control(None)
        self._throttle.move_to(self._throttle.position())
        self.log.append((now, "fails", f"{code:03d}"))

    def take_local(self, now: float) -> None:
        """Let somebody work at its service port; release_local ends that."""
        self._access = "0"
        self.log.append((now, "local", ""))

    def release_local(self, now: float) -> None:
        """Let the host in again."""
        self._access = "1"
        self.log.append((now, "remote", ""))

    def advance(self, now: float) -> None:
        """Do nothing: plate and pressure move by themselves."""

    def next_event(self) -> float | None:
        """Return when a phase of LEARN ends."""
        return self._phase_ends

    def fire_event(self, now: float) -> None:
        """End a phase of LEARN: note the pressure, go on or judge."""
        if self._phase_ends is None:
            return
        if self._open_pressure is None:
            self._open_pressure = self._throttle.pressure()
            self._throttle.move_to(0.0)
            self._phase_ends = now + CLOSING
            return
        self._judge(self._open_pressure, self._throttle.pressure(), now)

    def _judge(self, opened: float, closed: float, now: float) -> None:
        limit = self._limit / PRESSURE_RANGE * self.full_scale
        high = "2" if opened < 0 else "1" if opened > 0.5 * limit else "0"
        low, flat = str(int(closed < 0.1 * limit)), str(int(closed <= opened))
        self.learnt = high == low == flat == "0"
        self._learn_status = f"0{high}{low}{flat}00"
        self.log.append((now, "learnt" if self.learnt else "not learnt", self._learn_status))
        self._act(OPEN, 1.0, now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every line that is complete."""
        if self._mode != ERROR and self._throttle.is_blocked():
            self.fail(MOTOR, now)
        *lines, self._buffer = (self._buffer + data).split(b"\r\n")
        return b"".join(self._answer(line.decode("latin-1"), now).encode() + b"\r\n" for line in lines)

    def _answer(self, line: str, now: float) -> str:
        head, colon, rest = line.partition(":")
        if not colon:
            return _error(NO_COLON)
        match head:
            case "A" | "P" | "i":
                return self._tell(line)
            case "O" | "C" | "H" | "R" | "S" | "L":
                return self._obey(head, rest, now)
            case "c":
                return self._setup(rest, now)
        return _error(UNKNOWN)

    def _tell(self, line: str) -> str:
        tells = self._TELLS.get(line)
        return _error(UNKNOWN) if tells is None else line + tells(self)

    def _obey(self, head: str, rest: str, now: float) -> str:
        length = {"R": 6, "S": 8, "L": 8}.get(head, 0)
        if len(rest) != length:
            return _error(BAD_LENGTH)
        if not _DIGITS.fullmatch(rest):
            return _error(BAD_VALUE)
        value = int(rest or "0")
        if value > (POSITION_RANGE if head == "R" else PRESSURE_RANGE):
            return _error(OUT_OF_RANGE)
        if self._access == "0":
            return _error(LOCAL)
        if self._mode == ERROR:
            return _error(NOT_NOW)
        match head:
            case "O":
                self._act(OPEN, 1.0, now)
            case "C":
                self._act(CLOSE, 0.0, now)
            case "H":
                self._act(HOLD, self._throttle.position(), now)
            case "R":
                self._set_point = value
                self._act(POSITION, value / POSITION_RANGE, now)
            case "S":
                self._hold_pressure(value, now)
            case _:
                self._learn(value, now)
        return f"{head}:"

    def _act(self, mode: str, position: float, now: float) -> None:
        if self._mode == LEARN and self._phase_ends is not None and mode != OPEN:
            self._learn_status = "1" + self._learn_status[1:]
        self._mode, self._phase_ends = mode, None
        self._throttle.control(None)
        self._throttle.move_to(position)
        self.log.append((now, "position", f"mode {mode}, to {position:.5f}"))

    def _hold_pressure(self, value: int, now: float) -> None:
        if not self.learnt:
            self._act(POSITION, self._throttle.position(), now)
            return
        self._mode, self._set_point, self._phase_ends = PRESSURE, value, None
        set_point = value / PRESSURE_RANGE * self.full_scale
        self._throttle.control(set_point)
        self.log.append((now, "pressure", f"to {set_point:.5g} Pa"))

    def _learn(self, limit: int, now: float) -> None:
        self._act(LEARN, 1.0, now)
        self._limit, self._open_pressure, self._phase_ends = limit, None, now + OPENING

    def _setup(self, rest: str, now: float) -> str:
        match rest:
            case "0100" | "0101" | "0102":
                self._access = rest[-1]
                return "c:01"
            case "8201":
                self._error = 0
                if self._mode == ERROR:
                    self._act(HOLD, self._throttle.position(), now)
                return "c:82"
        return _error(UNKNOWN)

    def _position(self) -> int:
        return round(self._throttle.position() * POSITION_RANGE)

    def _pressure(self) -> str:
        counts = round(self._throttle.pressure() / self.full_scale * PRESSURE_RANGE)
        counts = min(counts, round(1.1 * PRESSURE_RANGE))
        return f"{'-' if counts < 0 else '0'}{abs(counts):07d}"

    def _state(self) -> str:
        return f"{self._access}{self._mode}"

    def _learning(self) -> str:
        return f"{self._mode == LEARN:d}{not self.learnt:d}{self._learn_status}"

    _TELLS: Mapping[str, Callable[[VAT653Twin], str]] = {
        "A:": lambda self: f"{self._position():06d}",
        "P:": lambda self: self._pressure(),
        "i:21": lambda self: f"2{PRESSURE_RANGE:07d}",
        "i:30": lambda self: f"{self._state()}0{not self.learnt:d}0000",
        "i:32": lambda self: self._learning(),
        "i:34": lambda self: f"{self._limit:08d}",
        "i:38": lambda self: f"{self._set_point:08d}",
        "i:50": lambda self: f"{self._error:03d}",
        "i:51": lambda self: f"0{not self.learnt:d}000000",
        "i:52": lambda self: "0" * 8,
        "i:76": lambda self: f"{self._position():06d}{self._pressure()}{self._state()}{not self.learnt:d}",
        "i:82": lambda self: FIRMWARE,
        "i:83": lambda self: f"{IDENTIFICATION:20}",
    }


def _error(number: int) -> str:
    return f"E:{number:06d}"
