"""Shutters: a relay, 24 volts that the dead-man can take away, and a mechanism that can stick."""

from __future__ import annotations

from collections.abc import Collection

SUBSTRATE = "substrate_shutter"


def shutter_of(source: str) -> str:
    """Return what the relay of a source's own shutter is called."""
    return f"{source}_shutter"


class Shutters:
    """Shutters by the names of their relays; one that has no relay is not there and hides nothing."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = tuple(name for name in names if name.endswith("_shutter"))
        self._on = dict.fromkeys(self.names, False)
        self._stuck: dict[str, bool] = {}
        self._powered = True
        self._dead: set[str] = set()

    def tell(self, name: str, on: bool) -> None:
        """Switch a relay."""
        self._on[name] = on

    def power(self, on: bool) -> None:
        """Give or take the 24 volts that hold them open."""
        self._powered = on

    def stick(self, name: str, is_open: bool) -> None:
        """Let one stay open or closed, whatever it is told."""
        self._stuck[name] = is_open

    def free(self, name: str) -> None:
        """Let it follow again."""
        self._stuck.pop(name, None)

    def is_open(self, name: str) -> bool:
        """Return whether one is truly open."""
        return name not in self._on or self._stuck.get(name, self._powered and self._on[name])

    def kill(self, end: str, dead: bool) -> None:
        """Let an end switch not be made any more, or again."""
        (self._dead.add if dead else self._dead.discard)(end)

    def is_made(self, end: str) -> bool:
        """Return whether an end switch is made: "shutter_open", "shutter_closed" of the substrate's, "gun1_open"."""
        which, _, word = end.rpartition("_")
        name = SUBSTRATE if which == "shutter" else shutter_of(which)
        return end not in self._dead and self.is_open(name) is (word == "open")

    def opened(self) -> dict[str, bool]:
        """Return which are truly open."""
        return {name: self.is_open(name) for name in self.names}
