"""INFICON SQM-160 thickness monitor with a quartz crystal, RS-232.

Control: zero of the thickness.
Get:     firmware, film parameters, range of the crystal's frequency.
Measure: rate [m/s] in 1e-13, thickness [m] in 1e-13, frequency [Hz], all sensors in one question; life from the
         frequency and the range it may have.
Set:     density in [500, 99 990] kg/m3, ratio of acoustic impedances in [0.1, 9.999], tooling in [0.1, 3.99]; all read
         back. The monitor takes density in 10 kg/m3 and tooling in whole per cent: what that rounds off is made up for
         here, so its own display differs by that. It is set to angstrom, to fine rates, and not to simulate.

A message is `!`, its length + 34 (in replies + 35), the message (in replies after a status), and a checksum of 14 bits
in two bytes: beginning with 3FFF, each byte is xored in, then eight times shifted right and xored with 2001 where a one
fell out; the low and the high seven bits, each + 34, so they exceed 127 and no byte but the first is `!`.

Sources: PyMeasure (with pairs of bytes from the manual), the package sqm160 (film and system parameters, chapter 8.4 of
the manual), both used on hardware. Not yet seen on hardware here: everything; above all what a dead crystal shows (0 Hz
is a guess) and the unit of thickness (angstrom, as users report; the front panel shows kA).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, TypeVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, LimitError
from devices.quantities import STRICT
from devices.sputter.parts import MonitorReading
from devices.wire import Sync, Wire

T = TypeVar("T")

ANGSTROM = 1e-10
STATUSES = {
    b"C": "invalid command",
    b"D": "problem with the data of the command",
    b"E": "not in this mode",
}
"""Instead of A (done) or B (done, and it was reset)."""

DENSITY, Z_RATIO, TOOLING = (500.0, 99_990.0), (0.1, 9.999), (0.1, 3.99)
"""What it takes [kg/m3, 1, 1]."""

NEW_CRYSTAL = 1.01
"""Share of the highest frequency up to which a crystal counts as one: new ones are not exactly at it."""


def _shifted(byte: int) -> int:
    """Return what eight shifts make of a byte."""
    for _ in range(8):
        byte = (byte >> 1) ^ 0x2001 if byte & 1 else byte >> 1
    return byte


SHIFTED = tuple(_shifted(byte) for byte in range(256))


def checksum(content: bytes) -> bytes:
    """Return the two bytes that end a message; content begins with its length."""
    crc = 0x3FFF
    for byte in content:
        crc = crc >> 8 ^ SHIFTED[(crc ^ byte) & 0xFF]
    return bytes((34 + (crc & 0x7F), 34 + (crc >> 7)))


def message(text: str) -> bytes:
    """Return a whole request."""
    content = bytes([34 + len(text)]) + text.encode("ascii")
    return b"!" + content + checksum(content)


class Packet:
    """Replies begin with `!` and say how long they are; the payload is all between `!` and the end."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Take the first whole reply; what stands before its `!`, or is cut short by another one, is dropped."""
        start = buffer.find(b"!")
        again = buffer.find(b"!", start + 1)
        while start >= 0 <= again and again - start < _size(buffer, start):
            start, again = again, buffer.find(b"!", again + 1)
        if start < 0 or len(buffer) - start < _size(buffer, start):
            return None
        end = start + _size(buffer, start)
        payload = bytes(buffer[start + 1 : end])
        del buffer[:end]
        return payload


def _size(buffer: bytearray, start: int) -> int:
    """Return how many bytes a reply has from its `!` on, at least five."""
    return max(5, buffer[start + 1] - 35 + 4) if len(buffer) > start + 1 else 5


PACKET = Packet()


def content_of(payload: bytes) -> bytes:
    """Return status and text of a reply. Raises Garbled."""
    if len(payload) != payload[0] - 35 + 3 or checksum(payload[:-2]) != payload[-2:]:
        raise Garbled(f"{payload!r} fails its checksum; it was thrown away")
    return payload[1:-2]


def is_firmware(payload: bytes) -> bool:
    """Return whether this is the answer to `@` and to nothing else."""
    return payload[2:].startswith(b"MON Ver") and checksum(payload[:-2]) == payload[-2:]


