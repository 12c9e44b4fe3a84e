"""Twins that stand together, as one twin: most of what is said to a chamber is said at one instant."""

from __future__ import annotations

from collections.abc import Sequence

from sim.bench import Twin


class Together:
    """Several twins, advanced in their order, and not twice to one instant.

    eventful: those that ever do something by themselves.
    """

    def __init__(self, twins: Sequence[Twin], eventful: Sequence[Twin]) -> None:
        self.log: list[tuple[float, str, str]] = []
        self._twins, self._eventful = tuple(twins), tuple(eventful)
        self._next = [twin.next_event for twin in eventful]
        self._advances = [twin.advance for twin in twins]
        self._now: float | None = None

    def advance(self, now: float) -> None:
        """Bring all of them up to `now`."""
        if now != self._now:
            self._now = now
            for advance in self._advances:
                advance(now)

    def next_event(self) -> float | None:
        """Return when the first of them does something."""
        first = None
        for ask in self._next:
            at = ask()
            if at is not None and (first is None or at < first):
                first = at
        return first

    def fire_event(self, now: float) -> None:
        """Let that one do it."""
        first = self.next_event()
        for twin in self._eventful if first is not None else ():
            if twin.next_event() == first:
                twin.fire_event(now)
                return
