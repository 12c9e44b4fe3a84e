"""Ctrl-C, SIGTERM and SIGHUP in scripts: the run in hand is ended in good order, then the session is closed."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from labctl.ctrl_c import TWICE
from labctl.day_file import DayFile
from labctl.engine import RESTING, LabEngine
from labctl.session import Session, open_session
from labctl.stopped import Stopped
from labctl.terminal import tell

log = logging.getLogger(__name__)

EVENTS_LOG = "devices.cycling.events"
"""Where the events of a cycler's run are logged, besides its stream of them."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping:
    """What the first signal does: abort a running plan, or leave whatever else is being done.

    Further signals are told and otherwise ignored: the ending in hand is the quickest one that is safe. hold: lets no
    pulse begin any more, at once. pause: what a first Ctrl-C does instead, where somebody is there to be asked what
    comes next; `asked` then, until that is heard. reason: what the runs say that a signal ends.
    """

    def __init__(self) -> None:
        self.engine: Any = None
        self.hold: Callable[[], None] = lambda: None
        self.pause: Callable[[], None] | None = None
        self.closing = False
        self.asked = False
        self.ended_by: Stopped | None = None
        self.reason = ""

    def during(self, engine: LabEngine) -> AbstractContextManager[object]:
        """Return nothing to enter: signals are looked after all the time."""
        return nullcontext()

    def check(self) -> None:
        """Raise Stopped when it was asked for."""
        if self.ended_by is not None:
            raise self.ended_by

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        name = signal.Signals(number).name
        if self.ended_by is not None or self.closing:
            tell(f"{name}: already ending in good order")
            return
        resting = self.engine is None or self.engine.state in RESTING
        if number == signal.SIGINT and self.pause is not None and not resting and not self.asked:
            self.asked = True
            tell("Ctrl-C: pausing; again ends it in good order")
            threading.Thread(target=self.pause, daemon=True).start()
            return
        self.ended_by = Stopped(name, 128 + number)
        self.reason = TWICE if number == signal.SIGINT and self.asked else name
        tell(f"{name}: {'ending' if resting else 'ending the run in good order'}")
        if resting:
            raise self.ended_by
        threading.Thread(target=self._abort, args=(self.reason,), daemon=True).start()

    def _abort(self, reason: str) -> None:
        try:
            self.hold()
            self.engine.end(reason)
        except Exception:
            # The engine raises it in the script as well, which ends with it; this thread has nobody to tell.
            log.exception("%s: the run failed while it was ended", reason)


def log_to_file(directory: Path) -> None:
    """Send what bluesky, ophyd and labctl log to a file of the day: a terminal gets words, not tracebacks."""
    directory.mkdir(parents=True, exist_ok=True)
    handler = DayFile(directory / "labctl.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in ("bluesky", "ophyd", "labctl")]
    for earlier in {each for logger in loggers for each in logger.handlers}:
        # A file of another session of this process.
        earlier.close()
    for logger in loggers:
        logger.handlers[:] = [handler]
        logger.propagate = False


@contextmanager
def events_shown() -> Iterator[None]:
    """Keep off the terminal what stations log of a run's events, where whoever shows the run's rows shows them too."""
    logger, own = logging.getLogger(EVENTS_LOG), logging.getLogger("labctl").handlers
    before = logger.handlers[:], logger.propagate
    logger.handlers[:], logger.propagate = (own or [logging.NullHandler()]), False
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = before


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
            stopping.engine, stopping.hold = lab.RE, lab.hold
            lab.interrupts = stopping
            log_to_file(lab.data / "logs")
            yield lab, stopping
        finally:
            stopping.closing = True
            lab.close()
    finally:
        for number, handler in before.items():
            # Python puts its own handlers back to the system's when it ends, but leaves ignored ones alone.
            signal.signal(number, handler if stopping.ended_by is None else signal.SIG_IGN)


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
