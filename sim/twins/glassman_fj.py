"""Twin of an XP Glassman FJ high-voltage supply that charges a capacitor bank.

Firmware as in XP Glassman manual 102002-177 M2: S, Q, V and C packets with checksums, errors E1..E6, a
watchdog of 1.5 s, a fault latch that only a reset clears. Guesses: which of several mistakes in one packet is
reported first, that packets with a wrong checksum do not feed the watchdog, that an OFF is refused while
faulted (E5).
"""

from __future__ import annotations

from typing import Protocol

WATCHDOG = 1.5  # s without a packet [XP Glassman manual]
BANK_POWER = 600.0  # W into the bank [label of the FJ series]: 900 V, 1.8 ms, 0.4 Hz draw 313 W
SETPOINT_FULL = 4095  # 12 bits [XP Glassman manual]
READBACK_FULL = 1023  # 10 bits [XP Glassman manual]
FIRMWARE = b"25"
DUE = 1e-9  # s, round-off of a bench time


class ChargedBank(Protocol):
    """What hangs on the output."""

    @property
    def voltage(self) -> float:
        """Return the voltage [V]."""

    def charge(self, target: float, power: float, current: float, dt: float) -> None:
        """Charge towards target [V] with at most power [W] and current [A] for dt [s]."""

    def bleed(self, dt: float) -> None:
        """Discharge through the bleed resistor for dt [s]."""


class RefusedError(Exception):
    """A packet that is answered with an error number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"E{number}")
        self.number = number


def hex_sum(content: bytes) -> bytes:
    """Return the checksum of a packet's content."""
    return f"{sum(content) & 0xFF:02X}".encode("ascii")


