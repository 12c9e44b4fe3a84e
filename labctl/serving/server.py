"""The twin server: a bench's twins on ports, one world behind them, one loop; all that happens is written down.

All of it runs on the thread of the clock's loop, so nothing is locked. Twins do what they do by themselves when it
is due, whether or not anybody talks: a timer stands on the next event of every station.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from devices.base import Instrument
from devices.bridges.squidstat import Connection, SquidstatBridge
from devices.errors import DataError, LabError
from devices.locks import PortLock
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.models import BenchFile, Part, StationEntry, World
from labctl.serving.black_box import BlackBox
from labctl.serving.faults import FaultPlayer, FaultScript
from labctl.serving.hands import ServedHands
from labctl.serving.links import Link, PtyLink, SocketLink
from labctl.serving.local_socket import LocalSocket
from labctl.serving.streams import Stream
from labctl.serving.switchboard import Switchboard
from labctl.serving.trouble_desk import CONTROL, ON_WIRES, Switch, TroubleDesk, of_station, on_wire
from labctl.twins import make_world, set_up_twins
from labctl.whole_file import write_whole

T = TypeVar("T")

LONGEST_WAIT = 0.05
"""Seconds after which every station is touched at the latest: what it streams is heard, and rows do not pile up."""

HANDS, BLACK_BOX, TABLE, SAMPLES = "hands", "black-box.jsonl", "table.json", "samples"
"""What stands in the server's folder, beside the links to serial lines."""


@dataclass(frozen=True)
class Row:
    """One line of the table: where a client finds a part, as a bench file writes it."""

    station: str
    part: str
    driver: str
    address: str


