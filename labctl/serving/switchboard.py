"""The switchboard of a twin server: which wire leads to which part, and what befalls it on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from devices.ports import spoiled
from labctl.serving.faults import FaultPlayer, PlannedFault
from labctl.serving.links import Link
from labctl.serving.streams import Stream

DRIBBLE = 1e-3
"""Seconds between the bytes of a reply that dribbles; about those of 9600 baud."""


STANDING: Mapping[str, Mapping[str, Any]] = {
    "silent": {"trouble": "ignore"},
    "slow": {"trouble": "delay", "lasts": 1.0},
    "garbled": {"trouble": "garble", "share": 0.1},
    "dribbling": {"trouble": "dribble"},
}
"""What befalls every exchange of a wire while it is on, by the name it is switched by."""


class Served(Protocol):
    """What is behind the switchboard; a wire is named as its part is, "lamp.charger"."""

    def now(self) -> float:
        """Return the time of the bench [s]."""

    def reply(self, part: str, stream: Stream, data: bytes) -> bytes:
        """Give to a part what a client said; return what it answers."""

    def power_cycle(self, part: str) -> None:
        """Switch a part off and on."""

    def note(self, where: str, event: str, text: str = "") -> None:
        """Write into the black box."""


class Switchboard:
    """Links, by the wire they are; a fault stands on its wire, whatever part that leads to. latency [s] of replies."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, player: FaultPlayer, served: Served, latency: float
    ) -> None:
        self._loop, self._player, self._served, self._latency = loop, player, served, latency
        self._links: dict[str, Link] = {}
        self._leads_to: dict[str, str] = {}
        self._spoke_last: dict[str, Stream] = {}
        self._deaf: set[str] = set()
        self._standing: dict[str, PlannedFault] = {}
        self._ends: list[asyncio.TimerHandle] = []

    def add(self, wire: str, link: Link) -> None:
        """Let clients come on a wire."""
        self._links[wire], self._leads_to[wire] = link, wire
        link.open()

    def address(self, wire: str) -> str:
        """Return where clients find a wire, as a bench file writes it."""
        return self._links[wire].address

    def close(self) -> None:
        """Hang up on everybody."""
        for end in self._ends:
            end.cancel()
        for link in self._links.values():
            link.cut()

    def heard(self, wire: str, stream: Stream, data: bytes) -> None:
        """Take what a client said, and send back what the faults leave of the answer."""
        self._spoke_last[wire] = stream
        faults = self._player.befalls(wire, self._served.now())
        for fault in faults:
            if fault.mishap:
                self._befall(fault)
        trouble = next((fault for fault in faults if not fault.mishap), self._standing.get(wire))
        if trouble is not None:
            self._served.note(wire, f"fault: {trouble.trouble}", repr(data))
        lost = any(fault.trouble in ("disconnect", "power_cycle") for fault in faults)
        if lost or wire in self._deaf or (trouble is not None and trouble.trouble == "ignore"):
            self._served.note(wire, "not heard", repr(data))
        else:
            self._send(wire, stream, self._served.reply(self._leads_to[wire], stream, data), trouble)

    def forward(self) -> None:
        """Send on what parts have said unasked, to whoever spoke last on their wires."""
        for wire, stream in self._spoke_last.items():
            if wire not in self._deaf and not stream.closed:
                self._send(wire, stream, self._served.reply(self._leads_to[wire], stream, b""), None)

    def befall_due(self) -> None:
        """Do what is due to befall links and parts by now."""
        for fault in self._player.mishaps(self._served.now()):
            self._befall(fault)

    def turn(self, wire: str, kind: str, on: bool) -> None:
        """Let something befall a wire until it is turned off: one of STANDING, or unplugged, or unpowered."""
        if kind == "unplugged":
            (self._links[wire].cut if on else self._links[wire].open)()
        elif kind == "unpowered":
            (self._deaf.add if on else self._deaf.discard)(wire)
            # Off it does nothing; on again it begins anew.
            self._served.power_cycle(self._leads_to[wire])
        elif on:
            self._standing[wire] = PlannedFault(part=wire, exchange=1, **STANDING[kind])
        else:
            self._standing.pop(wire, None)

    def next_due(self) -> float | None:
        """Return when [s] the next such thing is due."""
        return self._player.next_mishap()

    def _send(self, wire: str, stream: Stream, reply: bytes, trouble: PlannedFault | None) -> None:
        if trouble is None or not reply:
            stream.send(reply, self._latency)
        elif trouble.trouble == "dribble":
            for number, byte in enumerate(reply):
                stream.send(bytes([byte]), self._latency + number * DRIBBLE)
        else:
            fault = trouble.of_exchange
            left = spoiled(reply, fault, self._player.chance(wire))
            stream.send(left, self._latency + fault.delay)

    def _befall(self, fault: PlannedFault) -> None:
        """Do what befalls a link or a part as a whole, and see to it that it ends."""
        self._served.note(fault.part, f"fault: {fault.trouble}", f"with {fault.other}" if fault.other else "")
        match fault.trouble:
            case "disconnect":
                self._links[fault.part].cut()
                self._until_over(fault, self._links[fault.part].open)
            case "power_cycle":
                self._served.power_cycle(self._leads_to[fault.part])
                if fault.lasts:
                    self._deaf.add(fault.part)
                    self._until_over(fault, lambda: self._deaf.discard(fault.part))
            case "swap":
                self._swap(fault)
                if fault.lasts:
                    self._until_over(fault, lambda: self._swap(fault))

    def _swap(self, fault: PlannedFault) -> None:
        one, other = fault.part, str(fault.other)
        self._leads_to[one], self._leads_to[other] = self._leads_to[other], self._leads_to[one]

    def _until_over(self, fault: PlannedFault, action: Callable[[], None]) -> None:
        def end() -> None:
            action()
            self._served.note(fault.part, f"end of fault: {fault.trouble}")

        self._ends.append(self._loop.call_later(fault.lasts, end))
