"""Twin of a Gentec-EO Maestro energy meter with a thermal head.

Firmware as in the Maestro manual rev. 8.1, pages 81-86; as its sister Blu it answers as InstrumentKit's driver reads
that one: values as plain numbers, *SSE, *GSE, *GMD, *STL and *GTL. Guesses: reading the value clears "new data"; the
reply to *VER; a command that it does not know is not answered; two pulses within one response are read as
their sum.
"""

from __future__ import annotations

import re

import numpy as np

RESPONSE_TIME = 0.5  # s from a pulse to its reading, guess for a fast thermal head
RELATIVE_NOISE = 0.005  # standard deviation of a reading, guess
RESOLUTION = 1e-4  # of full scale, guess
DEFAULT_TRIGGER = 0.02  # of full scale [Gentec-EO manual]
DUE = 1e-9  # s, round-off of a bench time
IDENTITY = b"MAESTRO Version 1.00.18"

_COMMAND = re.compile(
    rb"\*(?:(?P<plain>CVU|NVU|CSU|VER|GMD|GSE|GTL)|(?P<switch>SCA|ESU|SSE) ?(?P<on>[01])"
    rb"|TLA ?(?P<level>[0-9.]+)[%\r\n]|STL(?P<share>[0-9.]{4}))"
)
_BLU_ONLY = frozenset({b"GMD", b"GSE", b"GTL", b"SSE"})
_LONGEST = 16


class GentecMaestroTwin:
    """The meter. `rng` draws one number for each new reading and none for a query.

    full_scale_energy [J], response_time [s], relative_noise [1] and resolution [1, of full scale]; blu: it is one.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        full_scale_energy: float,
        response_time: float = RESPONSE_TIME,
        relative_noise: float = RELATIVE_NOISE,
        resolution: float = RESOLUTION,
        blu: bool = False,
    ) -> None:
        self.full_scale_energy, self.response_time = full_scale_energy, response_time
        self.relative_noise, self.resolution = relative_noise, resolution
        self.blu = blu
        self.log: list[tuple[float, str, str]] = []
        self._rng = rng
        self._wake()

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: no reading, energy mode off."""
        self.log.append((now, "power up", ""))
        self._wake()

    def _wake(self) -> None:
        self._energy_mode, self._trigger_level = False, DEFAULT_TRIGGER
        self._value, self._new = 0.0, False
        self._absorbed = 0.0
        self._due: float | None = None
        self._buffer = b""

    def expose(self, energy: float, time: float) -> None:
        """Let a pulse of `energy` [J] fall on the head at `time`; below the trigger level it is not seen."""
        if not self._energy_mode or energy < self._trigger_level * self.full_scale_energy:
            self.log.append((time, "pulse not seen", f"{energy:.6g} J"))
            return
        self.log.append((time, "pulse", f"{energy:.6g} J"))
        self._absorbed += energy
        if self._due is None:
            self._due = time + self.response_time

    def advance(self, now: float) -> None:
        """Do nothing: the meter changes only in steps."""

    def next_event(self) -> float | None:
        """Return when the head has responded."""
        return self._due

    def fire_event(self, now: float) -> None:
        """Show the reading if it is due."""
        if self._due is None or now < self._due - DUE:
            return
        step = self.resolution * self.full_scale_energy
        reading = self._absorbed * (1 + self.relative_noise * self._rng.standard_normal())
        self._value, self._new = max(0.0, round(reading / step) * step), True
        self._absorbed, self._due = 0.0, None
        self.log.append((now, "reading", f"{self._value:.6g} J"))

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every command that is complete; line ends between commands mean nothing."""
        self._buffer += data
        replies = b""
        while (start := self._buffer.find(b"*")) >= 0:
            self._buffer = self._buffer[start:]
            found = _COMMAND.match(self._buffer)
            if found:
                self._buffer = self._buffer[found.end() :]
                replies += self._answer(found)
            elif len(self._buffer) > _LONGEST or b"*" in self._buffer[1:]:
                self._buffer = self._buffer[1:]
            else:
                return replies
        self._buffer = b""
        return replies

    def _answer(self, found: re.Match[bytes]) -> bytes:
        if not self.blu and (found["share"] or {found["plain"], found["switch"]} & _BLU_ONLY):
            return b""
        level = found["level"] or found["share"]
        if level is not None:
            return self._set_trigger_level(level)
        if found["switch"] is not None:
            if found["switch"] in (b"SCA", b"SSE"):
                self._energy_mode = found["on"] == b"1"
            return b"ACK\r\n"
        match found["plain"]:
            case b"CVU":
                self._new = False
                label = "" if self.blu else "Current Value : "
                return f"{label}{self._value:.6g}\r\n".encode("ascii")
            case b"NVU":
                return b"New Data Available\r\n" if self._new else b"New Data Not Available\r\n"
            case b"GMD":
                return b"Mode: 2\r\n" if self._energy_mode else b"Mode: 0\r\n"
            case b"GSE":
                return b"SSE: %d\r\n" % self._energy_mode
            case b"GTL":
                return f"Trigger level: {100 * self._trigger_level:.4g}%\r\n".encode("ascii")
            case b"VER":
                return IDENTITY + b"\r\n"
        return b""

    def _set_trigger_level(self, level: bytes) -> bytes:
        if level.count(b".") > 1 or not 1 <= float(level) <= 100:
            return b""
        self._trigger_level = float(level) / 100
        return b"ACK\r\n"
