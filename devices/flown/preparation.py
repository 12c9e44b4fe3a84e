"""Before a job: a station made ready, a person's word where one is asked for, the sample in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ophyd.status import StatusBase

from devices.clock import Clock, Poller
from devices.errors import InterlockError
from devices.flown.underway import finish
from devices.roles.hands import Bring, Confirm, Hands

PATIENCE = 24 * 3600.0
"""Seconds that people may take."""


class Preparation:
    """One preparation of a station, run on its lane in steps that wait for hands.

    status finishes when all is done. call_off() keeps what comes later from being set.
    """

    def __init__(self, name: str, clock: Clock, lane: str, hands: Hands) -> None:
        self.status: StatusBase = clock.status(f"prepare {name}", PATIENCE)
        self._clock, self._lane, self._hands = clock, lane, hands
        self._called_off = False

    def call_off(self) -> None:
        """Let nothing more be set; its status fails when the hands are done."""
        self._called_off = True

    def run(
        self, before: Callable[[], Poller | None], tasks: Sequence[Bring | Confirm], done: Callable[[], None]
    ) -> None:
        """Do what comes before, on the lane; have the tasks done one after the other; done is called then."""

        def begun() -> Poller:
            yield from before() or ()
            yield from self._task(tasks, done)

        self._clock.spawn(self._lane, begun(), self._fail)

    def _task(self, tasks: Sequence[Bring | Confirm], done: Callable[[], None]) -> Poller:
        """Have the first task done, and the others after it."""
        asked = self._hands.set(tasks[0])
        asked.add_callback(
            lambda _: self._clock.spawn(self._lane, self._answered(asked, tasks[1:], done), self._fail)
        )
        yield from ()

    def _answered(
        self, asked: StatusBase, rest: Sequence[Bring | Confirm], done: Callable[[], None]
    ) -> Poller:
        failure = asked.exception(timeout=0)
        if failure is not None:
            raise failure
        if self._called_off:
            raise InterlockError("preparation", "it was called off before the sample came; nothing was set")
        if rest:
            yield from self._task(rest, done)
            return
        done()
        self.status.set_finished()

    def _fail(self, error: Exception) -> None:
        finish(self.status, error)
