"""Time as devices see it. The session owns the one Clock; devices are handed it and never ask another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from ophyd.status import StatusBase

T = TypeVar("T")

Poller = Generator[float, None, None]
"""Talks, appends rows and yields the delay in seconds until it wants to run again."""


class Handle(Protocol):
    """Something that is due, or runs, and can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless when it has already happened."""


class Clock(Protocol):
    """The eight names a device may use of time."""

    def now(self) -> float:
        """Return seconds of the bench's monotonic time."""

    def time(self) -> float:
        """Return seconds since the epoch: a label for people, never for durations."""

    def sleep(self, dt: float, lane: str | None = None) -> None:
        """Let `dt` seconds pass; other lanes go on, `lane` does not."""

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Handle:
        """Run `action` in `dt` seconds; a failure is reported under `owner`."""

    def spawn(self, lane: str, poller: Poller, on_error: Callable[[Exception], None]) -> Handle:
        """Run a poller on its lane until it ends; `on_error` hears of what it raises."""

    def call(self, action: Callable[[], T]) -> T:
        """Run `action` where wires may be touched, and return its result."""

    def status(self, what: str, deadline: float) -> StatusBase:
        """Return a status that fails with TimeoutError `deadline` seconds from now unless finished before."""

    def close(self) -> None:
        """Stop everything that is due."""
