"""Virtual time: the engine's event loop, when it has nothing ready, moves time to the next thing due.

Time moves only while a plan runs, while somebody at the prompt waits, or when a pace is set; idle and paused
it stands still. Integer nanoseconds inside. Tokens that let time move change on the loop's thread only.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bluesky.run_engine import _ensure_event_loop_running as run_in_background
from ophyd.status import StatusBase

from devices.clock import Handle, Poller
from labctl.clock.due import Due, DueList, Spawned
from labctl.clock.status import deadline_status

T = TypeVar("T")
log = logging.getLogger(__name__)

NANO = 1_000_000_000


@dataclass(frozen=True)
class PacedWait:
    """A wait of paced time, from `began` [ns of the wall] and `since` to `until` [ns of the clock]."""

    began: int
    since: int
    until: int | None
    pace: float

    def now(self) -> int:
        """Return how far the clock has come [ns]; never beyond what is due next."""
        reached = self.since + int((time.monotonic_ns() - self.began) * self.pace)
        return reached if self.until is None else min(reached, self.until)


class ClockSelector(selectors.DefaultSelector):
    """Where asyncio waits for sockets and timers; here waiting means moving the clock."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready (threads, signals and sockets win); else let the clock wait."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return self._clock.wait_in_loop(super().select, timeout)


class ClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the clock's."""

    _is_made = False

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        super().__init__(ClockSelector(clock))
        self._is_made = True

    def __del__(self) -> None:
        # A signal may come while it is made: what is half made cannot say whether somebody forgot to close it.
        if self._is_made:
            super().__del__()

    def time(self) -> float:
        """Return the clock's time."""
        return self._clock.now()


