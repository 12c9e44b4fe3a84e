"""Twin of a FuG power supply with the Probus V interface that charges a capacitor bank.

Registers as in the Probus V command reference V2.22, as PyExpLabSys' and hvl_ccb's drivers cite it. There is no
watchdog: silence changes nothing. Guesses: the form of numbers; that a trip holds the output off (DON 0) while BON
says 1, until it is commanded off; in what order mistakes are found. Left out: ramps (modes other than 0 are out of
range), pulsed outputs, checksums, calibration, addressed mode.
"""

from __future__ import annotations

import re
from typing import Protocol

BANK_POWER = 600.0  # W into the bank, as the Glassman's twin
RESOLUTION = 2**-16  # of full scale, monitors and setpoints [hvl_ccb: 16 bits and a sign]
LONGEST = 50  # characters of a command [Probus V documentation]
IDENTITY = "FUG HCK 600 - 1 000 MOD 17965-01-01"  # in the form that hvl_ccb reads
SERIAL = "17965-01-01"

_REGISTER = re.compile(r">(?P<register>[A-Z][A-Z0-9]*) ?(?P<argument>\S.*|)")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")


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
    """A command that is answered with an error number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"E{number}")
        self.number = number


class FuGProbusTwin:
    """The supply that charges `bank`; full_scale_voltage [V], full_scale_current [A], bank_power [W].

    digital_control: its selector stands on remote.
    """

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
        self.digital_control = True
        self.log: list[tuple[float, str, str]] = []
        self._wake(0.0)

    def _wake(self, now: float) -> None:
        self.target, self.current_limit = 0.0, 0.0
        self.commanded, self.tripped = False, False
        self._now = now
        self._buffer = b""

    @property
    def high_voltage_on(self) -> bool:
        """Whether the output is on."""
        return self.commanded and not self.tripped

    def power_up(self, now: float) -> None:
        """Be as after its mains went and came back: off, no setpoints; the bank is as it is."""
        self.log.append((now, "power up", f"{self.bank.voltage:.3f} V on the bank"))
        self._wake(now)

    def trip(self, now: float, reason: str) -> None:
        """Hold the output off until it is commanded off: an arc, or the interlock loop opened."""
        self.log.append((now, "fault", reason))
        was_on = self.high_voltage_on
        self.tripped = self.commanded
        self._switched(was_on, now)

    def advance(self, now: float) -> None:
        """Charge or bleed the bank up to `now`."""
        dt = max(0.0, now - self._now)
        self._now = max(now, self._now)
        if not self.high_voltage_on:
            self.bank.bleed(dt)
        elif self.current_limit > 0:
            self.bank.charge(self.target, self.bank_power, self.current_limit, dt)

    def next_event(self) -> float | None:
        """Return None: it has no watchdog, nothing happens by itself."""
        return None

    def fire_event(self, now: float) -> None:
        """Do nothing."""

    def receive(self, data: bytes, now: float) -> bytes:
        """Take bytes, answer every command that is complete; LF, CR and NUL end one, what is empty is none."""
        *lines, self._buffer = re.split(rb"[\n\r\0]", self._buffer + data)
        return b"".join(self._answer(line.decode("latin-1"), now) for line in lines if line.strip())

    def _answer(self, line: str, now: float) -> bytes:
        try:
            reply = self._obey(line.strip(), now) if len(line) <= LONGEST else self._refuse(7)
        except RefusedError as refused:
            reply = f"E{refused.number}"
        return f"{reply}\n".encode("ascii")

    def _obey(self, line: str, now: float) -> str:
        if line == "*IDN?":
            return IDENTITY
        if line == "=":
            self._output(False, now)
            self.target, self.current_limit = 0.0, 0.0
            return "E0"
        if line in ("F0", "F1"):
            self._output(line == "F1", now)
            return "E0"
        found = _REGISTER.fullmatch(line)
        if found is None:
            return self._refuse(10)
        register, argument = found["register"], found["argument"]
        readings = self._readings()
        if register not in readings:
            return self._refuse(2)
        if argument == "?":
            return f"{register}:{readings[register]}"
        if not _NUMBER.fullmatch(argument):
            return self._refuse(4)
        self._write(register, float(argument), now)
        return "E0"

    def _readings(self) -> dict[str, str]:
        charging = self.high_voltage_on and self.bank.voltage < self.target and self.current_limit > 0
        current = min(self.current_limit, self.bank_power / max(self.bank.voltage, 1.0)) if charging else 0.0
        voltage_set = _shown(self.target, self.full_scale_voltage)
        current_set = _shown(self.current_limit, self.full_scale_current)
        return {
            "S0": voltage_set,
            "S0A": voltage_set,
            "S0B": "0",
            "S0S": "0",
            "S1": current_set,
            "S1A": current_set,
            "M0": _shown(self.bank.voltage, self.full_scale_voltage),
            "M1": _shown(current, self.full_scale_current),
            "BON": str(int(self.commanded)),
            "BONA": str(int(self.high_voltage_on)),
            "DON": str(int(self.high_voltage_on)),
            "DVR": str(int(self.high_voltage_on and not charging)),
            "DIR": str(int(charging)),
            "DSD": str(int(self.digital_control)),
            "DSA": str(int(not self.digital_control)),
            "CFN": SERIAL,
        }

    def _write(self, register: str, value: float, now: float) -> None:
        highest = {"S0": self.full_scale_voltage, "S1": self.full_scale_current, "S0B": 0.0, "BON": 1.0}
        if register not in highest:
            self._refuse(6)
        if not 0 <= value <= highest[register]:
            self._refuse(5)
        if not self.digital_control:
            # It acknowledges and does nothing; its front panel has the say.
            return
        match register:
            case "S0" if value != self.target:
                self.target = value
                self.log.append((now, "programmed", f"{value:.1f} V"))
            case "S1":
                self.current_limit = value
            case "BON":
                self._output(value == 1.0, now)

    def _output(self, on: bool, now: float) -> None:
        was_on = self.high_voltage_on
        self.commanded = on
        self.tripped = self.tripped and on
        self._switched(was_on, now)

    def _switched(self, was_on: bool, now: float) -> None:
        if self.high_voltage_on != was_on:
            said = "high voltage off" if was_on else "high voltage on"
            self.log.append((now, said, f"{self.bank.voltage:.3f} V"))

    @staticmethod
    def _refuse(number: int) -> str:
        raise RefusedError(number)


def _shown(value: float, full_scale: float) -> str:
    """Return a value in steps of the converter, as the interface prints numbers."""
    step = RESOLUTION * full_scale
    return f"{round(value / step) * step:+.5E}"
