"""The heartbeat of a night's processes: who they are, when they last looked, how far each item has come.

Age is measured since boot: neither a clock that is set nor a machine that slept makes an old beat young.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from labctl.clock.boot import NANO, boot_ns
from labctl.clock.label import wall_label
from labctl.state import Owner

HEARTBEAT, SUPERVISOR, GUARD = "run.json", "supervisor.json", "guard.json"
"""Where in a night's folder the process that runs it, the supervisor and the guard tell that they live."""

HUNG = 30.0
"""Seconds of silence after which a living process counts as hung; it looks twice a second [fault matrix, row 46]."""

LOOP = "the engines' loop"
"""Under what name a beat tells how often the loop of all engines has turned: one that is stuck does not."""


@dataclass(frozen=True)
class Beat:
    """One beat: whose, when [s since boot], messages by item so far, turns of the loop."""

    owner: Owner
    at: float
    progress: Mapping[str, int]

    @property
    def age(self) -> float:
        """Seconds since it was written."""
        return boot_ns() / NANO - self.at


class Heart:
    """Writes the beats of one process into one file."""

    def __init__(self, path: Path) -> None:
        self._path, self._owner = path, Owner.this(wall_label())

    def beat(self, progress: Mapping[str, int] | None = None) -> None:
        """Write one beat. Raises OSError."""
        told = {"owner": asdict(self._owner), "at": boot_ns() / NANO, "progress": dict(progress or {})}
        beside = self._path.with_suffix(".new")
        # Not synced: after a power cut nobody is alive whose beat it could be.
        beside.write_text(json.dumps(told))
        beside.replace(self._path)

    def stop(self) -> None:
        """Take the file away: this process ends in good order."""
        self._path.unlink(missing_ok=True)


def last_beat(path: Path) -> Beat | None:
    """Return the last beat in a file; None when there is none, or it cannot be read."""
    try:
        told = json.loads(path.read_text())
        return Beat(Owner(**told["owner"]), float(told["at"]), dict(told["progress"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Whoever watches treats no beat as a dead process, which is the careful side.
        return None