class InficonSQM160(Instrument):
    """The thickness monitor of a chamber."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """sensor: the input the crystal is on. film: the one of its 99 films that is overwritten and used."""

        sensor: Annotated[int, Field(ge=1, le=6)] = 1
        film: Annotated[int, Field(ge=1, le=99)] = 1

    kind_name = "INFICON SQM-160"
    sync: ClassVar[Sync | None] = Sync(message("@"), PACKET, is_firmware)

    film_rate = Component(Quantity, get="read_rate", unit="m/s", precision=15, kind="normal")
    film_thickness = Component(Quantity, get="read_thickness", unit="m", precision=14, kind="normal")
    frequency = Component(Quantity, get="read_frequency", unit="Hz", precision=3, kind="normal")

    def __init__(
        self, wire: Wire, clock: Clock, *, name: str, sensor: int = 1, film: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.sensor, self.film = sensor, film
        self.guard: Callable[[], None] = anybody
        self._made_up = 1.0
        self._range: tuple[float, float] | None = None

    def identify(self) -> str:
        """Return its firmware."""
        return f"INFICON SQM-160, {self._ask('@')}"

    def prepare(self, density: float, z_ratio: float, tooling: float) -> None:
        """Set the film: density [kg/m3], ratio of acoustic impedances [1], tooling [1]; read back.

        Raises LimitError and what the guard raises (nothing sent in both), InstrumentError.
        """
        given = {
            "density": (density, "kg/m^3", DENSITY),
            "z_ratio": (z_ratio, "1", Z_RATIO),
            "tooling": (tooling, "1", TOOLING),
        }
        for what, (value, unit, (low, high)) in given.items():
            if not low <= value <= high:
                raise LimitError(f"{self.name} {what}", value, unit, low, high)
        self.guard()
        self._prepare_system()
        rest = self._ask(f"A{self.film}?")[8:].split()[3:]
        set_density, set_tooling = f"{density / 1e3:.2f}", f"{100 * tooling:.0f}"
        wanted = [set_density, set_tooling, f"{z_ratio:.3f}", *rest]
        self._ask(f"A{self.film}{f'FILM {self.film}':8} {' '.join(wanted)}")
        self._ask(f"D{self.film}")
        found = self._ask(f"A{self.film}?")[8:].split()
        if found != wanted:
            raise InstrumentError(self.name, f"A{self.film}", f"{wanted} was asked for, it says {found}")
        self._made_up = 1e3 * float(set_density) / density * (100 * tooling) / float(set_tooling)

    def zero(self) -> None:
        """Count the thickness from now, if the guard allows. Where a reply is lost zero is so much later."""
        self.guard()
        self._ask("S")

    def read_film(self) -> MonitorReading:
        """Return the present reading. Raises InstrumentError, WireError."""

        def parse(text: str) -> tuple[float, float, float]:
            # Before the first sensor stands a number that means nothing.
            at = 3 * self.sensor - 2
            rate, thickness, frequency = (float(each) for each in text.split()[at : at + 3])
            return rate, thickness, frequency

        rate, thickness, frequency = self._exchange("W", parse)
        low, high = self._frequencies()
        ok = low < frequency <= NEW_CRYSTAL * high
        return MonitorReading(
            rate=rate * ANGSTROM * self._made_up,
            thickness=thickness * ANGSTROM * self._made_up,
            frequency=frequency,
            life=min(max((frequency - low) / (high - low), 0.0), 1.0),
            ok=ok,
        )

    def read_rate(self) -> float:
        """Return the rate [m/s]."""
        return self.read_film().rate

    def read_thickness(self) -> float:
        """Return the thickness [m] since the last zero."""
        return self.read_film().thickness

    def read_frequency(self) -> float:
        """Return the crystal's frequency [Hz]; 0 where none oscillates."""
        return self.read_film().frequency

    def safe(self) -> None:
        """Do nothing: it only looks."""

    def _prepare_system(self) -> None:
        """Set angstrom, fine rates and no simulation; read back. The crystal's own tooling stays as it is."""
        self._range = None
        values = self._ask("B?").split()
        wanted = [values[0], "0", "0", "1", *values[4:]]
        if values != wanted:
            self._ask(f"B {' '.join(wanted)}")
            found = self._ask("B?").split()
            if found != wanted:
                raise InstrumentError(self.name, "B", f"{wanted} was asked for, it says {found}")

    def _frequencies(self) -> tuple[float, float]:
        """Return the least and the most [Hz] a crystal may have, which is asked for once."""
        if self._range is None:
            low, high = (1e6 * float(each) for each in self._ask("C?").split()[:2])
            self._range = low, high
        return self._range

    def _ask(self, text: str) -> str:
        return self._exchange(text, str)

    def _exchange(self, text: str, meaning: Callable[[str], T]) -> T:
        """Ask or set what may be said twice: every request says how things shall be."""

        def parse(payload: bytes) -> T:
            content = content_of(payload)
            if content[:1] in STATUSES:
                raise InstrumentError(self.name, content[:1].decode(), f"{text!r}: {STATUSES[content[:1]]}")
            if content[:1] not in b"AB":
                raise Garbled(f"{self.name}: {content!r} has no status that is known; it was thrown away")
            try:
                return meaning(content[1:].decode("ascii"))
            except ValueError as error:
                raise Garbled(
                    f"{self.name}: {content!r} is no answer to {text!r}; it was thrown away"
                ) from error

        return self.wire.ask(message(text), PACKET, parse, repeat=True)
