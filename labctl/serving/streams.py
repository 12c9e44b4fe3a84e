"""Bytes to and from a file descriptor on an event loop: the end of a pty, a connection."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable

CHUNK = 65536
"""Bytes read at once."""

BACKLOG = 1 << 20
"""Bytes that may wait for somebody who does not read; beyond it they are lost, as on a line without handshake."""


class Stream:
    """One descriptor, its own from now on; everything here runs on the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        descriptor: int,
        heard: Callable[[Stream, bytes], None],
        gone: Callable[[Stream], None] = lambda _: None,
    ) -> None:
        """`heard` is handed what comes; `gone` is told when the other end is closed."""
        self.descriptor = descriptor
        self._loop, self._heard, self._gone = loop, heard, gone
        self._waiting = bytearray()
        self._later: deque[bytes] = deque()
        self._latest = 0.0
        os.set_blocking(descriptor, False)
        loop.add_reader(descriptor, self._read)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.descriptor < 0

    def send(self, data: bytes, delay: float = 0.0) -> None:
        """Write in `delay` seconds, behind what is on its way already."""
        if not data:
            return
        now = self._loop.time()
        self._latest = max(now + delay, self._latest)
        if self._latest <= now and not self._later:
            self._push(data)
        else:
            self._later.append(data)
            self._loop.call_at(self._latest, lambda: self._push(self._later.popleft()))

    def _push(self, data: bytes) -> None:
        if self.closed or len(self._waiting) + len(data) > BACKLOG:
            return
        idle = not self._waiting
        self._waiting += data
        if idle:
            self._write()

    def close(self) -> None:
        """Close the descriptor; harmless twice."""
        if not self.closed:
            self._loop.remove_reader(self.descriptor)
            self._loop.remove_writer(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1

    def _read(self) -> None:
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._heard(self, data)
        else:
            self.close()
            self._gone(self)

    def _write(self) -> None:
        try:
            sent = os.write(self.descriptor, self._waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._waiting.clear()
            self._loop.remove_writer(self.descriptor)
            return
        del self._waiting[:sent]
        if self._waiting:
            self._loop.add_writer(self.descriptor, self._write)
        else:
            self._loop.remove_writer(self.descriptor)
