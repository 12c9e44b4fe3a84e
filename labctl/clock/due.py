"""What is due, in order of time."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from devices.clock import Poller

log = logging.getLogger(__name__)


@dataclass(order=True)
class Due:
    """One action at an instant of the clock [ns]; a lane runs one action at a time."""

    at: int
    sequence: int
    lane: str = field(compare=False)
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Call it off."""
        self.cancelled = True


class DueList:
    """A heap of dues; `sequence` numbers the last one pushed. Not locked: its clock locks."""

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self.sequence = 0

    def push(self, at: int, lane: str, action: Callable[[], None]) -> Due:
        """Add an action."""
        self.sequence += 1
        due = Due(at, self.sequence, lane, action)
        heapq.heappush(self._heap, due)
        return due

    def peek(self) -> Due | None:
        """Return the next action that was not called off."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def pop(self) -> Due:
        """Remove and return the first action."""
        return heapq.heappop(self._heap)

    def pop_outside(self, lanes: Collection[str], until: int) -> Due | None:
        """Remove and return the first action due by `until` whose lane is not among `lanes`."""
        found = min(
            (d for d in self._heap if d.at <= until and d.lane not in lanes and not d.cancelled), default=None
        )
        if found is not None:
            self._heap.remove(found)
            heapq.heapify(self._heap)
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()


class Spawned:
    """A poller on its lane: runs a step, asks to be pushed again after the delay it yields."""

    def __init__(
        self,
        poller: Poller,
        on_error: Callable[[Exception], None],
        push: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._poller, self._on_error, self._push = poller, on_error, push
        self._cancelled = False

    def step(self) -> None:
        """Run the poller to its next yield; hand what it raises to its owner."""
        try:
            if self._cancelled:
                self._poller.close()
            else:
                self._push(next(self._poller), self.step)
        except StopIteration:
            return
        except Exception as error:
            self._report(error)

    def cancel(self) -> None:
        """Let it run no further step; its cleanup runs on its own lane, at its next turn."""
        self._cancelled = True

    def _report(self, error: Exception) -> None:
        """Tell the owner; when even that fails, the lane and whoever waits on it must not suffer."""
        try:
            self._on_error(error)
        except Exception:
            log.exception("a poller failed with %r, and so did its owner", error)
