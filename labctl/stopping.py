"""Ctrl-C, SIGTERM and SIGHUP in scripts: the run in hand is ended in good order, then the session is closed."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import Any

from bluesky.utils import TransitionError

from labctl.session import Session, open_session

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked the script to end; `code` is the exit status a shell expects."""

    def __init__(self, name: str, code: int) -> None:
        self.name, self.code = name, code
        super().__init__(name)


class Stopping:
    """What the first signal does: abort a running plan, or leave whatever else is being done.

    Further signals are told and otherwise ignored: the ending in hand is the quickest one that is safe.
    """

    def __init__(self) -> None:
        self.engine: Any = None
        self.closing = False
        self.asked: Stopped | None = None

    def check(self) -> None:
        """Raise Stopped when it was asked for."""
        if self.asked is not None:
            raise self.asked

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        name = signal.Signals(number).name
        if self.asked is not None or self.closing:
            sys.stderr.write(f"\n{name}: already ending in good order\n")
            return
        self.asked = Stopped(name, 128 + number)
        running = self.engine is not None and self.engine.state == "running"
        sys.stderr.write(f"\n{name}: {'ending the run in good order' if running else 'ending'}\n")
        if not running:
            raise self.asked
        threading.Thread(target=self._abort, args=(name,), daemon=True).start()

    def _abort(self, name: str) -> None:
        try:
            self.engine.abort(name)
        except TransitionError as error:
            # The plan ended by itself in the meantime; `check` ends the script.
            sys.stderr.write(f"{name}: {error}\n")


def log_to_file(directory: Path) -> None:
    """Send what bluesky, ophyd and labctl log to a file of the day: a terminal gets words, not tracebacks."""
    directory.mkdir(parents=True, exist_ok=True)
    handler = TimedRotatingFileHandler(directory / "labctl.log", when="midnight", utc=True, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("bluesky", "ophyd", "labctl"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False


@contextmanager
def scripted_session(bench: str, **options: Any) -> Iterator[tuple[Session, Stopping]]:
    """Open a session for a script and see to it that signals end it in good order; see `open_session`."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping.handle) for number in SIGNALS}
    try:
        lab = open_session(bench, handle_signals=False, **options)
        stopping.engine = lab.RE
        log_to_file(lab.data / "logs")
        try:
            yield lab, stopping
        finally:
            stopping.closing = True
            lab.close()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
