"""Twin of an AJA 0313 GTC (T&C AG 0313) RF generator with its automatic match.

Commands as in PyMeasure's tccxn.py and its tests: ten bytes with a plain sum, `*` or `?`, answers; control that is lost
after 2 s of silence. Guesses: `?` for a wrong sum; bytes that wait longer than 0.1 s for the rest of their command
are forgotten; a set command without control, or for more than the rated power, is acknowledged and not obeyed; an open
interlock or a hot heat sink switches RF off, and it stays off; forward power is folded back until no more than the
reflected limit comes back; all of the heat sink's temperatures.

It regulates in steps, ten times a second while more than a tenth of the reflected limit comes back, once a second else.
"""

from __future__ import annotations

import math
import struct
from typing import Protocol

CONTROL_TIMEOUT = 2.0  # s of silence [PyMeasure, tccxn.py]
RATED_POWER = 300.0  # W [reply to Gp of a 0313 GTC, PyMeasure's tests]
REFLECTED_LIMIT = 70.0  # W [likewise]
FREQUENCY = 13_560_000  # Hz [industrial band]
MODEL = b"AG 0313 GTC  \x00"  # [PyMeasure's tests]
SERIAL = b"0000000000000\x00"  # made up
FIRMWARE = bytes((1, 2, 1, 0))  # made up
MOST_RAMP = 99  # W/s [PyMeasure, tccxn.py]

FORGET = 0.1  # s until half a command is forgotten (guess)
AMBIENT, HEATING, SLOWNESS = 22.1, 0.08, 300.0  # degC [PyMeasure's tests]; K/W and s (guesses)
TOO_HOT, COOL = 70.0, 60.0  # degC (guesses)
OFTEN, SELDOM = 0.1, 1.0  # s between two looks at the reflected power (guess)
DUE = 1e-9  # s, round-off of a bench time

RF_ON, REVERSE_LIMIT, OVER_TEMPERATURE, INTERLOCK = 1 << 0, 1 << 9, 1 << 10, 1 << 11
NORMAL, RAMP = 1, 4
AUTO_TUNER, MANUAL = 3, 1
ON = 0x5555


class RFLoad(Protocol):
    """What hangs on the output: match and plasma. Powers [W], bias [V], capacitors 0 to 1."""

    def drive(self, forward: float) -> None:
        """Send a forward power from now on; 0 is off."""

    def reflected(self) -> float:
        """Return what comes back of it."""

    def bias(self) -> float:
        """Return the self-bias, not negative."""

    def capacitors(self) -> tuple[float, float]:
        """Return where load and tune capacitor are."""

    def set_capacitors(self, load: float, tune: float) -> None:
        """Send the capacitors somewhere."""

    def automatic(self, on: bool) -> None:
        """Let the match find its way by itself, or not."""