class VirtualClock:
    """Time that jumps (pace None), or runs at `pace` times the wall and waits for late code."""

    kind = "virtual"

    def __init__(self, pace: float | None = None, *, not_before: float = 0.0) -> None:
        """`not_before` [s since the epoch]: labels begin then at the earliest, behind what was kept before."""
        self.pace = pace
        self.epoch = max(time.time(), not_before)
        self._ns = 0
        self._waiting: PacedWait | None = None
        self._due = DueList()
        self._lock = threading.RLock()
        self._lanes_on_stack: list[str] = []
        self._live: set[int] = set()
        self._foreground = self._held = 0
        self.loop = ClockLoop(self)
        self._thread = run_in_background(self.loop)
        self._ident = self._thread.ident

    def now(self) -> float:
        """Return seconds since the clock was made."""
        waiting = self._waiting
        return (self._ns if waiting is None else waiting.now()) / NANO

    def time(self) -> float:
        """Return the wall time at which the clock was made, plus now()."""
        return self.epoch + self.now()

    def set_live(self, engine: int, live: bool) -> None:
        """Let time move for an engine that is executing messages; called on the loop's thread."""
        if live:
            self._live.add(engine)
        else:
            self._live.discard(engine)

    def hold(self) -> None:
        """Keep time still until `release`, whoever is live: what began at one instant goes on at that instant."""
        self.call(lambda: self._hold(1))

    def release(self) -> None:
        """Take one hold back."""
        self.call(lambda: self._hold(-1))

    def _hold(self, more: int) -> None:
        self._held += more

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Handle:
        """Run `action` in `dt` seconds on the loop's thread; what it raises is logged under `owner`."""

        def guarded() -> None:
            try:
                action()
            except Exception:
                log.exception("%s failed", owner)

        return self._push(dt, f"after:{owner}", guarded)

    def spawn(self, lane: str, poller: Poller, on_error: Callable[[Exception], None]) -> Handle:
        """Run a poller, step by step, on the loop's thread."""
        spawned = Spawned(poller, on_error, lambda delay, step: self._push(delay, lane, step))
        self._push(0.0, lane, spawned.step)
        return spawned

    def sleep(self, dt: float, lane: str | None = None) -> None:
        """Let `dt` seconds pass.

        On the loop's thread the due steps of other lanes run meanwhile, nested, never one of a lane already on
        the stack. From any other thread the caller waits in the foreground and time moves for it.
        """
        if threading.current_thread() is self._thread:
            self._sleep_nested(dt, lane)
        else:
            self._sleep_in_foreground(dt)

    def call(self, action: Callable[[], T]) -> T:
        """Run `action` on the loop's thread and return its result."""
        if threading.get_ident() == self._ident or not self.loop.is_running():
            return action()
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(action())
            except BaseException as error:
                answer.set_exception(error)

        self.loop.call_soon_threadsafe(run)
        return answer.result()

    def status(self, what: str, deadline: float) -> StatusBase:
        """Return a status with a deadline on this clock."""
        return deadline_status(self, what, deadline)

    def close(self) -> None:
        """Forget what is due, stop the loop and join its thread."""
        if self.loop.is_closed():
            return
        with self._lock:
            self._due.clear()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
        self.loop.close()

    def wait_in_loop(self, block: Callable[[float | None], list[Any]], timeout: float | None) -> list[Any]:
        """Wait on behalf of the loop: move to the next due action or loop timer, or really block.

        `timeout` [s] is the loop's own next timer, relative to now. Its instant does not depend on how often the
        loop woke before it, and what is due at the same instant comes first: so a reader moves no page border.
        """
        with self._lock:
            due = self._due.peek()
        timer = None if timeout is None else max(round((self._ns / NANO + timeout) * NANO), self._ns + 1)
        targets = [at for at in (due.at if due else None, timer) if at is not None]
        target = max(min(targets), self._ns) if targets else None
        if self.pace:
            ready = self._wait_paced(block, target, self.pace)
            if ready or target is None:
                return ready
        elif target is None or self._held or not (self._live or self._foreground):
            return block(None)
        self._ns = target
        if due is not None and due.at <= target:
            self.loop.call_soon(self._run_due)
        return []

    def _wait_paced(
        self, block: Callable[[float | None], list[Any]], target: int | None, pace: float
    ) -> list[Any]:
        """Let the wall's time pass up to `target` [ns]; return what became ready meanwhile."""
        waiting = self._waiting = PacedWait(time.monotonic_ns(), self._ns, target, pace)
        ready = block(None if target is None else (target - self._ns) / NANO / pace)
        self._ns, self._waiting = waiting.now(), None
        return ready

    def _now_ns(self) -> int:
        waiting = self._waiting
        return self._ns if waiting is None else waiting.now()

    def _run_due(self) -> None:
        """Run everything that is due now, in order; what it makes due now comes after the loop's own turn."""
        with self._lock:
            last = self._due.sequence
        while (due := self._pop_due(last)) is not None:
            self._run(due)

    def _pop_due(self, last: int) -> Due | None:
        with self._lock:
            due = self._due.peek()
            if due is None or due.at > self._ns or due.sequence > last:
                return None
            return self._due.pop()

    def _run(self, due: Due) -> None:
        with self._on_stack(due.lane):
            due.action()

    @contextmanager
    def _on_stack(self, lane: str | None) -> Iterator[None]:
        if lane is None:
            yield
            return
        self._lanes_on_stack.append(lane)
        try:
            yield
        finally:
            self._lanes_on_stack.pop()

    def _push(self, dt: float, lane: str, action: Callable[[], None]) -> Due:
        if not dt >= 0:
            raise ValueError(f"{lane}: a delay of {dt!r} s")
        with self._lock:
            due = self._due.push(self._now_ns() + _nanoseconds(dt), lane, action)
        if threading.current_thread() is not self._thread:
            self.loop.call_soon_threadsafe(lambda: None)
        return due

    def _sleep_nested(self, dt: float, lane: str | None) -> None:
        until = self._ns + _nanoseconds(dt)
        with self._on_stack(lane):
            while True:
                with self._lock:
                    due = self._due.pop_outside(self._lanes_on_stack, until)
                if due is None:
                    break
                self._move_to(due.at)
                self._run(due)
        self._move_to(until)

    def _move_to(self, at: int) -> None:
        if at <= self._ns:
            return
        if self.pace:
            time.sleep((at - self._ns) / NANO / self.pace)
        self._ns = max(self._ns, at)

    def _sleep_in_foreground(self, dt: float) -> None:
        woken = threading.Event()
        begun: list[Due] = []

        def begin() -> None:
            self._foreground += 1
            begun.append(self._push(dt, "foreground", release))

        def release() -> None:
            self._foreground -= 1
            woken.set()

        def give_up() -> None:
            if not woken.is_set() and begun:
                begun[0].cancel()
                release()

        self.loop.call_soon_threadsafe(begin)
        try:
            woken.wait()
        finally:
            if not woken.is_set():
                self.loop.call_soon_threadsafe(give_up)


def _nanoseconds(dt: float) -> int:
    """Return whole nanoseconds, at least one for any positive delay: a poller that asks for less must get on."""
    return max(round(dt * NANO), 1 if dt > 0 else 0)
