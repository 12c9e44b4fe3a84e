"""ICP DAS I-7050 digital input and output module, as a board of permissives, or of end switches alone.

Control: its own contact in the interlock loop (DO0), kept closed by a host watchdog: the dead-man; reset of a trip.
         Where a station has set a guard, it says who may close, feed or forget.
Get:     module name, contacts of the loop (DI0 and on, in the order of `contacts`), which of them were open since
         they were last forgotten (latched by the module itself), watchdog status, whether it was switched off;
         end switches of shutters (on the inputs after the contacts, in the order of `ends`).
Measure: flashes, counted on DI6 from a photodiode's pulse stretcher; 0 to 65535, then 0 again.
Set:     watchdog of 2 s while the contact is closed.

A request ends with a checksum (sum of its bytes modulo 256, two upper-case hex digits) and CR, and so does a reply. A
closed contact pulls its input to ground, which reads 0 and permits: a cable pulled out does not. When the host is
silent for 2 s, the module opens its outputs by itself and refuses to close them until its status is reset. The open
loop raises the INHIBIT input of the trigger generator.

Source: I-7000 DIO manual rev. B1.2, sections 2.3 to 2.23; 2.7 and 3.4 for $AA5: its reset status is 1 at the first
question after power-up or after a reset by its own watchdog, either of which begins the counter anew, 0 afterwards.
Not yet seen on hardware: everything; above all which byte of the reply to @AA is outputs (the first; enable() would
notice), that the reply to $AAL1 has its bytes in the same order, and that the checksum is switched on.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from ophyd import Component
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.base import Instrument, Quantity, anybody_may
from devices.clock import Clock
from devices.errors import Garbled, InstrumentError, InterlockError, WireError
from devices.quantities import STRICT
from devices.roles.lamp_parts import BoardDeed
from devices.wire import Sync, Terminated, Wire

T = TypeVar("T")

CARRIAGE_RETURN = Terminated(b"\r")
WATCHDOG = 20
"""Tenths of a second of silence after which the contact opens: 2 s [safety budget of the lab]."""
OWN_CONTACT = 1
TRIPPED = 0x04
FLASH_INPUT = 6
DEAD_MAN = "dead_man"
HOST_IS_WELL = b"~**"


def checked(content: bytes) -> bytes:
    """Return a request or reply with its checksum, without CR."""
    return content + b"%02X" % (sum(content) % 256)


def content_of(reply: bytes) -> bytes:
    """Return a reply without its checksum. Raises Garbled."""
    content = reply[:-2]
    if checked(content) != reply:
        raise Garbled(f"{reply!r} fails its checksum; it was thrown away")
    return content


def is_name(reply: bytes) -> bool:
    """Return whether this is the answer to $AAM and to nothing else."""
    return re.fullmatch(rb"![0-9A-F]{2}7050D?", reply[:-2]) is not None and checked(reply[:-2]) == reply


Contact = Literal["door", "shutter", "water", "chuck", "cell", "cover"]
"""What a contact may be: a word that no station knows would watch nothing."""
End = Literal[
    "shutter_open",
    "shutter_closed",
    "gun1_open",
    "gun1_closed",
    "gun2_open",
    "gun2_closed",
    "gun3_open",
    "gun3_closed",
    "gun4_open",
    "gun4_closed",
]
"""What an end switch may say: that the substrate's shutter, or that of a gun, has come to that end. It lies beside the
interlock loop."""


class ICPDAS7050(Instrument):
    """The board of permissives."""

    @dataclass(frozen=True, config=STRICT)
    class Parameters:
        """contacts: what is on DI0, DI1 and so on, by the names of permissives; ends: end switches, on the inputs that
        follow. A board of end switches alone has contacts = [] and lies in no loop. The module's address is 01."""

        contacts: Annotated[tuple[Contact, ...], Field(max_length=FLASH_INPUT)] = (
            "door",
            "shutter",
            "water",
            "chuck",
            "cell",
        )
        ends: Annotated[tuple[End, ...], Field(max_length=FLASH_INPUT)] = ()

        @model_validator(mode="after")
        def _has_room(self) -> Self:
            if not 1 <= len(self.contacts) + len(self.ends) <= FLASH_INPUT:
                raise ValueError(
                    f"contacts and ends are one input at the least, {FLASH_INPUT} inputs at the most"
                )
            return self

    kind_name = "ICP DAS I-7050"
    sync: ClassVar[Sync | None] = Sync(checked(b"$01M") + b"\r", CARRIAGE_RETURN, is_name)

    flash_count = Component(Quantity, get="flashes", unit="1", precision=0, kind="normal")

    def __init__(
        self,
        wire: Wire,
        clock: Clock,
        *,
        name: str,
        contacts: tuple[str, ...] = ("door", "shutter", "water", "chuck", "cell"),
        ends: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(wire, clock, name=name, **kwargs)
        self.contacts, self.end_switches = tuple(contacts), tuple(ends)
        self.guard: Callable[[BoardDeed], None] = anybody_may

    def identify(self) -> str:
        """Return what it calls itself."""
        return f"ICP DAS I-{self._ask(b'$01M', rb'!01(7050D?)', lambda found: found[1].decode())}"

    def inputs(self) -> dict[str, bool]:
        """Return for each contact by name whether it is closed, and for the dead-man whether it has not tripped."""
        word = self._word()
        closed = {name: not word >> channel & 1 for channel, name in enumerate(self.contacts)}
        return {**closed, DEAD_MAN: not self._status() & TRIPPED}

    def ends(self) -> dict[str, bool]:
        """Return for each end switch by name whether it is made; nothing is asked where there is none."""
        if not self.end_switches:
            return {}
        word, first = self._word(), len(self.contacts)
        return {name: not word >> channel & 1 for channel, name in enumerate(self.end_switches, first)}

    def opened(self) -> frozenset[str]:
        """Return the contacts that were open, however shortly, since forget(): open reads high, and is latched."""
        high = self._ask(b"$01L1", rb"!([0-9A-F]{2})([0-9A-F]{2})00", lambda found: int(found[2], 16))
        return frozenset(name for channel, name in enumerate(self.contacts) if high >> channel & 1)

    def forget(self) -> None:
        """Forget which contacts were open; one that is open now stays so for inputs()."""
        self.guard("forget")
        self._ask(b"$01C", rb"!01", bool)

    def enable(self) -> None:
        """Close the own contact for as long as alive() is called at least every 2 s.

        Raises InterlockError when the watchdog tripped before and nobody has reset it; what the guard raises.
        """
        self.guard("close")
        if self._status() & TRIPPED:
            raise InterlockError(
                "dead_man",
                f"{self.name}: the watchdog tripped earlier; a person must reset it, nothing was closed",
            )
        self._ask(b"~0131%02X" % WATCHDOG, rb"!01", bool)
        self._feed()
        self._put(OWN_CONTACT)

    def alive(self) -> None:
        """Say that the host lives; nothing answers. Raises what the guard raises."""
        self.guard("feed")
        self._feed()

    def flashes(self) -> int:
        """Return how many flashes it has counted, modulo 65536; it goes on when the host does not."""
        return self._ask(b"#01%d" % FLASH_INPUT, rb"!01([0-9]{5})", lambda found: int(found[1]))

    def was_off(self) -> bool:
        """Return whether it was switched off since this was last asked, so that its count began anew.

        It forgets on reading: asked once, and True as well where the answer was lost.
        """
        try:
            return self._ask(b"$015", rb"!01([01])", lambda found: found[1] == b"1", repeat=False)
        except WireError:
            return True

    def reset(self) -> None:
        """Clear a watchdog that has tripped and forget which contacts were open; the own contact stays open."""
        self.guard("forget")
        self._ask(b"~011", rb"!01", bool)
        self.forget()

    def safe(self) -> None:
        """Open the own contact, then switch the watchdog off, which would trip without a host."""
        self._put(0)
        self._ask(b"~0130%02X" % WATCHDOG, rb"!01", bool)

    def _put(self, outputs: int) -> None:
        """Set the outputs and read them back; a module whose watchdog has tripped has opened them already."""
        self._ask(b"@01%02X" % outputs, rb"[>!]", bool)
        found = self._ask(b"@01", rb">([0-9A-F]{2})([0-9A-F]{2})", lambda found: int(found[1], 16))
        if found != outputs:
            raise InstrumentError(
                self.name, "@01", f"outputs {outputs:02X} were asked for, it says {found:02X}"
            )

    def _word(self) -> int:
        """Return the input byte: a closed contact reads 0."""
        return self._ask(b"@01", rb">([0-9A-F]{2})([0-9A-F]{2})", lambda found: int(found[2], 16))

    def _feed(self) -> None:
        self.wire.tell(checked(HOST_IS_WELL) + b"\r")

    def _status(self) -> int:
        return self._ask(b"~010", rb"!01([0-9A-F]{2})", lambda found: int(found[1], 16))

    def _ask(
        self, request: bytes, form: bytes, meaning: Callable[[re.Match[bytes]], T], *, repeat: bool = True
    ) -> T:
        """Ask what may be asked twice: every request but one says how things shall be, not what to change."""

        def parse(reply: bytes) -> T:
            content = content_of(reply)
            found = re.fullmatch(form, content)
            if found is None and content.startswith(b"?"):
                raise InstrumentError(self.name, "?", f"{request!r} is not valid for this module")
            if found is None:
                raise Garbled(f"{self.name}: {reply!r} is not the reply that was due; it was thrown away")
            return meaning(found)

        return self.wire.ask(checked(request) + b"\r", CARRIAGE_RETURN, parse, repeat=repeat)
