"""A wire carries one instrument's bytes: one transaction at a time, a deadline on each, never a stale answer.

After anything went wrong (a late, torn or garbled reply, a cable pulled) the wire is dirty and, before it is
used again, sends the dialect's sync query and throws away whatever comes before that query's own reply.
Instruments answer in order, so nothing older can follow it and a late reply is not taken for the next answer,
however late. That holds while one sync query is on its way: with two, the reply to the first would let what
lies between them pass. So a second is sent only when the first was answered or has been silent for two
deadlines. The bound that remains: when the sync query is late as well, by more than two deadlines, a stale
answer can pass. Waiting longer would starve a watchdog of 1.5 s; where there is none, give the wire a longer
deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar, overload

from devices.clock import Clock
from devices.errors import Desynchronised, Timeout, WireError

T = TypeVar("T")

DEADLINE = 0.5
"""Seconds one reply may take unless the driver says otherwise; a third of the shortest watchdog of the lab
(XP Glassman, 1.5 s), so that a lost reply alone does not trip it."""

QUIET = 0.05
"""Seconds of silence after which nothing more is on its way; 48 characters at 9600 baud."""


class Port(Protocol):
    """Raw bytes, in and out. A port raises WireError when the link itself is gone."""

    def write(self, data: bytes) -> None:
        """Send all of it."""

    def read(self, timeout: float) -> bytes:
        """Return whatever came, at least one byte, or b"" when `timeout` seconds of the clock passed."""

    def close(self) -> None:
        """Let go of it; harmless twice."""


class Framing(Protocol):
    """How a reply ends."""

    def take(self, buffer: bytearray) -> bytes | None:
        """Remove the first whole reply from `buffer`; return its payload, None when it is not whole."""


@dataclass(frozen=True)
class Terminated:
    """Replies end with `end`, which is not part of the payload."""

    end: bytes

    def take(self, buffer: bytearray) -> bytes | None:
        """Take everything up to the terminator."""
        length = buffer.find(self.end)
        if length < 0:
            return None
        payload = bytes(buffer[:length])
        del buffer[: length + len(self.end)]
        return payload


@dataclass(frozen=True)
class FixedLength:
    """Replies are `length` bytes long."""

    length: int

    def take(self, buffer: bytearray) -> bytes | None:
        """Take exactly that many bytes."""
        if len(buffer) < self.length:
            return None
        payload = bytes(buffer[: self.length])
        del buffer[: self.length]
        return payload


@dataclass(frozen=True)
class Sync:
    """A harmless query whose reply no other query of the dialect can give."""

    request: bytes
    framing: Framing
    recognises: Callable[[bytes], bool]


class Turn:
    """One transaction's hold on a wire, which is dirty when it goes wrong. Raises WireError within another one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = threading.RLock()
        self._busy = False

    def __enter__(self) -> None:
        self._lock.acquire()
        if self._busy:
            self._lock.release()
            raise WireError(
                f"{self._wire.name}: asked in the middle of its own transaction; only lane {self._wire.lane!r} may"
                " touch it, nothing was sent"
            )
        self._busy = True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, WireError):
            self._wire.dirty = True
        self._busy = False
        self._lock.release()


