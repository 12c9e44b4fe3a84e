"""FuG power supply with the Probus V interface, as the charger of a flash lamp's bank.

Control: output on and off, reset of the interface.
Get:     identity, output on, output commanded, remote control.
Measure: voltage and current at the output.
Set:     voltage and current, in [0, voltage_limit] and [0, full_scale_current]; without a ramp.

It has NO watchdog. A host that dies leaves it as it is: a bank that is charged stays charged, at the programmed
voltage and for as long as the mains is on, and a lamp that is triggered by anything else can flash again and again.
A station with this charger therefore needs a dead-man in hardware: a relay in the supply's interlock loop that drops
when the host falls silent, or a trigger generator that its inhibit line holds. `watchdog` is None for that reason,
and a station may refuse to arm on it.

Every command is answered: a write by `E0` or an error, a question by `<register>:<value>`. There is no checksum (the
interface has one, off by default): setpoints are read back before the output is switched on, what does not come back
as it was sent switches it off, and a voltage counts when two readings in a row agree within AGREEMENT of full scale.

A fault: the output was commanded on and is not, as after a trip or with the interlock loop open. `>DON ?` alone
does not tell it from an output that was switched off.

Sources: Probus V documentation for RS-232, revision 2.4, and command reference V2.22 (ADDAT30 firmware 4.0), as cited
by PyExpLabSys' and hvl_ccb's drivers. 9600 baud, 8N1, LF. Not yet seen on hardware: everything; above all the form of
numbers (`+8.50000E+02`), that `>BON ?` tells what was commanded while the interlock holds the output off, and that
`>BX`-pulsing is off by default.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError, OutcomeUnknown, Timeout, WireError
from devices.quantities import STRICT, Unit
from devices.roles.lamp_parts import ChargerState
from devices.wire import Sync, Terminated, Wire

LINE = Terminated(b"\n")

ERRORS = {
    "E1": "no data available",
    "E2": "unknown register type",
    "E4": "invalid argument",
    "E5": "argument out of range",
    "E6": "register is read only",
    "E7": "command longer than 50 characters",
    "E8": "calibration memory is write protected",
    "E9": "address error",
    "E10": "unknown SCPI command",
    "E11": "trigger-on-talk is not allowed",
    "E12": "invalid argument in a ~T command",
    "E13": "invalid N value",
    "E14": "register is write only",
    "E15": "string too long",
    "E16": "wrong checksum",
}
"""[Probus V command reference]"""

MISHEARD = frozenset({"E1", "E2", "E4", "E7", "E9", "E10", "E12", "E15", "E16"})
"""Errors by which the interface says that it did not understand: nothing was done, asking again is right."""

READINGS, AGREEMENT = 4, 0.02
"""A voltage is asked at most this often until two in a row differ by no more than this share of full scale: a charger
that fills a bank at 100 V/s changes a voltage by 3 V between two questions at 9600 baud."""

SETPOINT_AGREEMENT = 1e-4
"""Share of full scale by which a setpoint may come back otherwise; 16 bits and a sign are 1.5e-5 of it."""

_VALUE = re.compile(rb"(?P<register>[A-Z][A-Z0-9]*):(?P<value>[+-]?[0-9]+(\.[0-9]*)?(E[+-]?[0-9]+)?)\r?")
_ERROR = re.compile(rb"(?P<code>E[0-9]{1,2})\r?")
_REMOTE = re.compile(rb"DSD:[01]\r?")


class FuGProbus(Instrument):
    """The charger of a lamp's bank, where there is no Glassman."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Full scales as on the supply's label; nothing above voltage_limit is ever sent."""

        full_scale_voltage: Annotated[float, Field(gt=0, le=200e3), Unit("V")]
        full_scale_current: Annotated[float, Field(gt=0, le=10), Unit("A")]
        voltage_limit: Annotated[float, Field(gt=0, le=200e3), Unit("V")]

    kind_name = "FuG Probus V"
    watchdog: ClassVar[float | None] = None
    sync: ClassVar[Sync | None] = Sync(b">DSD ?\n", LINE, lambda reply: bool(_REMOTE.fullmatch(reply)))

    voltage = Component(Quantity, get="read_voltage", unit="V", precision=1, kind="normal")
    current = Component(Quantity, get="read_current", unit="A", precision=4, kind="normal")
    high_voltage_on = Component(Quantity, get="read_high_voltage_on", unit="1", precision=0, kind="normal")
    fault = Component(Quantity, get="read_fault", unit="1", precision=0, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        full_scale_voltage: float,
        full_scale_current: float,
        voltage_limit: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.full_scale_voltage, self.full_scale_current = full_scale_voltage, full_scale_current
        self.voltage_limit = min(voltage_limit, full_scale_voltage)
        self.guard: Callable[[], None] = anybody
        self.acting = True

    def identify(self) -> str:
        """Return the supply's own words. Raises InstrumentError when it does not listen to this interface."""
        if not self._flag("DSD"):
            raise InstrumentError(
                self.name, "local", "it is not under digital control; turn its selector to remote"
            )

        def parse(reply: bytes) -> str:
            words = reply.strip()
            if not words or not words.isascii() or _ERROR.fullmatch(reply) or _VALUE.fullmatch(reply):
                raise Garbled(f"{self.name}: {reply!r} is no identity; it was thrown away")
            return words.decode()

        return "FuG, " + self.wire.ask(b"*IDN?\n", LINE, parse, repeat=True)

    def state(self) -> ChargerState:
        """Ask for voltage, current and flags. Asking feeds no watchdog: there is none."""
        on = self._flag("DON")
        return ChargerState(
            voltage=self.read_voltage(),
            current=self.read_current(),
            high_voltage_on=on,
            fault=not on and self._flag("BON"),
        )

    def program(self, voltage: float) -> None:
        """Switch on and charge to `voltage` [V] with full current; both setpoints are read back before it goes on.

        Raises LimitError and what the guard raises (nothing sent), InstrumentError when it is faulted or says
        otherwise, WireError when it cannot be heard: it was switched off then, if it had been told anything.
        OutcomeUnknown when the acknowledgement of ON was lost: it is not sent again, state() tells.
        """
        if not 0 <= voltage <= self.voltage_limit:
            raise LimitError(f"{self.name} voltage", voltage, "V", 0.0, self.voltage_limit)
        self.guard()
        if not self._flag("DON") and self._flag("BON"):
            raise InstrumentError(
                self.name, "tripped", "its output is held off; find the cause, then reset(). Nothing was sent"
            )
        try:
            self._set("S0B", 0.0, tolerance=0.0)
            self._set("S1", self.full_scale_current, tolerance=SETPOINT_AGREEMENT * self.full_scale_current)
            self._set("S0", voltage, tolerance=SETPOINT_AGREEMENT * self.full_scale_voltage)
        except (InstrumentError, WireError):
            # Nobody knows what it is programmed to, and it may be on.
            self.off()
            raise
        try:
            self.wire.ask(b">BON 1\n", LINE, self._acknowledged)
        except (Timeout, Garbled) as error:
            raise OutcomeUnknown(
                f"{self.name}: the acknowledgement of 'output on' was lost ({error}); it was not sent again,"
                " ask state() what the supply does, or off() to be sure"
            ) from error

    def off(self) -> None:
        """Switch the output off, voltage zero, and look whether it is off; may be sent twice.

        On a dead wire OFF is sent blind before the error is raised. Raises InstrumentError when it stays on.
        """
        try:
            self._write(">BON 0")
            still_on = self._flag("DON")
            if still_on:
                # One flipped bit makes the OFF an ON, which is acknowledged alike.
                self._write(">BON 0")
                still_on = self._flag("DON")
            self._write(">S0 0")
        except WireError:
            self.wire.tell(b">BON 0\n")
            raise
        if still_on:
            raise InstrumentError(self.name, "on", "it was switched off and is on; use its mains switch")

    def reset(self) -> None:
        """Forget a trip: output off, all setpoints zero; may be sent twice."""
        self._write("=")
        self.off()

    def safe(self) -> None:
        """Switch off, whatever the state."""
        self.off()

    def read_voltage(self) -> float:
        """Return the output voltage [V]."""
        last = math.nan
        for _ in range(READINGS):
            voltage = self._read("M0")
            if abs(voltage - last) <= AGREEMENT * self.full_scale_voltage:
                return voltage
            last = voltage
        raise Garbled(f"{self.name}: no two of {READINGS} voltages agree; none was taken")

    def read_current(self) -> float:
        """Return the output current [A]."""
        return self._read("M1")

    def read_high_voltage_on(self) -> int:
        """Return 1 when the output is on."""
        return int(self._flag("DON"))

    def read_fault(self) -> int:
        """Return 1 when the output was commanded on and is off."""
        return int(self.state().fault)

    def _set(self, register: str, value: float, *, tolerance: float) -> None:
        """Write a register and read it back; once more when it differs, since either may be garbled."""
        found = math.nan
        for _ in range(2):
            self._write(f">{register} {value:.6g}")
            found = self._read(register)
            if abs(found - value) <= tolerance:
                return
        raise InstrumentError(
            self.name, register, f"asked for {value:g}, it says {found:g}; its output is switched off"
        )

    def _write(self, command: str) -> None:
        """Send what may be sent twice."""
        self.wire.ask(f"{command}\n".encode(), LINE, self._understood, repeat=True)

    def _flag(self, register: str) -> bool:
        value = self._read(register)
        if value not in (0.0, 1.0):
            raise Garbled(f"{self.name}: {register} is {value:g}, neither 0 nor 1")
        return bool(value)

    def _read(self, register: str) -> float:
        def parse(reply: bytes) -> float:
            found = _VALUE.fullmatch(reply)
            if found is None:
                self._understood(reply)
            if found is None or found["register"] != register.encode():
                raise Garbled(f"{self.name}: {reply!r} is no answer about {register}; it was thrown away")
            return float(found["value"])

        return self.wire.ask(f">{register} ?\n".encode(), LINE, parse, repeat=True)

    def _understood(self, reply: bytes) -> None:
        """Take an acknowledgement; a command that arrived garbled may be sent again."""
        try:
            self._acknowledged(reply)
        except InstrumentError as error:
            if error.code in MISHEARD:
                raise Garbled(f"{self.name} did not understand: {error}; it did nothing") from error
            raise

    def _acknowledged(self, reply: bytes) -> None:
        found = _ERROR.fullmatch(reply)
        code = found["code"].decode() if found else ""
        if code == "E0":
            return
        if code not in ERRORS:
            raise Garbled(f"{self.name}: {reply!r} is not the reply that was due; it was thrown away")
        raise InstrumentError(self.name, code, ERRORS[code])
