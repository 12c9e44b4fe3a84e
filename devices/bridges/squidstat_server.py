"""The Squidstat's bridge as a process of its own, for hardware: the vendor's library, its Qt loop, a unix socket.

    python -m devices.bridges.squidstat_server --library SquidstatPyLibrary --port /dev/ttyACM0 --socket PATH

The library and Qt's core are imported by name. Qt's events are worked off in the main thread, between the clients'
requests: no display and no thread is needed, and a slot never meets a request half done. The socket is this
user's own; each client has its conversation, and a channel is one client's at a time (devices.bridges.leases).
SIGTERM and Ctrl-C end the process, not what runs on the instrument. Not yet seen on hardware: that QCoreApplication
is enough for the library.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from devices.bridges.local_server import LocalServer
from devices.bridges.squidstat import SquidstatBridge
from devices.errors import LabError

log = logging.getLogger(__name__)

TURN = 0.02
"""Seconds that one of Qt's events may wait for; a row is late by so much at the most."""

TENDING = 5.0
"""Seconds between looks for an instrument that was lost."""


class Server:
    """A bridge on a socket; `run` works until `end` is called, from a signal perhaps."""

    def __init__(self, bridge: SquidstatBridge, clients: LocalServer, application: Any) -> None:
        self._bridge, self._clients, self._application = bridge, clients, application
        self._ended = False

    def end(self, number: int, frame: FrameType | None) -> None:
        """End after the turn under way, as a signal handler."""
        self._ended = True

    def run(self) -> None:
        """Work off Qt's events and the clients' requests in turn."""
        tended = time.monotonic()
        while not self._ended:
            self._application.processEvents()
            self._clients.turn(TURN)
            if time.monotonic() - tended >= TENDING:
                self._bridge.tend()
                tended = time.monotonic()
        self._clients.close()
        log.info("ended; %s", self._bridge.left_running())


_EPOCH = time.clock_gettime(time.CLOCK_REALTIME) - time.monotonic()


def time_of_day() -> float:
    """Return seconds since the epoch, of a clock that is never set: a jump would count as a host that is gone."""
    return _EPOCH + time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; return the exit code."""
    parser = argparse.ArgumentParser(prog="squidstat_server", description=str(__doc__).splitlines()[0])
    parser.add_argument("--library", default="SquidstatPyLibrary", help="the vendor's module")
    parser.add_argument("--qt", default="PySide6.QtCore", help="the module with its QCoreApplication")
    parser.add_argument("--port", required=True, help="where the instrument is, /dev/ttyACM0")
    parser.add_argument("--socket", required=True, type=Path, help="where clients find the bridge")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        serve(chosen.library, chosen.qt, chosen.port, chosen.socket)
    except (LabError, ImportError, OSError) as error:
        log.error("%s", error)
        return 1
    return 0


def serve(library: str, qt: str, port: str, path: Path) -> None:
    """Serve the instrument on a port at a path, with modules by name, until a signal comes.

    Raises ImportError, InstrumentError, OwnershipError, LabError, OSError.
    """
    application = importlib.import_module(qt).QCoreApplication([])
    vendors = importlib.import_module(library)
    bridges: list[SquidstatBridge] = []
    # The socket comes first: of two servers the second is told before it touches the instrument.
    clients = LocalServer(path, lambda name: bridges[0].connect(name))
    try:
        bridges.append(SquidstatBridge(vendors, port=port, boot=secrets.token_hex(8), now=time_of_day))
    except LabError:
        clients.close()
        raise
    server = Server(bridges[0], clients, application)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, server.end)
    log.info("serving %s on %s", port, path)
    server.run()


if __name__ == "__main__":
    sys.exit(main())
