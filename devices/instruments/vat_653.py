"""VAT throttle valve, Series 64 and 65 with its own pressure controller, RS-232, IC protocol.

Control: open, close, hold, LEARN, reset of an error.
Get:     identification, what it complains of, whether it has learnt its chamber.
Measure: position [0 closed, 1 open], pressure [Pa] of its own sensor.
Set:     position in [0, 1]; pressure in (0, full_scale], read back.

Commands end with CR LF, and so do replies, which begin with the command's own letters; the valve answers within
10 ms. Numbers are counts of its communication range, which is asked for once (i:21). One question tells position,
pressure and state (i:76). Without LEARN data it cannot hold a pressure: set_pressure refuses then, and reads back what
it does afterwards.

Sources: VAT manual 963283EA (Series 65, 2019), sections 4.11.1 to 4.11.4; manual 61228 for LEARN. Not yet seen on
hardware: everything; from memory only: the numbers of E: replies, c:82 (reset). Baud rate, parity and data bits are the
valve's own settings (s:20).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, InterlockError, LimitError
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Terminated, Wire

END = Terminated(b"\r\n")
MODES = {
    b"0": "initialising",
    b"1": "synchronising",
    b"2": "position",
    b"3": "closed",
    b"4": "open",
    b"5": "pressure",
    b"6": "hold",
    b"7": "learning",
    b"8": "held open by its interlock",
    b"9": "held closed by its interlock",
    b"C": "without power",
    b"D": "in safety mode",
    b"E": "in error",
}
"""Control modes [manual: i:76]."""

TROUBLE = {"held open by its interlock", "held closed by its interlock", "without power", "in safety mode"}
"""Modes in which it does not do what it is told."""

ERRORS = {
    b"01": "parity error",
    b"02": "too many characters",
    b"03": "framing error",
    b"10": "CR or LF missing",
    b"11": "colon missing",
    b"12": "wrong number of characters",
    b"20": "unknown command",
    b"21": "unknown command",
    b"22": "invalid value",
    b"23": "value out of range",
    b"30": "value out of range",
    b"41": "not for this hardware",
    b"60": "zero is disabled",
    b"80": "it is in local operation; end the service program",
    b"82": "not now: it synchronises, learns, is held by an interlock or in error",
}
"""From memory; not in the manual's pages that were seen."""

MISHEARD = {b"01", b"02", b"03", b"10", b"11", b"12", b"20", b"21"}
"""Errors by which the valve says that it did not understand: nothing was done, asking again is right."""

POSITION_RANGES = {b"0": 1_000, b"1": 10_000, b"2": 100_000}
UNKNOWN_POSITION = 999_999

_ASSEMBLY = re.compile(rb"i:76(\d{6})([0-])(\d{7})([012])([0-9CDE])([01])")
_RANGES = re.compile(rb"i:21([012])(\d{7})")
_SET_POINT = re.compile(rb"i:38(\d{8})")
_WARNINGS = re.compile(rb"i:51([01])([01])([01])([01])\d{4}")
_LEARNT = re.compile(rb"i:32([01])([01])([012])([012])([01])([01])([01])\d")
_ERROR = re.compile(rb"i:50([0-9A-Za-z]{3})")
_IDENTIFICATION = re.compile(rb"i:83([ -~]+)")
_REFUSED = re.compile(rb"E:\d{4}(\d{2})")

LEARN_FAULTS = (
    ("", "it was ended by somebody", "it was ended by the valve"),
    ("", "the gas flow is too high", "there is no gas flow, or the sensor's zero is wrong"),
    ("", "the gas flow is too low"),
    ("", "the pressure did not rise"),
    ("", "the sensor is unstable"),
)
"""What LEARN found amiss, by place and digit [manual: i:32]."""


@plain_dataclass(frozen=True)
class ValveState:
    """One reading: position [0 to 1], pressure [Pa], mode in words, whether a warning stands, remote or local."""

    position: float
    pressure: float
    mode: str
    warning: bool
    remote: bool

    @property
    def fails(self) -> bool:
        """Whether it no longer does what it is told."""
        return self.mode in TROUBLE or self.mode == MODES[b"E"]


