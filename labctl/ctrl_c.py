"""Ctrl-C at a prompt: once pauses at once all that runs, twice ends it in good order and makes it safe.

bluesky's own handler asks for a pause at the next checkpoint; a train of flashes has none.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from types import FrameType, TracebackType
from typing import Any, Literal

from devices.errors import LabError
from labctl.engine import LabEngine
from labctl.terminal import tell

log = logging.getLogger(__name__)

WITHIN = 10.0
"""Seconds after the first within which another Ctrl-C is the second one, as bluesky counts them."""

TWICE = "Ctrl-C twice"
"""The reason of runs that a second Ctrl-C ended, at a prompt or in a script."""

Did = Literal["nothing", "paused", "ended", "nothing new"]
"""What a Ctrl-C set going; "nothing new" while what it asks for is being done."""


class CtrlC:
    """What SIGINT does while a plan runs, or was paused by it; otherwise it is left to whoever had it before.

    engines: returns all that may be at work. Entered by each call that waits for a plan on the main thread. It stays
    in force from the first Ctrl-C on, so that there is no gap through which the second could fall.
    """

    def __init__(self, engines: Callable[[], Sequence[LabEngine]]) -> None:
        self._engines = engines
        self._before: Any = None
        self._first: float | None = None
        self._ending: threading.Thread | None = None

    @property
    def asked(self) -> bool:
        """Whether a pause was asked for since the last call that waits for a plan began."""
        return self._first is not None

    def during(self, engine: LabEngine) -> Call:
        """Return the context of one call that waits for a plan of this engine."""
        return Call(self, engine)

    def take(self) -> None:
        """Take SIGINT over, unless it is ignored: who started us with it ignored means it."""
        self._first = None
        found = signal.getsignal(signal.SIGINT)
        if found not in (self._handle, signal.SIG_IGN):
            self._before = found
            signal.signal(signal.SIGINT, self._handle)

    def give_back(self) -> None:
        """Leave SIGINT to whoever had it before; nothing where somebody else has it by now."""
        if signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, self._before)

    def wait_for_the_end(self) -> None:
        """Return when what a second Ctrl-C ends is over."""
        if self._ending is not None:
            self._ending.join()

    def pressed(self) -> Did:
        """Do what a Ctrl-C asks for where something is at work, or was paused by one; return what that is.

        For a prompt that takes the key itself; it is called on the main thread.
        """
        engines = self._engines()
        if (self._ending is not None and self._ending.is_alive()) or any(each.is_ending for each in engines):
            tell("Ctrl-C: it is being ended already")
            return "nothing new"
        if self._is_second(engines):
            tell("Ctrl-C again: what runs is ended, and made safe")
            self._ending = threading.Thread(target=self._end, name="Ctrl-C", daemon=True)
            self._ending.start()
            return "ended"
        if any(each.is_waited_for or each.state == "running" for each in engines):
            self._first = monotonic()
            tell(f"Ctrl-C: pausing; again within {WITHIN:g} s ends it and makes it safe")
            threading.Thread(target=self._pause, name="Ctrl-C", daemon=True).start()
            return "paused"
        return "nothing"

    def _handle(self, number: int, frame: FrameType | None) -> None:
        did = self.pressed()
        if did == "ended" and not any(each.is_waited_for for each in self._engines()):
            raise KeyboardInterrupt
        if did != "nothing":
            return
        self.give_back()
        if not callable(self._before):
            raise KeyboardInterrupt
        self._before(number, frame)

    def _is_second(self, engines: Sequence[LabEngine]) -> bool:
        if self._first is None or not any(each.state != "idle" for each in engines):
            return False
        # A pause that has not come about yet is one that somebody waits for, however long it takes.
        pausing = any(each.state == "pausing" for each in engines)
        return pausing or monotonic() - self._first <= WITHIN

    def _pause(self) -> None:
        for engine in self._engines():
            engine.pause_now()

    def _end(self) -> None:
        for engine in self._engines():
            if engine.state == "idle":
                continue
            try:
                engine.end_safely(TWICE)
            except LabError as error:
                tell(str(error))
            except Exception as error:
                log.exception(TWICE)
                tell(f"{TWICE}: {error!r}; look at the devices, then type lab.safe()")
            else:
                tell(engine.pause_msg)


class Call:
    """One call on the main thread that waits for a plan; on any other thread it does nothing."""

    def __init__(self, ctrl_c: CtrlC, engine: LabEngine) -> None:
        self._ctrl_c, self._engine = ctrl_c, engine
        self._is_main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self._is_main:
            self._ctrl_c.take()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_main:
            return
        self._ctrl_c.wait_for_the_end()
        if self._engine.state == "paused" and self._ctrl_c.asked:
            return
        self._ctrl_c.give_back()
        if kind is None and self._ctrl_c.asked and not self._engine.was_interrupted:
            # What comes after a plan that ended by itself must not begin as if nobody had asked for a stop.
            raise KeyboardInterrupt(f"Ctrl-C came as the plan ended by itself: {self._engine.powered()}")
