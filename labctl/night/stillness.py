"""Virtual time kept still between the end of one item and the begin of what waited for it.

Without it a night would not be repeatable: how far virtual time jumps while a thread decides what comes next is the
machine's load. On the wall nothing is held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock


class Stillness:
    """Who keeps time still; changed on the clock's own thread only."""

    def __init__(self, clock: VirtualClock | WallClock) -> None:
        self._clock = clock
        self._holders: set[object] = set()

    def keep(self, holder: object) -> None:
        """Keep time still for somebody until it is let go."""

        def hold() -> None:
            if holder not in self._holders:
                self._holders.add(holder)
                self._clock.hold()

        self._clock.call(hold)

    def let_go(self, holders: Iterable[object]) -> None:
        """Let time move again as far as these kept it still."""

        def release() -> None:
            for holder in self._holders.intersection(holders):
                self._holders.discard(holder)
                self._clock.release()

        self._clock.call(release)

    def end(self) -> None:
        """Let time move again, whoever kept it still."""
        self.let_go(tuple(self._holders))

    def during(self, action: Callable[[], None]) -> Callable[[], None]:
        """Keep time still from now until the action that is returned has been done."""
        holder = object()
        self.keep(holder)

        def then() -> None:
            try:
                action()
            finally:
                self.let_go((holder,))

        return then
