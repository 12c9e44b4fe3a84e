"""The desk where faults of a served bench are switched on and off by name, while it runs.

One JSON object a line on the socket `control`: {"do": "list"} or {"do": "switch", "name": "lamp.tube_dark", "on": true,
"after": 5.0, "lasts": 10.0, "seed": 7}; the reply is {"faults": [...]}, {"done": "in words"} or {"refused": "why"}.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from devices.errors import LabError
from labctl.config.checking import nearest

CONTROL = "control"
"""The socket in the server's folder."""

PATIENCE = 10.0
"""Seconds that a server may take to answer, on a machine that does much else."""

ON_WIRES: Mapping[str, str] = {
    "silent": "it hears nothing that is said",
    "slow": "it answers a second late",
    "garbled": "a tenth of its bytes is wrong",
    "dribbling": "it answers byte by byte",
    "unplugged": "its cable is out",
    "unpowered": "it is off; on again it begins anew",
}
"""What may befall every wire, in words."""

ON_STATIONS: Mapping[str, str] = {
    "contact_open": "a contact of the interlock loop is open",
    "tube_dark": "the lamp does not light",
    "charger_trip": "the charger latches a fault; its host resets it",
    "lead_off": "a lead is off the cell",
    "usb_unplugged": "the instrument's own cable is out",
    "turbo_slowing": "the turbo pump's rotor slows down",
    "water_leak": "air's water leaks in, some 1e-4 Pa of it",
    "valve_stuck": "the throttle valve stays where it is",
    "end_switch_dead": "a switch that shows where a shutter is closes no more, wherever that is",
    "mfc_dead": "its flow controller gives nothing",
    "mfc_stuck": "its flow controller stays at what it gives",
    "shutter_stuck_open": "the shutter does not close",
    "shutter_stuck_closed": "the shutter does not open",
    "control_lost": "its supply lets go of the host's control",
    "heater_dead": "the substrate heater gives no heat, whatever is set",
    "crystal_failing": "the monitor reads less and less of what there is, and its rate jumps",
    "crystal_dead": "the monitor's crystal oscillates no more",
    "no_ignition": "its plasma does not light",
    "arc_storm": "it arcs all the time",
    "match_stuck": "its match does not move",
    "target_crack": "its target is cracked",
    "boat_empty": "nothing is left in the boat; off, it holds a gram again",
    "sensor_broken": "the thermocouple is broken",
    "sensor_high": "the thermocouple reads 20 K too much",
}
"""What may befall stations, in words; of others their name says it."""


@dataclass(frozen=True)
class Row:
    """One fault: its name, whether it is on, what it is, and when it comes or goes by itself [s from now]."""

    name: str
    on: bool
    what: str
    due: float | None = None


class Troubled(Protocol):
    """What the desk acts on: a server."""

    def now(self) -> float:
        """Return the time of the bench [s]."""

    def note(self, where: str, event: str, text: str = "") -> None:
        """Write into the black box."""


@dataclass(frozen=True)
class Switch:
    """How one fault is switched: what it is in words, and what that does."""

    what: str
    turn: Callable[[bool], object]


