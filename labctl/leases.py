"""Who uses which station and which sample in this session: each has one holder, an engine of its own."""

from __future__ import annotations

import threading

from devices.errors import InterlockError


class Leases:
    """One holder for each station and sample; other processes are kept away by the bench's lock."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}
        self._lock = threading.Lock()

    def claim(self, station: str, holder: str) -> None:
        """Take a station; harmless twice. Raises InterlockError when another one has it."""
        with self._lock:
            other = self._holders.setdefault(station, holder)
        if other != holder:
            raise InterlockError(
                f"{station} free", f"{other} works on it; wait for its end or stop it, nothing was begun here"
            )

    def holder_of(self, station: str) -> str:
        """Return who has a station or sample; nothing when it is free."""
        with self._lock:
            return self._holders.get(station, "")

    def give_back(self, station: str, holder: str) -> None:
        """Let a station go that a holder needs no longer; nothing when another one has it."""
        with self._lock:
            if self._holders.get(station) == holder:
                del self._holders[station]

    def held_by(self, holder: str) -> list[str]:
        """Return the stations that a holder has."""
        with self._lock:
            return [station for station, each in self._holders.items() if each == holder]

    def release(self, holder: str) -> None:
        """Give back all that a holder has."""
        with self._lock:
            self._holders = {station: each for station, each in self._holders.items() if each != holder}
