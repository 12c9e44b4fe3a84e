"""A shell beside a bench that somebody else holds: it looks on, says who that is, and what can be done meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from devices.errors import LabError, OwnershipError
from labctl.clock.label import wall_label
from labctl.config.folder import Config
from labctl.plans import discover_plans


class LooksOn(LabError):
    """What was asked for takes a bench, and this shell has none; nothing was begun."""


@dataclass(frozen=True)
class LookingOn:
    """Who holds the bench that was asked for, in words, and which names are not at the prompt for that."""

    bench: str
    holder: str
    names: frozenset[str]

    def __str__(self) -> str:
        return f"this shell looks on only: bench {self.bench} is in use by {self.holder}"

    @property
    def greeting(self) -> str:
        """What is said at the start."""
        return (
            f"{self}.\nNothing was opened, so there is no RE and no device here; what runs there goes on. Ctrl-C where"
            " it was started ends it in good order; once it has ended, leave and start the shell again."
        )


def looking_on(bench: str, config: Config, error: OwnershipError) -> LookingOn:
    """Return what a shell says that was refused a bench."""
    names = {"RE", "lab", "hands", "plans", "run", *discover_plans(), *config.bench(bench).devices}
    return LookingOn(bench, _in_words(error.holder), frozenset(names))


def _in_words(holder: str) -> str:
    """Return "process 4711 (labctl run first-cell) since 22:26:06" for what a lock file says, else that as it is."""
    from labctl.doctor.holders import command_of

    words = holder.split()
    if len(words) != 4 or words[::2] != ["pid", "since"]:
        return holder
    try:
        since = datetime.fromisoformat(words[3]).astimezone()
    except ValueError:
        return holder
    today = since.date() == datetime.fromtimestamp(wall_label()).date()
    return f"process {words[1]} ({command_of(words[1])}) since {since:{'%H:%M:%S' if today else '%Y-%m-%d %H:%M'}}"