class Wire:
    """One instrument's port, its lock and its deadline.

    `lane` is the station whose pollers may touch it. `discarded` counts bytes nobody asked for; `dirty` says
    that the wire will resynchronise before its next question. A dialect without a sync query (`sync` None)
    has only silence to go by: the wire then waits for one whole deadline without a byte.
    """

    def __init__(
        self,
        port: Port,
        clock: Clock,
        *,
        name: str,
        lane: str,
        deadline: float = DEADLINE,
        sync: Sync | None,
    ) -> None:
        self.name, self.lane, self.deadline = name, lane, deadline
        self.discarded = 0
        self.dirty = False
        self._port, self._clock, self._sync = port, clock, sync
        self._turn = Turn(self)
        self._buffer = bytearray()
        self._awaited: float | None = None
        self._told_since = False

    @overload
    def ask(
        self, request: bytes, framing: Framing, *, deadline: float | None = None, repeat: bool = False
    ) -> bytes: ...

    @overload
    def ask(
        self,
        request: bytes,
        framing: Framing,
        parse: Callable[[bytes], T],
        *,
        deadline: float | None = None,
        repeat: bool = False,
    ) -> T: ...

    def ask(
        self,
        request: bytes,
        framing: Framing,
        parse: Callable[[bytes], object] = bytes,
        *,
        deadline: float | None = None,
        repeat: bool = False,
    ) -> object:
        """Send `request` and return its framed reply, or what `parse` makes of it.

        `parse` raises Garbled for a reply that cannot be right; the wire is dirty then, as after a timeout.
        `repeat` allows one more try after a resynchronisation: for questions that change nothing and for
        commands that do no more when they come twice, never for anything that acts.

        An instrument that is silent costs two deadlines at the most.

        Raises Timeout, Garbled, Desynchronised, WireError.
        """
        patience = self.deadline if deadline is None else deadline

        def transact() -> object:
            with self._turn:
                try:
                    return parse(self._exchange(request, framing, patience))
                except Desynchronised:
                    raise
                except WireError:
                    if not repeat:
                        raise
                    self.dirty = True
                return parse(self._exchange(request, framing, patience))

        return self._clock.call(transact)

    def tell(self, request: bytes) -> None:
        """Send `request`, to which no reply is due; a dirty wire does not hold it up. Raises WireError."""

        def transact() -> None:
            with self._turn:
                self._told_since = True
                self._port.write(request)

        self._clock.call(transact)

    def listen(self, longest: float = 0.0) -> bytes:
        """Return what came unasked, waiting up to `longest` seconds for its first byte. Raises WireError.

        For dialects that stream: their driver puts lines together and tells replies from news, by tell() and
        listen() alone, since ask() throws away what nobody asked for. Where nothing waits, nothing is written:
        that touches a twin in this process, so that it says what it has.
        """

        def transact() -> bytes:
            with self._turn:
                heard = self._port.read(0.0)
                if not heard:
                    self._port.write(b"")
                    heard = self._port.read(longest)
                return heard

        return self._clock.call(transact)

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def _exchange(self, request: bytes, framing: Framing, patience: float) -> bytes:
        if self.dirty:
            self._resynchronise()
        self._discard()
        self.dirty = True
        self._port.write(request)
        until = self._clock.now() + patience
        reply = self._frame(framing, until, request)
        sync = self._sync
        while sync is not None and request != sync.request and sync.recognises(reply):
            # It answers an earlier question, which was given up.
            self.discarded += len(reply)
            reply = self._frame(framing, until, request)
        self.dirty = False
        return reply

    def _frame(self, framing: Framing, until: float, request: bytes) -> bytes:
        while not self._buffer or (reply := framing.take(self._buffer)) is None:
            remaining = until - self._clock.now()
            chunk = self._port.read(remaining) if remaining >= 0 else b""
            if not chunk:
                raise Timeout(
                    f"{self.name}: no whole reply to {request!r} in time, only {bytes(self._buffer)!r};"
                    " whether it was heard is unknown, the wire resynchronises before its next use"
                )
            self._buffer += chunk
        return reply

    def _discard(self, quiet: float = 0.0) -> None:
        if self._buffer:
            self.discarded += len(self._buffer)
            self._buffer.clear()
        chunk = self._port.read(quiet)
        until = self._clock.now() + self.deadline if chunk else 0.0
        while chunk:
            self.discarded += len(chunk)
            if self._clock.now() > until:
                raise Desynchronised(
                    f"{self.name}: bytes keep coming unasked; nothing was sent, look at what else talks on it"
                )
            chunk = self._port.read(quiet)

    def _resynchronise(self) -> None:
        if self._sync is None:
            self._discard(quiet=self.deadline)
            return
        until = self._clock.now() + self.deadline
        try:
            while True:
                self._send_sync(self._sync)
                frame = self._frame(self._sync.framing, until, self._sync.request)
                self.discarded += len(frame)
                if self._sync.recognises(frame):
                    self._awaited = None
                    if not self._told_since:
                        break
        except Timeout as error:
            raise Desynchronised(
                f"{self.name}: no answer to the sync query {self._sync.request!r}; nothing else was"
                " sent, the state of the instrument is unknown, check its cable and power and ask again"
            ) from error
        self._discard(quiet=QUIET)

    def _send_sync(self, sync: Sync) -> None:
        now = self._clock.now()
        if self._awaited is None or now - self._awaited >= 2 * self.deadline:
            self._discard()
            self._port.write(sync.request)
            self._awaited, self._told_since = now, False
