"""Wall time, for hardware: one thread per lane, so that one station's lost replies never delay another's."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from bluesky.run_engine import _ensure_event_loop_running as run_in_background
from ophyd.status import StatusBase

from devices.clock import Handle, Poller
from labctl.clock.boot import NANO, boot_ns
from labctl.clock.due import Due, DueList, Spawned
from labctl.clock.status import deadline_status

T = TypeVar("T")
log = logging.getLogger(__name__)

LONGEST_WAIT = 1.0
"""Seconds a lane waits at a stretch: the condition's wait stands still while the machine is suspended."""


class Lane:
    """A daemon thread that runs what is due on one lane, one action at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._due = DueList()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"lane {name}", daemon=True)
        self._thread.start()

    def push(self, dt: float, action: Callable[[], None]) -> Due:
        """Run `action` in `dt` seconds."""
        if not dt >= 0:
            raise ValueError(f"{self.name}: a delay of {dt!r} s")
        with self._wake:
            due = self._due.push(boot_ns() + round(dt * NANO), self.name, action)
            self._wake.notify()
        return due

    def close(self) -> None:
        """Let the action in hand finish, run nothing more, join the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _next(self) -> Due | None:
        with self._wake:
            while not self._closed:
                due = self._due.peek()
                wait = LONGEST_WAIT if due is None else (due.at - boot_ns()) / NANO
                if due is not None and wait <= 0:
                    return self._due.pop()
                self._wake.wait(min(wait, LONGEST_WAIT))
        return None

    def _run(self) -> None:
        while (due := self._next()) is not None:
            due.action()


class WallClock:
    """The clock of hardware, and of twins under stress tests."""

    kind = "wall"
    pace = 1.0

    def __init__(self) -> None:
        self._start = boot_ns()
        self.epoch = time.time()
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.loop = asyncio.new_event_loop()
        self._thread = run_in_background(self.loop)

    def now(self) -> float:
        """Return seconds since the clock was made, suspended time included."""
        return (boot_ns() - self._start) / NANO

    def time(self) -> float:
        """Return the wall time."""
        return time.time()

    def set_live(self, engine: int, live: bool) -> None:
        """Do nothing: wall time moves by itself."""

    def hold(self) -> None:
        """Do nothing: wall time stands still for nobody."""

    def release(self) -> None:
        """Do nothing."""

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Handle:
        """Run `action` in `dt` seconds on the timer thread; what it raises is logged under `owner`."""

        def guarded() -> None:
            try:
                action()
            except Exception:
                log.exception("%s failed", owner)

        return self._lane("timers").push(dt, guarded)

    def spawn(self, lane: str, poller: Poller, on_error: Callable[[Exception], None]) -> Handle:
        """Run a poller, step by step, on its lane's thread."""
        on = self._lane(lane)
        spawned = Spawned(poller, on_error, lambda delay, step: on.push(delay, step))
        on.push(0.0, spawned.step)
        return spawned

    def sleep(self, dt: float, lane: str | None = None) -> None:
        """Wait `dt` seconds, or until the clock closes."""
        self._closing.wait(dt)

    def call(self, action: Callable[[], T]) -> T:
        """Run `action` here: wires have locks, and any thread may touch them."""
        return action()

    def status(self, what: str, deadline: float) -> StatusBase:
        """Return a status with a deadline on this clock."""
        return deadline_status(self, what, deadline)

    def close(self) -> None:
        """Stop and join every lane, then the loop."""
        self._closing.set()
        for lane in list(self._lanes.values()):
            lane.close()
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout=10)
            self.loop.close()

    def _lane(self, name: str) -> Lane:
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = Lane(name)
            return self._lanes[name]
