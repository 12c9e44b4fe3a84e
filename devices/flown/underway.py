"""A job on its way on a station's lane: held and ended from anywhere, alive while a plan renews its lease."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ophyd.status import StatusBase
from ophyd.utils import InvalidState

from devices.clock import Clock, Poller
from devices.errors import InterlockError

LEASE = 15.0
"""Seconds the plan may stay silent before what is under way is ended."""
UNHEARD = f"no live plan was heard of for {LEASE:g} s"


class Underway:
    """One job, from its start to its end; subclasses say what is done.

    started and finished: statuses; began: time label [s]. poller() is run on the station's lane; end() ends it from
    anywhere.
    """

    def __init__(self, clock: Clock, started: StatusBase, finished: StatusBase) -> None:
        self._clock, self.started, self.finished = clock, started, finished
        self.began = clock.time()
        self._lock = threading.RLock()
        self._over = self._paused = self._unattended = False
        self._lease_until = clock.now() + LEASE

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, or was ended."""
        return self._over

    @property
    def paused(self) -> bool:
        """Whether somebody holds it."""
        return self._paused

    @property
    def is_held(self) -> bool:
        """Whether it stands still: somebody holds it, or no live plan was heard of since then."""
        return self._paused or self._unattended

    @property
    def is_unheard_of(self) -> bool:
        """Whether its lease has run out."""
        return self._clock.now() > self._lease_until

    def renew_lease(self) -> None:
        """Let it go on for another LEASE seconds, and after a resume at all."""
        self.hold_lease()
        self._unattended = False

    def hold_lease(self) -> None:
        """Let it stay as it is for another LEASE seconds."""
        self._lease_until = self._clock.now() + LEASE

    def pause(self) -> bool:
        """Hold it: nothing new is begun once this returns. Return whether it was going on."""
        with self._lock:
            was, self._paused = self._paused, True
        return not was

    def resume(self) -> None:
        """Go on with what is left, none is repeated, as soon as a live plan renews the lease."""
        with self._lock:
            self._paused, self._unattended = False, True

    def end(self) -> bool:
        """Do nothing any more; return whether it was going on."""
        with self._lock:
            was, self._over = self._over, True
        return not was

    def settle(self) -> None:
        """Find out after its end what became of what was in hand: by default nothing was."""

    def finish(self, error: Exception | None) -> None:
        """Bring its statuses to their end, those that have not come to one."""
        for status in (self.started, self.finished):
            finish(status, error)

    def poller(self, done: Callable[[], None]) -> Poller:
        """Do it; `done` is called when all was done and nobody ended it."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is done")

    def _require_lease(self, consequence: str) -> None:
        """Raise InterlockError when its lease has run out."""
        if self.is_unheard_of:
            raise InterlockError("lease", f"{UNHEARD}; {consequence}")


def finish(status: StatusBase | None, error: Exception | None = None) -> None:
    """Bring a status to its end, unless it has come to one."""
    if status is None or status.done:
        return
    try:
        if error is None:
            status.set_finished()
        else:
            status.set_exception(error)
    except InvalidState:
        # On wall time its deadline, or an end from another thread, may come between the look and the call.
        return
