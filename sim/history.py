"""What happened to a foil, in the order it happened: a train of equal flashes takes the room of one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

NANOSECOND = 1e-9


@dataclass(frozen=True)
class Events:
    """Equal events, one every period [s] from a time [s] on; what: their fields but for the time."""

    what: Mapping[str, Any]
    time: float
    count: int = 1
    period: float = math.nan

    @property
    def last(self) -> float:
        """Time [s] of the last."""
        return self.time if self.count == 1 else self.time + (self.count - 1) * self.period

    def joined(self, what: Mapping[str, Any], time: float) -> Events | None:
        """Return these with one more at a time [s]; None where it is another, or does not come when it is due."""
        if what != self.what:
            return None
        if self.count == 1:
            return replace(self, count=2, period=time - self.time)
        due = self.time + self.count * self.period
        return replace(self, count=self.count + 1) if abs(time - due) <= NANOSECOND else None


class History:
    """Events with their times [s], kept as runs of equal ones a period apart."""

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self._runs: list[Events] = []
        for event in events:
            self.add(**event)

    def add(self, *, time: float, **what: Any) -> None:
        """Append what happened at a time [s]."""
        longer = self._runs[-1].joined(what, time) if self._runs else None
        if longer is None:
            self._runs.append(Events(what, time))
        else:
            self._runs[-1] = longer

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each event as a table of its own; times are good to a nanosecond."""
        for run in self._runs:
            for number in range(run.count):
                time = run.time if number == 0 else run.time + number * run.period
                yield {**run.what, "time": time}

    @property
    def last(self) -> float | None:
        """Time [s] of the latest event; None before there is any."""
        return self._runs[-1].last if self._runs else None
