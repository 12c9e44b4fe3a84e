"""Clocks that only tests move."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from ophyd.status import Status


class ManualClock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.moment = 0.0

    def now(self) -> float:
        return self.moment

    def time(self) -> float:
        return 1.75e9 + self.moment

    def sleep(self, dt: float, lane: str | None = None) -> None:
        self.moment += dt

    def call(self, action: Callable[[], Any]) -> Any:
        return action()

    def status(self, what: str, deadline: float) -> Status:
        return Status()


class Running:
    """A spawned poller."""

    def __init__(self, poller: Any, on_error: Callable[[Exception], None]) -> None:
        self.poller, self.on_error, self.cancelled = poller, on_error, False

    def cancel(self) -> None:
        self.cancelled = True


class LaneClock(ManualClock):
    """Time passes when somebody sleeps or the test says so; pollers run when they are due, unless it is deaf."""

    def __init__(self) -> None:
        super().__init__()
        self.is_deaf = False
        self.errors: list[Exception] = []
        self._due: list[tuple[float, int, Running]] = []
        self._count = itertools.count()

    def status(self, what: str, deadline: float) -> Status:
        assert 0 < deadline < 1e9
        return super().status(what, deadline)

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """Run no poller any more."""
        self._due.clear()

    def spawn(self, lane: str, poller: Any, on_error: Callable[[Exception], None]) -> Running:
        running = Running(poller, on_error)
        heapq.heappush(self._due, (self.moment, next(self._count), running))
        return running

    def run_until(self, moment: float) -> None:
        while self._due and self._due[0][0] <= moment and not self.is_deaf:
            at, _, running = heapq.heappop(self._due)
            self.moment = max(self.moment, at)
            if running.cancelled:
                continue
            try:
                delay = next(running.poller)
            except StopIteration:
                continue
            except Exception as error:  # noqa: BLE001 - a clock hands whatever it is to the owner
                self.errors.append(error)
                running.on_error(error)
                continue
            heapq.heappush(self._due, (self.moment + delay, next(self._count), running))
        self.moment = max(self.moment, moment)
