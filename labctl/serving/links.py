"""Links of served twins: a pty under a name that stays, a TCP port on loopback; both can be cut and come back."""

from __future__ import annotations

import asyncio
import os
import pty
import socket
import struct
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from labctl.serving.streams import Stream

Heard = Callable[[Stream, bytes], None]
"""Takes what a client sent, and where to send answers."""

Gone = Callable[[Stream], None]
"""Is told that a client hung up."""

LOOPBACK = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing tells the other end that the connection was reset."""


class Link(Protocol):
    """Where a client finds a part."""

    @property
    def address(self) -> str:
        """As a bench file writes it."""

    def open(self) -> None:
        """Let clients come; harmless twice."""

    def cut(self) -> None:
        """Hang up on every client; nobody comes until it is opened again. Harmless twice."""


class PtyLink:
    """A serial line: `path` always leads to the pty of the day.

    The server holds both ends, so a client that dies leaves the line as it was, as a cable would. Both ends are
    raw, or binary dialects lose bytes to the terminal's line discipline.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path, heard: Heard, baud: int) -> None:
        self._loop, self._path, self._heard, self._baud = loop, path, heard, baud
        self._stream: Stream | None = None
        self._client_end = -1

    @property
    def address(self) -> str:
        """As a bench file writes it."""
        return f"serial:{self._path}?baud={self._baud}"

    def open(self) -> None:
        """Make a pty and lead the path to it."""
        if self._stream is not None:
            return
        own_end, self._client_end = pty.openpty()
        for end in (own_end, self._client_end):
            tty.setraw(end)
        fresh = self._path.with_name(f".{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._client_end))
        fresh.replace(self._path)
        self._stream = Stream(self._loop, own_end, self._heard)

    def cut(self) -> None:
        """Take the line away, as a USB adapter that is pulled out."""
        if self._stream is None:
            return
        self._path.unlink(missing_ok=True)
        self._stream.close()
        os.close(self._client_end)
        self._stream = None


class SocketLink:
    """A TCP port on loopback; each client's answers go back to that client. The number of the port stays."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, heard: Heard, gone: Gone, *, visa: bool = False
    ) -> None:
        self._loop, self._heard, self._told_gone, self._visa = loop, heard, gone, visa
        self._port = 0
        self._listener: socket.socket | None = None
        self._clients: set[Stream] = set()

    @property
    def address(self) -> str:
        """As a bench file writes it."""
        if self._visa:
            return f"visa:TCPIP::{LOOPBACK}::{self._port}::SOCKET"
        return f"socket://{LOOPBACK}:{self._port}"

    def open(self) -> None:
        """Listen, on the same port as before."""
        if self._listener is not None:
            return
        self._listener = socket.create_server((LOOPBACK, self._port))
        self._port = self._listener.getsockname()[1]
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._listener is None:
            return
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._listener = None
        for client in list(self._clients):
            with socket.socket(fileno=os.dup(client.descriptor)) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            self._gone(client)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            # Whoever knocked went away before the door was open.
            return
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients.add(Stream(self._loop, connection.detach(), self._heard, self._gone))

    def _gone(self, client: Stream) -> None:
        self._clients.discard(client)
        self._told_gone(client)