class AJA0313Twin:
    """The generator on `rf_load`."""

    def __init__(self, rf_load: RFLoad) -> None:
        self.rf_load = rf_load
        self.log: list[tuple[float, str, str]] = []
        self._interlock_open = False
        self._panel_holds = False
        self._leak = 0.0
        self._temperature = AMBIENT
        self._hot = False
        self._presets = {slot: [50, 50] for slot in range(1, 10)}
        self._wake(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: off, no set point, nobody in control."""
        self._switch(False, now)
        self._wake(now)
        self.rf_load.automatic(True)
        self.log.append((now, "power up", ""))

    def _wake(self, now: float) -> None:
        self.on = False
        self.set_point = 0
        self.in_control = False
        self._forward = 0.0
        self._mode = NORMAL
        self._ramp_start, self._ramp_rate = 1, 1
        self._switched = now
        self._manual = False
        self._slot = 0
        self._folded = False
        self._regulate_at = now
        self._now, self._heard, self._came = now, now, now
        self._buffer = bytearray()

    @property
    def interlock_open(self) -> bool:
        """Whether its interlock loop is open: RF goes off and does not come back by itself."""
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        if is_open != self._interlock_open:
            self._interlock_open = is_open
            self.log.append((self._now, "interlock open" if is_open else "interlock closed", ""))
            if is_open:
                self._switch(False, self._now)

    @property
    def temperature(self) -> float:
        """Return the heat sink's temperature [degC]."""
        return self._temperature

    def overheat(self, now: float) -> None:
        """Let the heat sink be too hot, as after its fan stood still: RF off until it has cooled down."""
        self._temperature = TOO_HOT + 10.0
        self._trip_if_hot(now)

    def lose_control(self, now: float) -> None:
        """Let somebody take control at the front panel, who does not give it back."""
        self._panel_holds = True
        self._lose("front panel", now)

    def return_control(self, now: float) -> None:
        """Let the front panel give control back: the next who asks has it."""
        self._panel_holds = False
        self.log.append((now, "front panel lets go", ""))

    def detune(self, share: float, now: float) -> None:
        """Let at least this share of the forward power come back, as with a bad connector; 0 mends it."""
        self._leak = share
        self.log.append((now, "detuned", f"{share:.2f}"))
        self._regulate_at = now

    def reflected(self) -> float:
        """Return the power that comes back [W]."""
        return max(self.rf_load.reflected(), self._leak * self._forward) if self.on else 0.0

    def advance(self, now: float) -> None:
        """Warm or cool the heat sink up to `now`."""
        if now > self._now:
            settled = AMBIENT + HEATING * self._forward
            decay = math.exp(-(now - self._now) / SLOWNESS)
            self._temperature = settled + (self._temperature - settled) * decay
            self._now = now
            if self._hot or self._temperature > TOO_HOT:
                self._trip_if_hot(now)

    def next_event(self) -> float | None:
        """Return when it loses control by silence, or looks at what comes back."""
        if self.on:
            return min(self._regulate_at, self._heard + CONTROL_TIMEOUT)
        return self._heard + CONTROL_TIMEOUT if self.in_control else None

    def fire_event(self, now: float) -> None:
        """Do what is due."""
        if self.in_control and now >= self._heard + CONTROL_TIMEOUT - DUE:
            self._lose(f"silence, last heard at {self._heard:.6f} s", now)
        elif self.on and now >= self._regulate_at - DUE:
            self._regulate(now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every command that is complete; what stands outside commands is ignored."""
        if self._buffer and now - self._came > FORGET:
            self._buffer.clear()
        self._came = now
        buffer = self._buffer
        buffer += data
        replies = b""
        while buffer:
            if buffer[0] != 0x43:
                del buffer[0]
                continue
            if len(buffer) < 10:
                break
            request = bytes(buffer[:10])
            del buffer[:10]
            replies += self._answer(request, now)
        return replies

    def _answer(self, request: bytes, now: float) -> bytes:
        letters = request[2:4]
        if sum(request[:8]) != int.from_bytes(request[8:], "big"):
            return b"?"
        first, second = int.from_bytes(request[4:6], "big"), int.from_bytes(request[6:8], "big")
        self._heard = now
        if letters in _QUESTIONS:
            data = _QUESTIONS[letters](self, first)
            return b"?" if data is None else _framed(data)
        if letters == b"BC":
            return _framed(self._give_control(first, now))
        if letters not in _ORDERS:
            return b"?"
        if self.in_control:
            _ORDERS[letters](self, first, second, now)
        return b"*"

    def _powers(self, first: int) -> bytes:
        reflected = self.reflected()
        return _words(*(round(10 * power) for power in (self._forward, reflected, self._forward - reflected)))

    def _status(self, first: int) -> bytes:
        flags = RF_ON * self.on | REVERSE_LIMIT * self._folded | OVER_TEMPERATURE * self._hot
        flags |= INTERLOCK * self._interlock_open
        return _words(flags, round(10 * self._temperature), self._mode, AUTO_TUNER)

    def _tuner(self, first: int) -> bytes:
        load, tune = self.rf_load.capacitors()
        bias = round(self.rf_load.bias()) if self.on else 0
        return _words(MANUAL * self._manual, round(1000 * load), round(1000 * tune), bias, self._slot)

    def _identity(self, first: int) -> bytes | None:
        texts = {1: MODEL, 2: SERIAL}
        return _words(first) + texts[first] if first in texts else None

    def _limits(self, first: int) -> bytes:
        rated, unused = round(10 * RATED_POWER), [0xFFFF] * 6
        return _words(0x34F8, rated, *unused, 0x34F8, round(10 * REFLECTED_LIMIT))

    def _preset(self, first: int) -> bytes | None:
        return _words(first, *self._presets[first], 0xFFFF, 0xFFFF) if first in self._presets else None

    def _give_control(self, wanted: int, now: float) -> bytes:
        if wanted == ON and not self._panel_holds:
            if not self.in_control:
                self.log.append((now, "control taken", ""))
            self.in_control = True
        elif wanted != ON and self.in_control:
            self._lose("given back", now)
        return _words(int(self.in_control))

    def _lose(self, why: str, now: float) -> None:
        self.in_control = False
        self.log.append((now, "control lost", why))
        self._switch(False, now)
        self.set_point = 0

    def _set_power(self, first: int, second: int, now: float) -> None:
        if first > RATED_POWER:
            return
        if first != self.set_point:
            self.set_point = first
            self.log.append((now, "set point", f"{first} W"))
        if self.on and self._mode == NORMAL:
            self._regulate(now)

    def _switch_rf(self, first: int, second: int, now: float) -> None:
        if first == ON and not self._interlock_open and not self._hot:
            self._switch(True, now)
        elif first == 0:
            self._switch(False, now)

    def _set_mode(self, first: int, second: int, now: float) -> None:
        if first in (NORMAL, RAMP):
            self._mode = first

    def _set_ramp_start(self, first: int, second: int, now: float) -> None:
        if 1 <= first <= RATED_POWER:
            self._ramp_start = first

    def _set_ramp_rate(self, first: int, second: int, now: float) -> None:
        if 1 <= first <= MOST_RAMP:
            self._ramp_rate = first

    def _set_tuner(self, first: int, second: int, now: float) -> None:
        self._manual = first == 2
        self.rf_load.automatic(not self._manual)

    def _move_capacitor(self, first: int, second: int, now: float) -> None:
        if self._manual and first in (1, 2) and second <= 100:
            places = list(self.rf_load.capacitors())
            places[first - 1] = second / 100
            self.rf_load.set_capacitors(*places)

    def _choose_preset(self, first: int, second: int, now: float) -> None:
        if first <= 9:
            self._slot = first

    def _set_preset(self, first: int, second: int, now: float) -> None:
        slot, which = first >> 8, first & 0xFF
        if slot in self._presets and which in (1, 2) and second <= 100:
            self._presets[slot][which - 1] = second

    def _switch(self, on: bool, now: float) -> None:
        if on == self.on:
            return
        self.on = on
        self.log.append((now, "RF on" if on else "RF off", f"{self.set_point} W"))
        if not on:
            self._forward, self._folded = 0.0, False
            self.rf_load.drive(0.0)
            return
        self._switched = now
        if self._slot and not self._manual:
            load, tune = self._presets[self._slot]
            self.rf_load.set_capacitors(load / 100, tune / 100)
        self._regulate(now)

    def _wanted(self, now: float) -> float:
        if self._mode != RAMP:
            return float(self.set_point)
        return min(self.set_point, self._ramp_start + self._ramp_rate * (now - self._switched))

    def _regulate(self, now: float) -> None:
        """Send what is wanted, or what brings back no more than the limit."""
        wanted = self._wanted(now)
        comes_back = self.reflected()
        share = comes_back / self._forward if self._forward > 0 else self._leak
        forward = min(wanted, REFLECTED_LIMIT / share) if share > 0 else wanted
        folded = forward < wanted
        if folded != self._folded:
            self._folded = folded
            self.log.append((now, "folded back" if folded else "full power", f"{forward:.1f} W"))
        if forward != self._forward:
            self._forward = forward
            self.rf_load.drive(forward)
        busy = folded or forward < self.set_point or comes_back > 0.1 * REFLECTED_LIMIT
        self._regulate_at = now + (OFTEN if busy else SELDOM)

    def _trip_if_hot(self, now: float) -> None:
        if not self._hot and self._temperature > TOO_HOT:
            self._hot = True
            self.log.append((now, "over-temperature", f"{self._temperature:.1f} degC"))
            self._switch(False, now)
        elif self._hot and self._temperature < COOL:
            self._hot = False
            self.log.append((now, "cool again", ""))


def _words(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}H", *[max(0, min(0xFFFF, number)) for number in numbers])


def _framed(data: bytes) -> bytes:
    content = b"R\x00" + len(data).to_bytes(2, "big") + data
    return b"*" + content + sum(content).to_bytes(2, "big")


_QUESTIONS = {
    b"GP": AJA0313Twin._powers,
    b"GS": AJA0313Twin._status,
    b"GT": AJA0313Twin._tuner,
    b"GL": lambda twin, first: _words(10 * twin.set_point),
    b"Gi": AJA0313Twin._identity,
    b"Gp": AJA0313Twin._limits,
    b"GR": lambda twin, first: _words(twin._ramp_start, twin._ramp_rate),
    b"GF": lambda twin, first: FREQUENCY.to_bytes(4, "big"),
    b"Gf": lambda twin, first: FIRMWARE,
    b"GU": AJA0313Twin._preset,
}

_ORDERS = {
    b"BR": AJA0313Twin._switch_rf,
    b"BP": lambda twin, first, second, now: None,
    b"SA": AJA0313Twin._set_power,
    b"SO": AJA0313Twin._set_mode,
    b"RP": AJA0313Twin._set_ramp_start,
    b"RR": AJA0313Twin._set_ramp_rate,
    b"TM": AJA0313Twin._set_tuner,
    b"TC": AJA0313Twin._move_capacitor,
    b"TP": AJA0313Twin._choose_preset,
    b"TD": AJA0313Twin._set_preset,
}
