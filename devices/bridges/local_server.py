"""A unix socket of this user's own, on which several clients are answered, each in its own conversation."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from devices.errors import LabError, OwnershipError

log = logging.getLogger(__name__)

CHUNK = 1 << 16

MOST_UNREAD = 64 << 20
"""Bytes of replies that a client may leave unread before it is let go: some hundred of the largest pages."""

_CREDENTIALS = struct.Struct("3i")


class Conversation(Protocol):
    """What answers one client."""

    def exchange(self, data: bytes) -> bytes:
        """Take bytes, return the replies."""

    def close(self) -> list[int]:
        """Hear that the client is gone; return the channels that it had."""


@dataclass
class _Peer:
    """A client's end: its name, what answers it, replies that it has not yet taken."""

    name: str
    conversation: Conversation
    unread: bytearray = field(default_factory=bytearray)


class LocalServer:
    """Listens on a path; `welcome` makes a conversation for a client's name ("pid 123")."""

    def __init__(self, path: Path, welcome: Callable[[str], Conversation]) -> None:
        """Listen. Raises OwnershipError when somebody answers there, LabError for a folder of others."""
        self._path, self._welcome = path, welcome
        self._selector = selectors.DefaultSelector()
        self._peers: dict[socket.socket, _Peer] = {}
        _check_folder(path.parent)
        _remove_stale(path)
        self._listener = socket.socket(socket.AF_UNIX)
        before = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(before)
        self._listener.listen()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    def turn(self, longest: float) -> None:
        """Wait up to `longest` seconds for something to do, and do it."""
        for key, events in self._selector.select(longest):
            connection = key.fileobj
            if connection is self._listener:
                self._accept()
            elif isinstance(connection, socket.socket):
                self._serve(connection, events)

    def close(self) -> None:
        """Let nobody in any more and let everybody go."""
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for connection in list(self._peers):
            self._part(connection, "let go")
        self._selector.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError as error:
            log.info("somebody knocked and went away: %s", error)
            return
        connection.setblocking(False)
        name = f"pid {_peer_pid(connection)}"
        self._peers[connection] = _Peer(name, self._welcome(name))
        self._selector.register(connection, selectors.EVENT_READ)
        log.info("%s came", name)

    def _serve(self, connection: socket.socket, events: int) -> None:
        peer = self._peers[connection]
        try:
            if events & selectors.EVENT_READ:
                data = connection.recv(CHUNK)
                if not data:
                    self._part(connection, "left")
                    return
                peer.unread += peer.conversation.exchange(data)
            if peer.unread:
                del peer.unread[: connection.send(peer.unread)]
        except BlockingIOError:
            pass  # it takes no more at the moment; the selector says when it does
        except OSError as error:
            self._part(connection, f"left ({error})")
            return
        if len(peer.unread) > MOST_UNREAD:
            self._part(connection, "takes no replies and was let go")
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.unread else 0)
        self._selector.modify(connection, wanted)

    def _part(self, connection: socket.socket, how: str) -> None:
        peer = self._peers.pop(connection)
        self._selector.unregister(connection)
        connection.close()
        freed = ", ".join(f"channel {each}" for each in peer.conversation.close()) or "none"
        log.info("%s %s; channels it had: %s; what runs on them goes on", peer.name, how, freed)


def _check_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise LabError(f"{folder} is open to others; nothing is served, name a folder of yours of mode 0700")


def _remove_stale(path: Path) -> None:
    """Remove a socket on which nobody answers. Raises OwnershipError when somebody does."""
    if not path.exists():
        return
    if not path.is_socket():
        raise LabError(f"{path} is a file and no socket; nothing is served, name another path")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OwnershipError(str(path), f"pid {_peer_pid(probe)}")


def _peer_pid(connection: socket.socket) -> int:
    """Return the other end's process, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid: int = _CREDENTIALS.unpack(credentials)[0]
    return pid