class GlassmanFJTwin:
    """The supply that charges `bank`; full_scale_voltage [V], full_scale_current [A], bank_power [W]."""

    def __init__(
        self,
        bank: ChargedBank,
        *,
        full_scale_voltage: float = 1000.0,
        full_scale_current: float = 0.6,
        bank_power: float = BANK_POWER,
    ) -> None:
        self.bank = bank
        self.full_scale_voltage, self.full_scale_current = full_scale_voltage, full_scale_current
        self.bank_power = bank_power
        self.log: list[tuple[float, str, str]] = []
        self._wake(0.0)

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: off, no program, no fault; the bank is as it is."""
        self._switch(False, now)
        self._wake(now)
        self.log.append((now, "power up", f"{self.bank.voltage:.3f} V on the bank"))

    @property
    def target(self) -> float:
        """Return the programmed voltage [V]."""
        return self._voltage_code / SETPOINT_FULL * self.full_scale_voltage

    @property
    def current_limit(self) -> float:
        """Return the programmed current [A]."""
        return self._current_code / SETPOINT_FULL * self.full_scale_current

    def _wake(self, now: float) -> None:
        self.high_voltage_on = False
        self.fault = False
        self._voltage_code, self._current_code = 0, 0
        self._watchdog_on = True
        self._now, self._last_packet = now, now
        self._buffer = bytearray()

    def advance(self, now: float) -> None:
        """Charge or bleed the bank up to `now`."""
        dt = max(0.0, now - self._now)
        self._now = max(now, self._now)
        if not self.high_voltage_on:
            self.bank.bleed(dt)
        elif self.current_limit > 0:
            self.bank.charge(self.target, self.bank_power, self.current_limit, dt)

    def next_event(self) -> float | None:
        """Return when the watchdog trips."""
        armed = self.high_voltage_on or self._voltage_code or self._current_code
        return self._last_packet + WATCHDOG if self._watchdog_on and armed else None

    def fire_event(self, now: float) -> None:
        """Trip the watchdog if it is due: high voltage off, programs zero."""
        due = self.next_event()
        if due is not None and now >= due - DUE:
            self.log.append((now, "watchdog", f"last packet at {self._last_packet:.6f} s"))
            self._voltage_code, self._current_code = 0, 0
            self._switch(False, now)

    def trip(self, now: float, reason: str) -> None:
        """Latch a fault: high voltage off until a reset."""
        self.fault = True
        self.log.append((now, "fault", reason))
        self._switch(False, now)

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every packet that is complete; what stands outside SOH ... CR is no packet."""
        replies = b""
        for byte in data:
            if byte == 0x01:
                self._buffer[:] = b"\x01"
            elif byte == 0x0D and self._buffer:
                replies += self._answer(bytes(self._buffer[1:]), now) + b"\r"
                self._buffer.clear()
            elif self._buffer:
                self._buffer.append(byte)
        return replies

    def _answer(self, content: bytes, now: float) -> bytes:
        command, check = content[:-2], content[-2:]
        try:
            handler = {b"S": self._set, b"Q": self._query, b"V": self._version, b"C": self._configure}.get(
                command[:1]
            )
            if handler is None:
                raise RefusedError(1)
            if check != hex_sum(command):
                raise RefusedError(2)
            self._last_packet = now
            return handler(command[1:], now)
        except RefusedError as refused:
            number = b"%d" % refused.number
            return b"E" + number + hex_sum(number)

    def _set(self, data: bytes, now: float) -> bytes:
        if len(data) > 13:
            raise RefusedError(3)
        voltage, current, control = self._hex(data[0:3]), self._hex(data[3:6]), self._hex(data[12:13])
        if len(data) < 13:
            raise RefusedError(6)
        if control not in (0, 1, 2, 4):
            raise RefusedError(4)
        if self.fault and control != 4:
            raise RefusedError(5)
        if control == 4 and self.fault:
            self.fault = False
            self.log.append((now, "fault reset", ""))
        if (voltage, current) != (self._voltage_code, self._current_code):
            self._voltage_code, self._current_code = voltage, current
            self.log.append((now, "programmed", f"{self.target:.1f} V, {self.current_limit:.3f} A"))
        if control:
            self._switch(control == 2, now)
        return b"A"

    def _query(self, data: bytes, now: float) -> bytes:
        if data:
            raise RefusedError(3)
        charging = self.high_voltage_on and self.bank.voltage < self.target and self.current_limit > 0
        current = min(self.current_limit, self.bank_power / max(self.bank.voltage, 1.0)) if charging else 0.0
        mode = int(charging) | 2 * int(self.fault) | 4 * int(self.high_voltage_on)
        voltage_code = self._read(self.bank.voltage / self.full_scale_voltage)
        current_code = self._read(current / self.full_scale_current)
        content = f"{voltage_code:03X}{current_code:03X}000{mode:X}00".encode("ascii")
        return b"R" + content + hex_sum(content)

    def _version(self, data: bytes, now: float) -> bytes:
        if data:
            raise RefusedError(3)
        return b"B" + FIRMWARE + hex_sum(FIRMWARE)

    def _configure(self, data: bytes, now: float) -> bytes:
        if len(data) > 1:
            raise RefusedError(3)
        if data not in (b"0", b"1"):
            raise RefusedError(6)
        if self._watchdog_on != (data == b"0"):
            self._watchdog_on = data == b"0"
            self.log.append((now, "watchdog on" if self._watchdog_on else "watchdog disabled", ""))
        return b"A"

    def _switch(self, on: bool, now: float) -> None:
        if on != self.high_voltage_on:
            self.high_voltage_on = on
            self.log.append(
                (now, "high voltage on" if on else "high voltage off", f"{self.bank.voltage:.3f} V")
            )

    @staticmethod
    def _hex(digits: bytes) -> int:
        if not digits or not all(digit in b"0123456789ABCDEF" for digit in digits):
            raise RefusedError(6)
        return int(digits, 16)

    @staticmethod
    def _read(share: float) -> int:
        return max(0, min(READBACK_FULL, round(share * READBACK_FULL)))
