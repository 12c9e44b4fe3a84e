"""Velleman K8090 board of eight relays, for shutters and valves.

Control: each relay by its name, on and off.
Get:     firmware, which relays are on.

Frames of seven bytes: 04, command, mask, two parameters, sum, 0F; the sum makes all before it zero modulo 256, so two
bytes that make up for one another are not seen. A relay that is switched says so only when it really toggles, and one
that toggles by itself (a button on the board, a timer) says so too, in the same words that answer a question. So
silence is no error, nothing is believed but an answer, and what was said before a question is kept from being taken for
it: the firmware is asked first, whose answer comes behind all that was said before.

A lost host: the relays stay as they are. What closes shutters then is the supply of their coils.

Source: PyMeasure, velleman/velleman_k8090.py and its tests; contents of the maker's K8090 protocol manual. Not yet seen
on hardware: everything; above all how long after a command its toggle is reported (PyMeasure finds reports missing).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from ophyd import Component
from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody_may
from devices.clock import Clock
from devices.errors import InstrumentError, WireError
from devices.quantities import STRICT
from devices.wire import Sync, Wire

START, END, LENGTH = 0x04, 0x0F, 7
ON, OFF, ASK, STATUS, FIRMWARE = 0x11, 0x12, 0x18, 0x51, 0x71
ALL = 0xFF

RelayName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
RelayNumber = Annotated[int, Field(ge=1, le=8)]


def frame(command: int, mask: int = 0) -> bytes:
    """Return a whole request."""
    content = bytes((START, command, mask, 0, 0))
    return content + bytes((-sum(content) & 0xFF, END))


def is_whole(reply: bytes) -> bool:
    """Return whether seven bytes are a frame whose sum is right."""
    return reply[0] == START and reply[6] == END and not sum(reply[:6]) & 0xFF


class Frames:
    """The first frame of one kind; those of other kinds before it, and bytes outside frames, are thrown away."""

    def __init__(self, command: int) -> None:
        self.command = command

    def take(self, buffer: bytearray) -> bytes | None:
        """Take it with all that stands before it."""
        while len(buffer) >= LENGTH:
            found = bytes(buffer[:LENGTH])
            if not is_whole(found):
                del buffer[0]
                continue
            del buffer[:LENGTH]
            if found[1] == self.command:
                return found
        return None


IDENTIFY, QUESTION = frame(FIRMWARE), frame(ASK)
FIRMWARES, STATES = Frames(FIRMWARE), Frames(STATUS)


class VellemanK8090(Instrument):
    """Relays by their names."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """relays: numbers on the board by what they switch."""

        relays: Annotated[dict[RelayName, RelayNumber], Field(min_length=1, max_length=8)]

    kind_name = "Velleman K8090"
    sync: ClassVar[Sync | None] = Sync(IDENTIFY, FIRMWARES, lambda reply: reply[1] == FIRMWARE)

    mask = Component(Quantity, get="read_mask", unit="1", precision=0, kind="normal")

    def __init__(
        self, wire: Wire, clock: Clock, *, name: str, relays: Mapping[str, int], **kwargs: Any
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.guard: Callable[[str], None] = anybody_may
        self.guard_off: Callable[[str], None] = anybody_may
        self._bits = {relay: 1 << number - 1 for relay, number in relays.items()}

    def identify(self) -> str:
        """Return make and the date of its firmware."""
        found = self.wire.ask(IDENTIFY, FIRMWARES, repeat=True)
        return f"Velleman K8090, firmware of week {found[4]} of {2000 + found[3]}"

    def names(self) -> frozenset[str]:
        """Return the names of its relays."""
        return frozenset(self._bits)

    def switch(self, name: str, on: bool) -> None:
        """Switch one relay and read it back; once more where it did not follow, since the request may be lost.

        Raises KeyError for a name it does not have, what the guard raises (before each time that ON is sent; that of
        off before OFF), InstrumentError when the relay does not follow.
        """
        bit = self._bits[name]
        for _ in range(2):
            (self.guard if on else self.guard_off)(name)
            self.wire.tell(frame(ON if on else OFF, bit))
            if bool(self.read_mask() & bit) is on:
                return
        wanted = "on" if on else "off"
        raise InstrumentError(self.name, name, f"relay {name!r} was switched {wanted} and does not follow")

    def states(self) -> Mapping[str, bool]:
        """Return which are on."""
        mask = self.read_mask()
        return {name: bool(mask & bit) for name, bit in self._bits.items()}

    def safe(self) -> None:
        """Switch off everything, those without a name too; on a dead wire OFF is sent blind twice.

        Raises InstrumentError when one does not follow.
        """
        for _ in range(2):
            self.wire.tell(frame(OFF, ALL))
            try:
                left = self.read_mask()
            except WireError:
                self.wire.tell(frame(OFF, ALL))
                raise
            if not left:
                return
        stuck = [name for name, bit in self._bits.items() if left & bit] or [f"mask {left:02X}"]
        raise InstrumentError(self.name, "12", f"{', '.join(stuck)} stay on after OFF was sent twice")

    def read_mask(self) -> int:
        """Return which relays are on, the first one in the lowest bit."""
        self.wire.ask(IDENTIFY, FIRMWARES, repeat=True)
        return self.wire.ask(QUESTION, STATES, repeat=True)[3]
