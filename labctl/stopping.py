"""Ctrl-C, SIGTERM and SIGHUP in scripts: the run in hand is ended in good order, then the session is closed."""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import Any

from labctl.engine import RESTING
from labctl.session import Session, open_session

log = logging.getLogger(__name__)

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
            tell(f"{name}: already ending in good order")
            return
        self.asked = Stopped(name, 128 + number)
        resting = self.engine is None or self.engine.state in RESTING
        tell(f"{name}: {'ending' if resting else 'ending the run in good order'}")
        if resting:
            raise self.asked
        threading.Thread(target=self._abort, args=(name,), daemon=True).start()

    def _abort(self, name: str) -> None:
        try:
            self.engine.end(name)
        except Exception:
            # The engine raises it in the script as well, which ends with it; this thread has nobody to tell.
            log.exception("%s: the run failed while it was ended", name)


def tell(text: str) -> None:
    """Say something on standard error, from a signal handler, whether or not anybody is there any more.

    A terminal that hung up, which is what SIGHUP says, fails every later write, and a write that fails would
    keep the run from being ended: what nobody hears goes to nobody.
    """
    for descriptor in (1, 2):
        listener = select.poll()
        listener.register(descriptor, 0)
        if listener.poll(0):
            nobody = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nobody, descriptor)
            os.close(nobody)
    os.write(2, f"\n{text}\n".encode())


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
    """Open a session for a script and see to it that signals end it in good order; see `open_session`.

    After such an end they are ignored: the same signal sent again must not change the script's exit status.
    """
    stopping = Stopping()
    # Who started us with one ignored (nohup, a shell's background job) means it.
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stopping.handle) for number in heeded}
    try:
        lab = open_session(bench, handle_signals=False, **options)
        try:
            stopping.engine = lab.RE
            log_to_file(lab.data / "logs")
            yield lab, stopping
        finally:
            stopping.closing = True
            lab.close()
    finally:
        for number, handler in before.items():
            # Python puts its own handlers back to the system's when it ends, but leaves ignored ones alone.
            signal.signal(number, handler if stopping.asked is None else signal.SIG_IGN)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Leave what is done inside when a signal comes, by Stopped, so that it cleans up; further ones change nothing."""

    def handle(number: int, frame: FrameType | None) -> None:
        for each in heeded:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(signal.Signals(number).name, 128 + number)

    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
