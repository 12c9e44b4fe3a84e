"""Twin of a Eurotherm 2400 temperature controller on an oven.

Modbus RTU, functions 3, 4, 6, 16; registers as in the AERCO Modbus manual for the 2400 and users' drivers for 2000
series. From memory of the vendor's communications handbook: the fast status byte, identity, register of the power on
sensor break, factory values of the three terms. Guesses: what it refuses with which code; that a broken sensor reads
full scale; that a frame waits for its rest for 50 ms. It regulates once a second (the real one nine times), and keeps
set point, mode and manual power when the mains go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

ADDRESS = 1
IDENTITY, VERSION = 0x2480, 0x0460  # a 2408 (from memory); made up
FULL_SCALE = 1372.0  # degC, thermocouple K
BAND, INTEGRAL, DERIVATIVE = 20.0, 360.0, 60.0  # K, s, s [factory values, from memory]
STEP = 1.0  # s
SMOOTHING = 8.0  # times faster than the derivative term its slope is smoothed (guess)
FORGET = 0.05  # s (guess)
DUE = 1e-9  # s, round-off of a bench time
ZERO_CELSIUS = 273.15
AUTOMATIC, MANUAL = 0, 1

READ, READ_INPUT, WRITE_ONE, WRITE_MANY = 3, 4, 6, 16
NO_FUNCTION, NO_REGISTER, NO_VALUE = 1, 2, 3
MOST_REGISTERS = 125


class Oven(Protocol):
    """What it heats."""

    def heat(self, share: float) -> None:
        """Give a share of the full power from now on, 0 to 1."""

    def temperature(self) -> float:
        """Return the temperature [K]."""


class RefusedError(Exception):
    """A request that is answered with an exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class Eurotherm2400Twin:
    """The controller on `oven`. decimals: of its display; terms: band [K], integral and derivative time [s] to which it
    was commissioned."""

    def __init__(
        self,
        oven: Oven,
        *,
        decimals: int = 1,
        terms: tuple[float, float, float] = (BAND, INTEGRAL, DERIVATIVE),
    ) -> None:
        self.oven = oven
        self.log: list[tuple[float, str, str]] = []
        self.broken = False
        self.offset = 0.0
        self.target = 20.0
        self.mode = MANUAL
        self.share = 0.0
        self._scale = 10.0**decimals
        self._band, self._integral, self._derivative = terms
        self._most, self._on_break, self._rate = 1.0, 0.0, 0.0
        self._low, self._high = 0.0, FULL_SCALE
        self._working = self._last = self._sum = self._slope = self._step_at = 0.0
        self._wake(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: set point, mode and manual power kept."""
        self._wake(now)
        self.log.append((now, "power up", ""))

    def _wake(self, now: float) -> None:
        self._came = now
        self._buffer = bytearray()
        if self.mode == AUTOMATIC:
            self._begin(now)

    @property
    def value(self) -> float:
        """Return what its sensor says [degC]."""
        if self.broken:
            return FULL_SCALE
        return min(FULL_SCALE, self.oven.temperature() - ZERO_CELSIUS + self.offset)

    def break_sensor(self, now: float) -> None:
        """Let the thermocouple be open."""
        self.broken = True
        self.log.append((now, "sensor broken", ""))
        if self.mode == AUTOMATIC:
            self._heat(self._on_break, now)

    def mend_sensor(self, now: float) -> None:
        """Let it be whole again, and right."""
        self.broken, self.offset = False, 0.0
        self.log.append((now, "sensor mended", ""))
        if self.mode == AUTOMATIC:
            self._begin(now)

    def read_high(self, offset: float, now: float) -> None:
        """Let the sensor say too much by so many kelvins, without its being noticed."""
        self.offset = offset
        self.log.append((now, "sensor reads high", f"{offset:g} K"))

    def advance(self, now: float) -> None:
        """Do nothing: it changes only in steps."""

    def next_event(self) -> float | None:
        """Return when it regulates next."""
        return self._step_at if self.mode == AUTOMATIC else None

    def fire_event(self, now: float) -> None:
        """Regulate if that is due."""
        if self.mode == AUTOMATIC and now >= self._step_at - DUE:
            self._regulate(now)
            self._step_at = now + STEP

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer the request when it is whole and meant for it."""
        if self._buffer and now - self._came > FORGET:
            self._buffer.clear()
        self._came = now
        buffer = self._buffer
        buffer += data
        replies = b""
        while (length := _length(buffer)) is not None:
            request = bytes(buffer[:length])
            del buffer[:length]
            if _checksum(request[:-2]) != request[-2:]:
                buffer.clear()
            elif request[0] == ADDRESS:
                reply = self._answer(request[1], request[2:-2], now)
                replies += reply + _checksum(reply)
        return replies

    def _answer(self, function: int, data: bytes, now: float) -> bytes:
        head = bytes((ADDRESS, function))
        try:
            first, number = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
            if function in (READ, READ_INPUT):
                words = self._read(first, number)
                return head + bytes((2 * number,)) + words
            if function == WRITE_ONE:
                self._write(first, data[2:4], now)
                return head + data
            if function == WRITE_MANY:
                if data[4] != 2 * number:
                    raise RefusedError(NO_VALUE)
                for index in range(number):
                    self._write(first + index, data[5 + 2 * index : 7 + 2 * index], now)
                return head + data[:4]
            raise RefusedError(NO_FUNCTION)
        except RefusedError as refused:
            return bytes((ADDRESS, function | 0x80, refused.code))

    def _read(self, first: int, number: int) -> bytes:
        if not 1 <= number <= MOST_REGISTERS:
            raise RefusedError(NO_VALUE)
        words = b""
        for register in range(first, first + number):
            if register not in _REGISTERS:
                raise RefusedError(NO_REGISTER)
            value = round(_REGISTERS[register](self))
            words += (max(-0x8000, min(0xFFFF, value)) & 0xFFFF).to_bytes(2, "big")
        return words

    def _write(self, register: int, word: bytes, now: float) -> None:
        value = int.from_bytes(word, "big", signed=True)
        if register not in _WRITABLE:
            raise RefusedError(NO_REGISTER)
        if not _WRITABLE[register](self, value, now):
            raise RefusedError(NO_VALUE)

    def _set_target(self, value: int, now: float) -> bool:
        target = value / self._scale
        if not self._low <= target <= self._high:
            return False
        if target != self.target:
            self.log.append((now, "set point", f"{target:g} degC"))
            self.target = target
        return True

    def _set_power(self, value: int, now: float) -> bool:
        if self.mode == AUTOMATIC or not 0 <= value <= 1000 * self._most:
            return False
        self._heat(value / 1000, now)
        return True

    def _set_mode(self, value: int, now: float) -> bool:
        if value not in (AUTOMATIC, MANUAL):
            return False
        if value != self.mode:
            self.mode = value
            self.log.append((now, "manual" if value else "automatic", ""))
            if value == AUTOMATIC:
                self._begin(now)
        return True

    def _set_band(self, value: int, now: float) -> bool:
        self._band = value / self._scale if value > 0 else self._band
        return value > 0

    def _set_integral(self, value: int, now: float) -> bool:
        self._integral = float(value) if value >= 0 else self._integral
        return value >= 0

    def _set_derivative(self, value: int, now: float) -> bool:
        self._derivative = float(value) if value >= 0 else self._derivative
        return value >= 0

    def _set_most(self, value: int, now: float) -> bool:
        self._most = value / 1000 if 0 <= value <= 1000 else self._most
        return 0 <= value <= 1000

    def _set_on_break(self, value: int, now: float) -> bool:
        self._on_break = value / 1000 if 0 <= value <= 1000 else self._on_break
        return 0 <= value <= 1000

    def _set_rate(self, value: int, now: float) -> bool:
        self._rate = value / self._scale if value >= 0 else self._rate
        return value >= 0

    def _set_low(self, value: int, now: float) -> bool:
        self._low = value / self._scale
        return True

    def _set_high(self, value: int, now: float) -> bool:
        self._high = value / self._scale
        return True

    def _begin(self, now: float) -> None:
        """Go on from the power that is given and the temperature that is, as far as an integral of 0 to 1 can."""
        self._working = self.value if self._rate else self.target
        self._last, self._slope = self.value, 0.0
        self._sum = max(0.0, min(1.0, self.share - (self._working - self._last) / self._band))
        self._step_at = now + STEP

    def _regulate(self, now: float) -> None:
        """Give power by three terms, the derivative of the value alone; the integral rests where the power ends."""
        if self.broken:
            self._heat(self._on_break, now)
            return
        value = self.value
        step = self._rate * STEP / 60 if self._rate else abs(self.target - self._working)
        self._working += max(-step, min(step, self.target - self._working))
        error = (self._working - value) / self._band
        smoothed = STEP / (STEP + self._derivative / SMOOTHING)
        self._slope += smoothed * ((value - self._last) / STEP - self._slope)
        fast = error - self._derivative * self._slope / self._band
        if self._integral and 0.0 <= fast + self._sum <= self._most:
            self._sum = max(0.0, min(self._most, self._sum + error * STEP / self._integral))
        self._last = value
        self._heat(max(0.0, min(self._most, fast + self._sum)), now)

    def _heat(self, share: float, now: float) -> None:
        if (share > 0) != (self.share > 0):
            self.log.append((now, "heating" if share > 0 else "not heating", f"{100 * share:.1f} %"))
        self.share = share
        self.oven.heat(share)


def _length(buffer: bytearray) -> int | None:
    """Return how long the first request is when it is whole."""
    length = 8
    if len(buffer) > 6 and buffer[1] == WRITE_MANY:
        length = 9 + buffer[6]
    return length if len(buffer) >= length else None


def _checksum(content: bytes) -> bytes:
    """Return the CRC of Modbus, low byte first."""
    crc = 0xFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 * (byte & 1)
    return byte


_TABLE = tuple(_entry(byte) for byte in range(256))

_REGISTERS: dict[int, Callable[[Eurotherm2400Twin], float]] = {
    1: lambda twin: twin.value * twin._scale,
    2: lambda twin: twin.target * twin._scale,
    3: lambda twin: twin.share * 1000,
    5: lambda twin: (twin._working if twin.mode == AUTOMATIC else twin.target) * twin._scale,
    6: lambda twin: twin._band * twin._scale,
    8: lambda twin: twin._integral,
    9: lambda twin: twin._derivative,
    24: lambda twin: twin.target * twin._scale,
    30: lambda twin: twin._most * 1000,
    34: lambda twin: twin._on_break * 1000,
    37: lambda twin: twin._rate * twin._scale,
    74: lambda twin: (twin.mode == MANUAL) << 4 | twin.broken << 5,
    107: lambda twin: VERSION,
    111: lambda twin: twin._high * twin._scale,
    112: lambda twin: twin._low * twin._scale,
    122: lambda twin: IDENTITY,
    258: lambda twin: twin.broken,
    273: lambda twin: twin.mode,
}

_WRITABLE: dict[int, Callable[[Eurotherm2400Twin, int, float], bool]] = {
    2: Eurotherm2400Twin._set_target,
    3: Eurotherm2400Twin._set_power,
    6: Eurotherm2400Twin._set_band,
    8: Eurotherm2400Twin._set_integral,
    9: Eurotherm2400Twin._set_derivative,
    24: Eurotherm2400Twin._set_target,
    30: Eurotherm2400Twin._set_most,
    34: Eurotherm2400Twin._set_on_break,
    37: Eurotherm2400Twin._set_rate,
    111: Eurotherm2400Twin._set_high,
    112: Eurotherm2400Twin._set_low,
    273: Eurotherm2400Twin._set_mode,
}
