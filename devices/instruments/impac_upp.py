"""IMPAC pyrometer (LumaSense, Advanced Energy) in the Universal Pyrometer Protocol (UPP).

Control: nothing; it measures all the time.
Get:     name, basic temperature range, scale.
Measure: temperature [K] of what it looks at, in steps of 0.1 K; not fast enough for a flash.
Set:     emissivity in [0.1, 1] as thousandths, exposure time (code 0 to 6; 0 is the head's own, shortest).

A request is the address in two digits, two small letters, a parameter, CR; the reply is a value or `ok`, or `no`
for what the head does not take. The protocol has no checksum, and the parity of 8E1 is not looked at by all serial
drivers: a temperature counts only when two readings in a row agree within AGREEMENT. A number that cannot be a
temperature of this head is an error, never a value: its own codes, anything outside its basic range, the start of
the range itself (which is what it shows of all that is colder: not yet seen on hardware), and a number that has not
moved for `stuck_after`, since the last digit of a head that measures flickers.

Sources: LumaSense manuals IN 520 page 31, IN 6/78-L pages 29-30, IGA 320/23-LO page 33, ISR 12-LO page 37; Advanced
Energy Impac Series 600, table F-1; InfraWin 5 page 30. Not yet seen on hardware: everything; above all the baud rate
(a setting of the device, often 19200), that address 99 is answered, and what is shown below the range.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, TypeVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError
from devices.quantities import STRICT, Unit
from devices.wire import Sync, Terminated, Wire

T = TypeVar("T", int, float)

CARRIAGE_RETURN = Terminated(b"\r")
CELSIUS_ZERO = 273.15
TENTHS = 10

ANY_ADDRESS = b"99"
"""Answered by a head of any address; a wire has one head only."""

CODES = {
    b"74440": "its head is too cold",
    b"75550": "its head is too hot",
    b"77770": "it is warming up, or too hot inside",
    b"80000": "its targeting light is on and blinds it",
    b"88880": "what it looks at is hotter than its range (overflow)",
}
"""Numbers that are no temperatures [manuals as above; each head has some of them]."""

EMISSIVITY_LOW, EMISSIVITY_HIGH = 0.1, 1.0
"""What all heads take [IGA 320/23-LO: 0100 to 1000]."""

READINGS, AGREEMENT = 4, 5.0
"""A temperature is asked at most this often until two in a row differ by no more than so many K. A foil that cools by
250 K/s changes by 3 K between two questions at 19200 baud."""

FEWEST_STUCK = 20
"""Readings, at the least, that must be equal before a head is taken to be stuck. With noise of one step rms (0.1 K,
guess) a head that measures shows 20 equal ones in a row once in 1e8; a quieter one needs stuck_after = 0."""

_NAME = re.compile(rb"(?=.*[G-Z])[A-Z][ -~]{1,31}")
_TENTHS = re.compile(rb"-[0-9]{4}|[0-9]{5}")
_THOUSANDTHS = re.compile(rb"[0-9]{4}")
_DIGIT = re.compile(rb"[0-9]")
_SERIAL = re.compile(rb"[0-9A-F]{4,8}")
_SCALE = re.compile(rb"[01]|no")
_ANSWER = re.compile(rb"ok|no")
_RANGE = re.compile(rb"[0-9A-F]{8}")


def signed(digits: bytes) -> int:
    """Return four hexadecimal digits as a number from -32768 to 32767."""
    return (int(digits, 16) ^ 0x8000) - 0x8000


def is_name(reply: bytes) -> bool:
    """Return whether this is the answer to `na` and to nothing else: numbers and hex digits are no names."""
    return bool(_NAME.fullmatch(reply))


class ImpacUPP(Instrument):
    """The pyrometer of a lamp."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """The head's address and how it looks; stuck_after [s] without any change it counts as stuck (0: never)."""

        address: Annotated[int, Field(ge=0, le=97)] = 0
        emissivity: Annotated[float, Field(ge=EMISSIVITY_LOW, le=EMISSIVITY_HIGH), Unit("1")] = 0.85
        exposure: Annotated[int, Field(ge=0, le=6)] = 0
        stuck_after: Annotated[float, Field(ge=0, le=86400), Unit("s")] = 60.0

    kind_name = "IMPAC pyrometer"
    sync: ClassVar[Sync | None] = Sync(ANY_ADDRESS + b"na\r", CARRIAGE_RETURN, is_name)

    temperature = Component(Quantity, get="read_temperature", unit="K", precision=1, kind="normal")
    emissivity = Component(
        Quantity,
        get="read_emissivity",
        set="set_emissivity",
        unit="1",
        precision=3,
        low=EMISSIVITY_LOW,
        high=EMISSIVITY_HIGH,
        kind="config",
    )

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        address: int = 0,
        emissivity: float = 0.85,
        exposure: int = 0,
        stuck_after: float = 60.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self._address = b"%02d" % address
        self._emissivity, self._exposure, self._stuck_after = emissivity, exposure, stuck_after
        self._range: tuple[float, float] | None = None
        self._unmoved: tuple[float, float, int] | None = None

    def identify(self) -> str:
        """Return the head's name and serial number, which it must tell on the address of the bench file."""

        def parse(reply: bytes) -> str:
            if not is_name(reply):
                raise Garbled(
                    f"{self.name}: {reply!r} is not the name of a pyrometer; look at what is on this address"
                )
            return reply.decode().strip()

        name = self.wire.ask(ANY_ADDRESS + b"na\r", CARRIAGE_RETURN, parse, repeat=True)
        return f"{name}, serial number {self._ask(b'sn', _SERIAL).decode()}"

    def prepare(self) -> None:
        """Set emissivity and exposure time, read both back, read the range. Raises LimitError, InstrumentError."""
        self.set_emissivity(self._emissivity)
        if not 0 <= self._exposure <= 6:
            raise LimitError(f"{self.name} exposure", self._exposure, "1", 0, 6)
        self._set(b"ez", b"%d" % self._exposure, _DIGIT)
        self._range = self.read_range()
        self._unmoved = None

    def set_emissivity(self, emissivity: float) -> None:
        """Set the emissivity [1] and read it back. Raises LimitError (nothing sent), InstrumentError."""
        if not EMISSIVITY_LOW <= emissivity <= EMISSIVITY_HIGH:
            raise LimitError(f"{self.name} emissivity", emissivity, "1", EMISSIVITY_LOW, EMISSIVITY_HIGH)
        self._set(b"em", b"%04d" % round(emissivity * 1000), _THOUSANDTHS)
        self._emissivity = emissivity

    def read_emissivity(self) -> float:
        """Return the emissivity [1] it calculates with."""
        return int(self._ask(b"em", _THOUSANDTHS)) / 1000

    def read_range(self) -> tuple[float, float]:
        """Return the ends of the basic range [K]. Raises InstrumentError when the head shows Fahrenheit."""
        # Heads that know one scale only refuse the question.
        if self._ask(b"fh", _SCALE) == b"1":
            raise InstrumentError(self.name, "fh1", "it shows degrees Fahrenheit; set the head to Celsius")
        found = self._ask(b"mb", _RANGE)
        start, end = signed(found[:4]) + CELSIUS_ZERO, signed(found[4:]) + CELSIUS_ZERO
        if not 0 < start < end:
            raise InstrumentError(self.name, "mb", f"its range cannot be {start:g} to {end:g} K")
        return start, end

    def read_temperature(self) -> float:
        """Return the temperature [K] it sees now. Raises InstrumentError when it has none, Garbled when none agree."""
        if self._range is None:
            self._range = self.read_range()
        start, end = self._range
        temperature = self._agreed()
        # The start itself is what all colder things look like; a tenth of a K is its step.
        if temperature < start + 1.5 / TENTHS:
            raise InstrumentError(
                self.name, "below", f"what it looks at is colder than its range, which begins at {start:g} K"
            )
        if temperature > end:
            raise InstrumentError(self.name, "range", f"{temperature:g} K is above its range, {end:g} K")
        self._raise_if_stuck(temperature)
        return temperature

    def safe(self) -> None:
        """Do nothing: a pyrometer only looks."""

    def _agreed(self) -> float:
        last = None
        for _ in range(READINGS):
            reply = self._ask(b"ms", _TENTHS)
            if reply == last and reply in CODES:
                raise InstrumentError(self.name, reply.decode(), CODES[reply])
            numbers = last is not None and not {reply, last} & CODES.keys()
            if numbers and abs(int(reply) - int(last or b"0")) <= AGREEMENT * TENTHS:
                return int(reply) / TENTHS + CELSIUS_ZERO
            last = reply
        raise Garbled(f"{self.name}: no two of {READINGS} readings agree; none was taken")

    def _raise_if_stuck(self, temperature: float) -> None:
        now = self.clock.now()
        if self._unmoved is None or self._unmoved[0] != temperature:
            self._unmoved = (temperature, now, 1)
            return
        since, count = self._unmoved[1], self._unmoved[2] + 1
        self._unmoved = (temperature, since, count)
        if self._stuck_after and now - since >= self._stuck_after and count >= FEWEST_STUCK:
            raise InstrumentError(
                self.name,
                "stuck",
                f"it has shown {temperature:.1f} K and nothing else for {now - since:.0f} s; look at the head",
            )

    def _set(self, letters: bytes, value: bytes, form: re.Pattern[bytes]) -> None:
        """Set a value and read it back; once more when it differs, since either may be garbled."""
        for _ in range(2):
            answer = self._ask(letters + value, _ANSWER)
            found = self._ask(letters, form)
            if found == value:
                return
        asked = (letters + value).decode()
        raise InstrumentError(
            self.name,
            answer.decode(),
            f"asked for {asked}, it stays at {found.decode()}; its range may be narrower",
        )

    def _ask(self, request: bytes, form: re.Pattern[bytes]) -> bytes:
        def parse(reply: bytes) -> bytes:
            if not form.fullmatch(reply):
                raise Garbled(f"{self.name}: {reply!r} is no answer to {request!r}; it was thrown away")
            return reply

        return self.wire.ask(self._address + request + b"\r", CARRIAGE_RETURN, parse, repeat=True)
