"""A unix socket that only its owner may use: a line in, a line out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from devices.errors import DataError
from labctl.serving.streams import Stream

LONGEST_PATH = 107
"""Bytes that the address of a unix socket may have on Linux."""


class LocalSocket:
    """Answers each line of each client; `after` is called when one was answered."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        path: Path,
        answer: Callable[[bytes], bytes],
        after: Callable[[], None],
    ) -> None:
        self._loop, self._path, self._answer, self._after = loop, path, answer, after
        self._clients: dict[Stream, bytes] = {}
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Listen. Raises DataError when the path is too long for a socket."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise DataError(
                f"{self._path} is too long a path for a socket ({LONGEST_PATH} bytes); name another folder"
            )
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._path.chmod(0o600)
        self._listener.listen()
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Let nobody in any more."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)
        for client in self._clients:
            client.close()
        self._clients.clear()

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            # Whoever knocked went away before the door was open.
            return
        self._clients[Stream(self._loop, connection.detach(), self._heard, self._gone)] = b""

    def _heard(self, stream: Stream, data: bytes) -> None:
        *lines, self._clients[stream] = (self._clients[stream] + data).split(b"\n")
        for line in lines:
            stream.send(self._answer(line))
        if lines:
            self._after()

    def _gone(self, stream: Stream) -> None:
        del self._clients[stream]
