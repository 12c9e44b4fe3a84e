"""XP Glassman EJ/ET/EY/FJ/FR high-voltage supply, as the charger of a flash lamp's bank.

Control: high voltage on and off, reset of a latched fault, the supply's own watchdog (always on).
Get:     firmware version, high voltage on, fault.
Measure: voltage and current at the output, 10 bits of full scale.
Set:     voltage and current, 12 bits of full scale, in [0, voltage_limit] and [0, full_scale_current].

Every packet feeds the watchdog; 1.5 s without one and the supply switches off and forgets its programs. So while
the high voltage is on, only the loop that acts is given anything to say but OFF: whoever else looks is told the last
reading and its age, until the supply must have switched off by itself. A
request is SOH, command, data, checksum, CR; checksum: sum of the bytes after SOH (in replies: after the
identifier letter), modulo 256, two upper-case hex digits. It shows every single garbled byte, but not two
that make up for one another: with one flipped bit in a hundred bytes, about 4 in 100 000 readings would be
wrong unseen.

Source: XP Glassman manual 102002-177 M2. Not yet seen on hardware: everything; above all the acknowledgement
of `C0`, whether an OFF is taken while faulted (E5 is expected), and 9600 baud 8N1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import (
    Garbled,
    InstrumentError,
    InterlockError,
    LimitError,
    OutcomeUnknown,
    Timeout,
    WireError,
)
from devices.quantities import STRICT, Unit
from devices.roles.lamp_parts import ChargerState
from devices.wire import Sync, Terminated, Wire

SETPOINT_STEPS = 0xFFF
READBACK_STEPS = 0x3FF

ERRORS = {
    "1": "undefined command",
    "2": "checksum error in the request",
    "3": "extra bytes in the request",
    "4": "illegal control byte in a set command",
    "5": "set while a fault is active; find its cause, then reset()",
    "6": "processing error",
}

MISHEARD = {"E1", "E2", "E3", "E4", "E6"}
"""Errors by which the supply says that it did not understand: nothing was done, asking again is right."""

SILENCE = 3.0
"""Seconds after the last word from here within which it may be on without having been fed: twice its watchdog."""

HIGH_VOLTAGE_OFF, HIGH_VOLTAGE_ON, RESET = 1, 2, 4

CARRIAGE_RETURN = Terminated(b"\r")

_READING = re.compile(
    rb"R(?P<voltage>[0-3][0-9A-F]{2})(?P<current>[0-3][0-9A-F]{2})000(?P<mode>[0-7])[0-9A-F]{2}"
)
_VERSION = re.compile(rb"B[0-9A-F]{2}")
_ERROR = re.compile(rb"E[1-6]")


def checksum(data: bytes) -> bytes:
    """Return the two hex digits that end a packet."""
    return b"%02X" % (sum(data) % 256)


def packet(command: bytes) -> bytes:
    """Return a whole request."""
    return b"\x01" + command + checksum(command) + b"\r"


def set_packet(voltage: int, current: int, control: int) -> bytes:
    """Return the S request for two 12-bit codes and a control bit."""
    return packet(b"S%03X%03X000000%X" % (voltage, current, control))


def body(reply: bytes) -> bytes:
    """Return a reply without its checksum. Raises Garbled."""
    content, check = reply[:-2], reply[-2:]
    if check != checksum(content[1:]):
        raise Garbled(f"{reply!r} fails its checksum; it was thrown away")
    return content


def is_version(reply: bytes) -> bool:
    """Return whether this is the answer to V and to nothing else."""
    return bool(_VERSION.fullmatch(reply[:-2])) and reply[-2:] == checksum(reply[1:-2])


class GlassmanFJ(Instrument):
    """The charger of a lamp's bank."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """Full scales as on the supply's label; nothing above voltage_limit is ever sent."""

        full_scale_voltage: Annotated[float, Field(gt=0, le=200e3), Unit("V")]
        full_scale_current: Annotated[float, Field(gt=0, le=10), Unit("A")]
        voltage_limit: Annotated[float, Field(gt=0, le=200e3), Unit("V")]

    kind_name = "XP Glassman FJ"
    watchdog: ClassVar[float | None] = 1.5
    sync: ClassVar[Sync | None] = Sync(packet(b"V"), CARRIAGE_RETURN, is_version)

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
        self._last: ChargerState | None = None
        self._read_at = self._said_at = -SILENCE

    @property
    def reading_age(self) -> float:
        """How old what is read now is [s]: not of now while the high voltage is on and somebody only looks."""
        return self.clock.now() - self._read_at if self._remembered() is not None else 0.0

    def identify(self) -> str:
        """Return make and firmware, and see to it that the watchdog is on."""
        self._refuse_to_feed("identify it")
        version = self._ask(packet(b"V"), _VERSION)[1:].decode()
        self._ask(packet(b"C0"), None)
        return f"XP Glassman, firmware {version}"

    def state(self) -> ChargerState:
        """Ask for voltage, current and flags, which feeds the watchdog; tell the last ones to whoever only looks."""
        remembered = self._remembered()
        if remembered is not None:
            return replace(remembered, age=self.clock.now() - self._read_at)
        found = _READING.fullmatch(self._ask(packet(b"Q"), _READING))
        assert found
        mode = int(found["mode"], 16)
        self._last = ChargerState(
            voltage=int(found["voltage"], 16) / READBACK_STEPS * self.full_scale_voltage,
            current=int(found["current"], 16) / READBACK_STEPS * self.full_scale_current,
            high_voltage_on=bool(mode & 4),
            fault=bool(mode & 2),
        )
        self._read_at = self.clock.now()
        return self._last

    def program(self, voltage: float) -> None:
        """Switch on and charge to `voltage` [V] with full current.

        Raises LimitError (nothing sent), what the guard raises (nothing sent), InstrumentError (E5 when faulted),
        OutcomeUnknown when the acknowledgement was lost: it is not sent again, state() tells.
        """
        if not 0 <= voltage <= self.voltage_limit:
            raise LimitError(f"{self.name} voltage", voltage, "V", 0.0, self.voltage_limit)
        self.guard()
        code = round(voltage / self.full_scale_voltage * SETPOINT_STEPS)
        before = self._last or ChargerState(0.0, 0.0, high_voltage_on=True, fault=False)
        self._last = replace(before, high_voltage_on=True)
        self._act(set_packet(code, SETPOINT_STEPS, HIGH_VOLTAGE_ON), f"charge to {voltage:g} V")

    def off(self) -> None:
        """Switch the high voltage off, programs zero; may be sent twice. A faulted supply is off already."""
        request = set_packet(0, 0, HIGH_VOLTAGE_OFF)
        try:
            self._ask(request, None)
            self._last = None
        except InstrumentError as error:
            self._last = None
            if error.code != "E5" or self.state().high_voltage_on:
                raise
        except WireError:
            self.wire.tell(request)
            raise

    def reset(self) -> None:
        """Clear a latched fault; the high voltage stays off. Raises OutcomeUnknown, InstrumentError."""
        self._refuse_to_feed("reset it")
        self._act(set_packet(0, 0, RESET), "reset the fault")

    def safe(self) -> None:
        """Switch off, whatever the state; on a dead wire OFF is sent blind before the error is raised."""
        self.off()

    def read_voltage(self) -> float:
        """Return the output voltage [V]."""
        return self.state().voltage

    def read_current(self) -> float:
        """Return the output current [A]."""
        return self.state().current

    def read_high_voltage_on(self) -> int:
        """Return 1 when the high voltage is on."""
        return int(self.state().high_voltage_on)

    def read_fault(self) -> int:
        """Return 1 when a fault is latched."""
        return int(self.state().fault)

    def _remembered(self) -> ChargerState | None:
        """Return the last reading where asking for another would feed the watchdog on nobody's behalf."""
        last = self._last
        if self.acting or last is None or not last.high_voltage_on:
            return None
        return last if self.clock.now() - self._said_at <= SILENCE else None

    def _refuse_to_feed(self, deed: str) -> None:
        if self._remembered() is not None:
            raise InterlockError(
                "lease",
                f"{self.name}: its high voltage is on, and who asks is not the train that keeps it alive; to {deed}"
                " would feed its watchdog. Nothing was sent; off() is always heard",
            )

    def _act(self, request: bytes, deed: str) -> None:
        self._said_at = self.clock.now()
        try:
            self.wire.ask(request, CARRIAGE_RETURN, self._acknowledged)
        except (Timeout, Garbled) as error:
            raise OutcomeUnknown(
                f"{self.name}: the acknowledgement of {deed!r} was lost ({error}); it was not sent again,"
                " ask state() what the supply does, or off() to be sure"
            ) from error

    def _ask(self, request: bytes, expected: re.Pattern[bytes] | None) -> bytes:
        """Ask what may be asked twice; a request that arrived garbled is asked again like a garbled reply."""

        def parse(reply: bytes) -> bytes:
            try:
                return self._acknowledged(reply) if expected is None else self._checked(reply, expected)
            except InstrumentError as error:
                if error.code not in MISHEARD:
                    raise
                raise Garbled(
                    f"{self.name} did not understand {request!r}: {error}; it did nothing"
                ) from error

        self._said_at = self.clock.now()
        return self.wire.ask(request, CARRIAGE_RETURN, parse, repeat=True)

    def _acknowledged(self, reply: bytes) -> bytes:
        return reply if reply == b"A" else self._checked(reply, None)

    def _checked(self, reply: bytes, expected: re.Pattern[bytes] | None) -> bytes:
        content = body(reply)
        if _ERROR.fullmatch(content):
            code = content[1:].decode()
            raise InstrumentError(self.name, f"E{code}", ERRORS[code])
        if expected is None or not expected.fullmatch(content):
            raise Garbled(f"{self.name}: {reply!r} is not the reply that was due; it was thrown away")
        return content