class TwinServer:
    """The twins of a bench, served from `folder` until close().

    table: where each part is. hands: the path of the socket for carrying samples.
    """

    def __init__(
        self,
        bench: BenchFile,
        folder: Path,
        clock: WallClock | VirtualClock,
        script: FaultScript | None = None,
        over: threading.Event | None = None,
    ) -> None:
        """Set up the world and open every port. Raises OwnershipError when the folder is served already, DataError."""
        self.bench, self.folder, self.clock = bench, folder.absolute(), clock
        self.hands = self.folder / HANDS
        self._script = script or FaultScript()
        self.over = over or threading.Event()
        self._failure: BaseException | None = None
        self._instant: float | None = None
        self._entries = served_stations(bench)
        self._bridges: dict[str, SquidstatBridge] = {}
        self._connections: dict[Stream, Connection] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ending = ExitStack()
        try:
            self._open()
        except BaseException:
            self._ending.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self) -> None:
        """Return when `over` is set. Raises what went wrong in the world, if that was why."""
        self.over.wait()
        if self._failure is not None:
            raise LabError(
                f"the served world came to an end: {self._failure!r}; what was before is saved"
            ) from self._failure

    def close(self) -> None:
        """Close every port, save the world, close the black box; harmless twice."""
        self._ending.close()

    def _open(self) -> None:
        folder = self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DataError(
                f"{folder} cannot be the server's folder: {error.strerror}; name another"
            ) from error
        lock = PortLock(str(folder.resolve()), self.clock, folder)
        self._ending.callback(lock.release)
        boot = secrets.token_hex(8)
        self.world = make_world(self.now, self.bench.seed, self.bench.world or World(), folder / SAMPLES)
        self._box = BlackBox(folder / BLACK_BOX)
        self._ending.callback(self._box.close)
        for name, entry in self._entries.items():
            bridge = set_up_twins(self.world, name, entry, self.clock, boot)
            if bridge is not None:
                self._bridges[name] = bridge
        player, latency = FaultPlayer(self._script), (self.bench.world or World()).twin_latency
        self._board = Switchboard(self.clock.loop, player, self, latency)
        hands = ServedHands(self.world, self.note)
        self._hands = LocalSocket(self.clock.loop, self.hands, hands.answer, self._after)
        self._desk = TroubleDesk(self.clock.loop, self, self._switches())
        self._control = LocalSocket(self.clock.loop, folder / CONTROL, self._desk.answer, self._after)
        self._ending.callback(self._on_loop, self._end)
        self._on_loop(self._begin)
        self.table = tuple(
            Row(name, part, each.driver, self._board.address(f"{name}.{part}"))
            for name, entry in self._entries.items()
            for part, each in entry.parts.items()
        )
        write_whole(folder / TABLE, json.dumps([asdict(row) for row in self.table], indent=1).encode())

    def heard_all(self) -> float:
        """Return a time [s] of the bench by which all that was sent before this call has been heard."""
        for _ in range(2):
            # The first may come in a turn of the loop that had looked for what is to be read already.
            heard = self._on_loop(self.clock.now)
        return heard

    def _on_loop(self, action: Callable[[], T]) -> T:
        """Run something on the loop's thread and return its result."""
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(action())
            except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
                answer.set_exception(error)

        self.clock.loop.call_soon_threadsafe(run)
        return answer.result()

    def _begin(self) -> None:
        self.clock.loop.set_exception_handler(self._failed)
        said = {"bench": self.bench.name, "config_hash": self.bench.config_hash, "seed": self.bench.seed}
        self.note("", "began", json.dumps({**said, "clock": self.clock.kind, "epoch": self.clock.epoch}))
        for name, entry in self._entries.items():
            for part, each in entry.parts.items():
                wire = f"{name}.{part}"
                self._board.add(wire, self._link(wire, each))
        self._hands.open()
        self._control.open()
        self._after()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._board.close()
        self._hands.close()
        self._control.close()
        self._desk.close()
        self.world.save()
        self._collect()
        self.note("", "ended", "in good order" if self._failure is None else repr(self._failure))

    def _switches(self) -> dict[str, Switch]:
        """Return every fault that may be switched: those of the stations, then those of every wire."""
        found: dict[str, Switch] = {}
        for name in self._entries:
            book = getattr(self.world.station(name), "faults", None)
            if book is not None:
                found |= of_station(name, book, partial(self.world.touch, name), self.now)
        for name, entry in self._entries.items():
            for part in entry.parts:
                found |= on_wire(f"{name}.{part}", self._board.turn, tuple(ON_WIRES))
        return found

    def _link(self, wire: str, part: Part) -> Link:
        """Return the link that a part is plugged into: as its address says, or else its driver."""
        driver: type[Instrument] = part.driver_class
        kind = driver.transport if part.address.kind == "twin" else part.address.kind

        def heard(stream: Stream, data: bytes) -> None:
            # However long the world takes to be reckoned, what a part does it does when it was told to.
            with self._at_one_instant():
                self._board.heard(wire, stream, data)
            self._after()

        def gone(stream: Stream) -> None:
            self._hung_up(wire, stream)

        # A pty keeps neither parity nor seven bits, and a bridge must know its clients apart.
        if kind == "serial" and part.address.parity == "N" and wire.partition(".")[0] not in self._bridges:
            return PtyLink(self.clock.loop, self.folder / wire, heard, part.address.baud)
        return SocketLink(self.clock.loop, heard, gone, visa=kind == "visa")

    # What the switchboard asks of what is behind it.

    def now(self) -> float:
        """Return the time of the bench [s]; while what was heard is dealt with, when it was heard."""
        return self.clock.now() if self._instant is None else self._instant

    @contextmanager
    def _at_one_instant(self) -> Iterator[None]:
        self._instant = self.clock.now()
        try:
            yield
        finally:
            self._instant = None

    def reply(self, part: str, stream: Stream, data: bytes) -> bytes:
        """Give to a part what a client said; return what it answers."""
        station, _, own = part.partition(".")
        if station in self._bridges:
            # A bridge speaks only when it is asked.
            if not data:
                return b""
            self.world.station(station).attach(self._connection(station, stream).exchange)
        answer = self.world.exchange(station, own, data)
        # Written down before anybody hears of it.
        self._collect()
        return answer

    def power_cycle(self, part: str) -> None:
        """Switch a part off and on."""
        station, _, own = part.partition(".")
        self.world.power_cycle(station, own)

    def note(self, where: str, event: str, text: str = "") -> None:
        """Write down what the server itself does, behind what the twins did before it."""
        self._collect()
        station, _, part = where.partition(".")
        self._box.write(self.now(), station, part, event, text)

    def _connection(self, station: str, stream: Stream) -> Connection:
        """Return a client's own connection to a bridge, which knows it until it hangs up."""
        if stream not in self._connections:
            name = f"client {stream.descriptor} of {station}"
            self._connections[stream] = self._bridges[station].connect(name)
        return self._connections[stream]

    def _hung_up(self, wire: str, stream: Stream) -> None:
        connection = self._connections.pop(stream, None)
        if connection is not None:
            connection.close()
        self.note(wire, "client gone")

    def _tick(self) -> None:
        """Let happen what is due by itself."""
        self._board.befall_due()
        for bridge in self._bridges.values():
            bridge.tend()
        for name in self._entries:
            self.world.touch(name)
        self._board.forward()
        self._after()

    def _after(self) -> None:
        """Write down what happened and set the timer to what is due next."""
        self._collect()
        now = self.clock.now()
        dues = [self.world.next_event(name) for name in self._entries] + [self._board.next_due()]
        wait = min([LONGEST_WAIT, *(due - now for due in dues if due is not None)])
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.clock.loop.call_later(max(0.0, wait), self._tick)

    def _collect(self) -> None:
        for name in self._entries:
            self._box.collect(name, self.world.station(name))

    def _failed(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Take what a callback raised: a world that cannot be reckoned on is not served on."""
        self._failure = context.get("exception") or RuntimeError(str(context.get("message")))
        self.over.set()


def served_stations(bench: BenchFile) -> dict[str, StationEntry]:
    """Return the stations of a bench that can be served: ours, of which every part has a twin."""
    found = {
        name: entry
        for name, entry in bench.devices.items()
        if isinstance(entry, StationEntry)
        and all(find_spec(f"sim.twins.{part.driver}") is not None for part in entry.parts.values())
    }
    if not found:
        raise LabError(f"bench {bench.name!r} has no station that could be served; nothing was opened")
    return found
