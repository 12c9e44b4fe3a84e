"""Statuses whose deadline is on the clock (ophyd's own timeout counts wall time on a thread)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ophyd.status import StatusBase
from ophyd.utils import InvalidState

from devices.clock import Handle


class Schedules(Protocol):
    """The part of a clock that a deadline needs."""

    def after(self, dt: float, action: Callable[[], None], owner: str) -> Handle:
        """Run `action` in `dt` seconds."""


def deadline_status(clock: Schedules, what: str, deadline: float) -> StatusBase:
    """Return a status that fails with TimeoutError `deadline` [s] from now unless it is finished before."""
    status = StatusBase()

    def expire() -> None:
        if status.done:
            return
        try:
            status.set_exception(TimeoutError(f"{what}: not done within {deadline:g} s"))
        except InvalidState:
            # On wall time the lane may finish it between the look and the call: finished it is.
            return

    handle = clock.after(deadline, expire, f"deadline of {what}")
    status.add_callback(lambda _: handle.cancel())
    return status
