"""What a night did, told while it does it: one file of records a session, read again to go on or to report.

`nights/<night>/<n>.jnl`: the list is written first, then one record per happening. A night that is gone on with gets
another file beside; together they are the night.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labctl.journal.records import NEW, RecordFile, read_records, remove_dead

OVER = frozenset({"done", "failed", "skipped", "stopped"})
"""States in which nothing more happens to an item."""


@dataclass
class ItemState:
    """Where an item stands: waiting, asking, running, or over; why; its attempts by experiment uid, and their runs.

    failures: how many attempts failed and are tried again.
    """

    state: str = "waiting"
    reason: str = ""
    experiments: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    failures: int = 0
    began: float | None = None
    ended: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in OVER


class Chronicle:
    """Writes what happens, synced one by one, and keeps where every item stands.

    past: what was told before this process began.
    """

    def __init__(self, folder: Path, header: Mapping[str, Any]) -> None:
        """Begin the next file of a night. Raises OwnershipError when another process is at it."""
        self.folder = folder
        self.states: dict[str, ItemState] = {}
        self.past = tuple(happenings(folder))
        for happening in self.past:
            apply(self.states, happening)
        number = len(files(folder)) + 1
        self._turn = threading.Lock()
        path = folder / f"{number}.jnl"
        # Who died while it made the next file left one that holds nothing.
        remove_dead(path.with_name(path.name + NEW))
        self._file = RecordFile(path, {"holds": "night", **header})

    def tell(self, time: float, what: str, item: str = "", **details: Any) -> None:
        """Write a happening: its time label [s since the epoch], what it was, whose."""
        happening = {"time": time, "what": what, "item": item, **details}
        with self._turn:
            self._file.append("N", happening)
            self._file.sync()
            apply(self.states, happening)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def happenings(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield what was told of a night, in order, all its files. Raises Corrupt, Foreign, Newer."""
    for path in files(folder):
        for record in read_records(path):
            if record.kind == "N":
                yield record.payload


def states_of(folder: Path) -> dict[str, ItemState]:
    """Return where every item of a night stands, by name."""
    states: dict[str, ItemState] = {}
    for happening in happenings(folder):
        apply(states, happening)
    return states


def apply(states: dict[str, ItemState], happening: Mapping[str, Any]) -> None:
    """Let a happening move the items."""
    what, name = happening["what"], happening["item"]
    if what == "listed":
        for listed in happening["hashes"]:
            states.setdefault(listed, ItemState())
    if not name:
        return
    state = states.setdefault(name, ItemState())
    if what == "removed":
        del states[name]
    elif what == "started":
        state.state, state.reason, state.ended = "running", "", None
        state.began = happening["time"] if state.began is None else state.began
        state.experiments.append(happening["experiment"])
    elif what == "run":
        state.runs.append(happening["uid"])
    elif what in OVER or what in ("waiting", "asks"):
        state.state, state.reason = what, happening.get("reason", "")
        state.failures += bool(happening.get("failed"))
        state.ended = happening["time"] if what in OVER else None


def files(folder: Path) -> list[Path]:
    """Return the files of a night's chronicle, in order."""
    return sorted(folder.glob("*.jnl"), key=lambda path: int(path.stem))