class TroubleDesk:
    """The server's side; everything here runs on the loop's thread."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, server: Troubled, switches: Mapping[str, Switch]
    ) -> None:
        self._loop, self._server, self._switches = loop, server, dict(switches)
        self._on: set[str] = set()
        self._due: dict[str, list[tuple[float, asyncio.TimerHandle]]] = {}

    def answer(self, line: bytes) -> bytes:
        """Carry out one request and return its reply."""
        reply: Mapping[str, Any]
        try:
            request = json.loads(line)
            if request["do"] == "list":
                reply = {"faults": [asdict(row) for row in self.rows()]}
            elif request["do"] == "switch":
                del request["do"]
                reply = {"done": self.switch(**request)}
            else:
                reply = {"refused": f"do = {request['do']!r} is not one of list, switch"}
        except (ValueError, KeyError, TypeError, LabError) as error:
            reply = {"refused": str(error) if isinstance(error, ValueError | LabError) else repr(error)}
        return json.dumps(reply).encode() + b"\n"

    def rows(self) -> Iterator[Row]:
        """Yield every fault."""
        for name, switch in self._switches.items():
            due = min((at for at, _ in self._due.get(name, ())), default=None)
            yield Row(
                name,
                name in self._on,
                switch.what,
                None if due is None else round(due - self._loop.time(), 3),
            )

    def switch(
        self,
        name: str,
        on: bool,
        after: float = 0.0,
        lasts: float | None = None,
        seed: int | None = None,
    ) -> str:
        """Switch a fault now, or in `after` seconds; with a seed at a time drawn with that mean. Return it in words.

        on False also forgets what was to come. Raises ValueError for a name that is none, with the nearest one.
        """
        if name not in self._switches:
            raise ValueError(
                f"no such fault {name!r}{nearest(name, list(self._switches))}; see labctl twin faults"
            )
        if not 0 <= after < float("inf") or not (lasts is None or 0 < lasts < float("inf")):
            raise ValueError("after and lasts are times from now on")
        if seed is not None and after:
            after *= random.Random(f"{seed}/{name}").expovariate(1.0)
        if not on:
            self._forget(name)
        if after:
            self._later(name, after, on)
        else:
            self._turn(name, on)
        if on and lasts is not None:
            self._later(name, after + lasts, False)
        when = f" in {after:.3g} s" if after else ""
        until = f", for {lasts:g} s" if on and lasts is not None else ""
        return f"{name} {'on' if on else 'off'}{when}{until}"

    def close(self) -> None:
        """Let nothing come any more."""
        for name in list(self._due):
            self._forget(name)

    def _turn(self, name: str, on: bool) -> None:
        if on == (name in self._on):
            return
        self._server.note(name, "fault on" if on else "fault off", self._switches[name].what)
        self._switches[name].turn(on)
        (self._on.add if on else self._on.discard)(name)

    def _later(self, name: str, delay: float, on: bool) -> None:
        at = self._loop.time() + delay

        def come() -> None:
            self._due[name] = [each for each in self._due[name] if each[0] != at]
            self._turn(name, on)

        self._due.setdefault(name, []).append((at, self._loop.call_later(delay, come)))

    def _forget(self, name: str) -> None:
        for _, handle in self._due.pop(name, []):
            handle.cancel()


def ask(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the server of a folder; return its reply. Raises LabError when there is none, or as it refuses."""
    path = folder / CONTROL
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            reply: dict[str, Any] = json.loads(connection.makefile("rb").readline())
    except (OSError, ValueError) as error:
        raise LabError(
            f"nobody serves twins in {folder} ({error}); begin with `labctl twin serve`, or name its folder with --dir"
        ) from error
    if "refused" in reply:
        raise LabError(f"the twin server refused: {reply['refused']}")
    return reply


def of_station(
    name: str, book: Any, touch: Callable[[], object], now: Callable[[], float]
) -> dict[str, Switch]:
    """Return the switches of a station's own faults: "lamp.contact_open.door"."""

    def turner(fault: str, of: str) -> Callable[[bool], object]:
        def turn(on: bool) -> None:
            touch()
            (book.begin if on else book.end)(fault, now(), of)

        return turn

    return {
        ".".join(filter(None, (name, fault, of.replace(" ", "_")))): Switch(
            f"{ON_STATIONS.get(fault, fault.replace('_', ' '))}{f': {of}' if of else ''}", turner(fault, of)
        )
        for fault, kind in book.faults.items()
        for of in kind.of
    }


def on_wire(wire: str, turn: Callable[[str, str, bool], object], kinds: Sequence[str]) -> dict[str, Switch]:
    """Return the switches of what may befall a wire: "lamp.charger.silent"."""

    def turner(kind: str) -> Callable[[bool], object]:
        return lambda on: turn(wire, kind, on)

    return {f"{wire}.{kind}": Switch(ON_WIRES[kind], turner(kind)) for kind in kinds}