class VAT653(Instrument):
    """The throttle valve between chamber and turbo pump."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """full_scale: of the sensor that is plugged into the valve."""

        full_scale: Annotated[float, Field(gt=0, le=200e3), Unit("Pa")] = 13.3

    kind_name = "VAT throttle valve"
    sync: ClassVar[Sync | None] = Sync(b"i:83\r\n", END, lambda reply: bool(_IDENTIFICATION.fullmatch(reply)))

    valve_position = Component(Quantity, get="position", unit="1", precision=5, kind="normal")
    valve_pressure = Component(Quantity, get="pressure", unit="Pa", precision=5, kind="normal")

    def __init__(
        self, wire: Wire, clock: Clock, *, name: str, full_scale: float = 13.3, **kwargs: Any
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.full_scale = full_scale
        self.guard: Callable[[], None] = anybody
        self._ranges: tuple[int, int] | None = None

    def identify(self) -> str:
        """Return what it says it is."""
        return f"VAT {self._ask(b'i:83', _IDENTIFICATION)[1].decode().strip()}"

    def state(self) -> ValveState:
        """Ask for position, pressure and mode at once. Raises InstrumentError when it does not know where it is."""
        position_range, pressure_range = self._communication_range()
        position, sign, pressure, access, mode, warning = self._ask(b"i:76", _ASSEMBLY).groups()
        if int(position) == UNKNOWN_POSITION:
            raise InstrumentError(self.name, "999999", "it does not know its position yet; it synchronises")
        value = int(pressure) / pressure_range * self.full_scale
        return ValveState(
            position=int(position) / position_range,
            pressure=-value if sign == b"-" else value,
            mode=MODES[mode],
            warning=warning == b"1",
            remote=access != b"0",
        )

    def set_pressure(self, pressure: float) -> None:
        """Hold a pressure [Pa] and read back that it does.

        Raises LimitError, InterlockError when it has not learnt, what the guard raises (nothing sent in all),
        InstrumentError.
        """
        if not 0 < pressure <= self.full_scale:
            raise LimitError(f"{self.name} pressure", pressure, "Pa", 0.0, self.full_scale)
        self.guard()
        if not self.learnt():
            raise InterlockError(
                "learn",
                f"{self.name} has not learnt this chamber and cannot hold a pressure; nothing was sent",
            )
        counts = round(pressure / self.full_scale * self._communication_range()[1])
        self._command(b"S:%08d" % counts)
        self._read_back(counts, "pressure")

    def set_position(self, position: float) -> None:
        """Go to a position, 0 (closed) to 1 (open), and read back that it does.

        Raises LimitError, what the guard raises, InstrumentError.
        """
        if not 0 <= position <= 1:
            raise LimitError(f"{self.name} position", position, "1", 0.0, 1.0)
        self.guard()
        counts = round(position * self._communication_range()[0])
        self._command(b"R:%06d" % counts)
        self._read_back(counts, "position")

    def open(self) -> None:
        """Open wholly."""
        self._command(b"O:")

    def close(self) -> None:
        """Close wholly, if the guard allows."""
        self.guard()
        self._command(b"C:")

    def hold(self) -> None:
        """Stay where it is, if the guard allows."""
        self.guard()
        self._command(b"H:")

    def position(self) -> float:
        """Return where it is, 0 to 1."""
        return self.state().position

    def pressure(self) -> float:
        """Return the pressure [Pa] of its own sensor."""
        return self.state().pressure

    def complaint(self) -> str:
        """Return what it complains of, in words; empty if nothing."""
        state = self.state()
        said = [] if state.remote else ["it is in local operation"]
        if state.mode in TROUBLE:
            said.append(f"it is {state.mode}")
        if state.mode == MODES[b"E"]:
            said.append(f"error {self._ask(b'i:50', _ERROR)[1].decode()}")
        if state.warning:
            service, unlearnt, battery, air = (
                each == b"1" for each in self._ask(b"i:51", _WARNINGS).groups()
            )
            words = {
                "it asks for service": service,
                "it has not learnt this chamber": unlearnt,
                "its power failure battery is not ready": battery,
                "its compressed air is missing": air,
            }
            said += [each for each, stands in words.items() if stands] or [
                "it warns and does not say of what"
            ]
        return ", ".join(said)

    def learnt(self) -> bool:
        """Return whether it has learnt its chamber."""
        return self._ask(b"i:32", _LEARNT)[2] == b"0"

    def learning(self) -> bool:
        """Return whether it is about to learn."""
        return self._ask(b"i:32", _LEARNT)[1] == b"1"

    def learn(self, limit: float) -> None:
        """Learn the chamber, at the gas flow that is on, up to a pressure [Pa]: it opens, closes and opens again.

        Raises LimitError, what the guard raises, InstrumentError. learning() tells when it has ended, learn_fault()
        how.
        """
        if not 0 < limit <= self.full_scale:
            raise LimitError(f"{self.name} LEARN limit", limit, "Pa", 0.0, self.full_scale)
        self.guard()
        self._command(b"L:%08d" % round(limit / self.full_scale * self._communication_range()[1]))

    def learn_fault(self) -> str:
        """Return what was amiss when it last learnt, in words; empty if nothing."""
        found = self._ask(b"i:32", _LEARNT).groups()[2:]
        return ", ".join(
            words[int(digit)] for words, digit in zip(LEARN_FAULTS, found, strict=True) if digit != b"0"
        )

    def reset(self) -> None:
        """Reset an error that stands; the valve stays where it is."""
        self._command(b"c:8201")

    def safe(self) -> None:
        """Open: keep pumping; an error that stands is reset for that."""
        if self.state().mode == MODES[b"E"]:
            self.reset()
        self.open()

    def _communication_range(self) -> tuple[int, int]:
        """Return the counts of fully open and of full scale, which are asked for once."""
        if self._ranges is None:
            position, pressure = self._ask(b"i:21", _RANGES).groups()
            self._ranges = POSITION_RANGES[position], int(pressure)
        return self._ranges

    def _read_back(self, counts: int, mode: str) -> None:
        found, doing = int(self._ask(b"i:38", _SET_POINT)[1]), self.state().mode
        if found != counts or doing != mode:
            raise InstrumentError(
                self.name,
                "i:38",
                f"{mode} {counts} was asked for, it says {found} and {doing!r}"
                f" ({self.complaint() or 'it does not complain'})",
            )

    def _command(self, request: bytes) -> None:
        """Say what may be said twice: each command says how things shall be, not what to change."""
        head = request[: request.index(b":") + 1]
        self._ask(request, re.compile(b"c:82" if head == b"c:" else head))

    def _ask(self, request: bytes, form: re.Pattern[bytes]) -> re.Match[bytes]:
        def parse(reply: bytes) -> re.Match[bytes]:
            found = form.fullmatch(reply)
            if found is not None:
                return found
            refused = _REFUSED.fullmatch(reply)
            if refused is None or refused[1] in MISHEARD:
                raise Garbled(
                    f"{self.name}: {reply!r} is not the reply that was due to {request!r}; thrown away"
                )
            text = ERRORS.get(refused[1], "an error that is not in its list")
            raise InstrumentError(self.name, reply.decode(), text)

        return self.wire.ask(request + b"\r\n", END, parse, repeat=True)
