"""A link that is silent: borne for as long as patience says, and said once."""

from __future__ import annotations

from collections.abc import Callable

from devices.clock import Clock
from devices.errors import LabError

Say = Callable[[str, str, str], None]
"""Takes an event: its code, how severe it is, its text."""


class Silence:
    """The silence of a link, borne for `patience` seconds."""

    def __init__(self, clock: Clock, patience: float, say: Say) -> None:
        self._clock, self._patience, self._say = clock, patience, say
        self._since: float | None = None

    def bear(self, error: LabError, meanwhile: str) -> None:
        """Note that the link is silent, and what happens meanwhile; raise when it has been so for too long."""
        now = self._clock.now()
        if self._since is None:
            self._since = now
            self._say("link_lost", "warning", f"{error}; {meanwhile}")
        if now - self._since >= self._patience:
            raise error

    def end(self) -> None:
        """Note that the link is there."""
        if self._since is not None:
            silent, self._since = self._clock.now() - self._since, None
            self._say("link_back", "info", f"after {silent:.0f} s; the rows of that time were fetched")
