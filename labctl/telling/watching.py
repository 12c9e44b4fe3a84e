"""What is worth an alarm, found in documents: the chronicle, events of runs, state files, journals, the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, DataError
from devices.limits import DiskLimits
from labctl.clock.label import wall_label
from labctl.config.telling import Severity
from labctl.journal.disk import Room, told_apart
from labctl.journal.shape import RunShape
from labctl.journal.tail import Tail
from labctl.night.chronicle import happenings
from labctl.night.conditions import is_unmet
from labctl.runs.index import ask_index
from labctl.runs.states import DAMAGED, NEWER
from labctl.state import Said, last_said
from labctl.telling.alarms import Condition

RECENT = 7 * 86400.0
"""Seconds back in which the events of runs are looked through; older ones had their morning."""

NEWS: Mapping[str, Severity] = {
    "failed": "alarm",
    "asks": "alarm",
    "skipped": "warning",
    "stopped": "warning",
}
"""Happenings of a night that are worth an alarm; not an item that its condition leaves out, as its list says."""


class Watch:
    """Looks through one data folder, each time only at what came since.

    night: the folder of a night whose happenings count too. look: what tells the disk's room; label: the wall's time.
    """

    def __init__(
        self,
        data: Path,
        night: Path | None,
        disk: DiskLimits,
        look: Callable[[Path], Room] = os.statvfs,
        label: Callable[[], float] = wall_label,
    ) -> None:
        self._data, self._night, self._disk = data, night, disk
        self._look, self._label = look, label
        self._events: dict[str, _Events] = {}
        self._of_runs: list[Condition] = []

    def conditions(self, *, thorough: bool = True) -> list[Condition]:
        """Return everything, what was found before as well; thorough: look into the journals of runs again.

        Raises OSError, DataError.
        """
        if thorough:
            self._of_runs = [*self._damaged(), *self._run_events()]
        return [*self._told(), *self._devices(), *self._room(), *self._of_runs]

    def _told(self) -> Iterator[Condition]:
        try:
            yield from () if self._night is None else chronicle_conditions(self._night)
        except DataError as error:
            text = f"its chronicle is damaged: {error}"
            yield Condition("chronicle damaged", "alarm", "the night", text, self._label(), lasting=True)

    def _devices(self) -> Iterator[Condition]:
        states = self._data / "state"
        for path in [*sorted(states.glob("*.json")), *sorted(states.glob("*/*.json"))]:
            try:
                said = last_said(path)
            except Corrupt as error:
                key = f"state {path.relative_to(states)} unreadable"
                yield Condition(key, "alarm", path.stem, str(error), path.stat().st_mtime, lasting=True)
                continue
            if said is not None:
                yield from _of_device(said, str(path.relative_to(states)))

    def _room(self) -> Iterator[Condition]:
        room = self._look(self._data)
        free = room.f_bavail * room.f_frsize
        if free < self._disk.alarm:
            severity: Severity = "alarm" if free < self._disk.reserve else "warning"
            left, reserve = told_apart(free, self._disk.reserve)
            text = f"the disk of the data folder has {left} left; runs are ended at {reserve}"
            yield Condition(f"disk {severity}", severity, "disk", text, self._label(), lasting=True)

    def _damaged(self) -> Iterator[Condition]:
        query = (
            "SELECT uid, status, damage, max(began, ended) FROM runs WHERE damage <> '' ORDER BY began, uid"
        )
        rows = ask_index(self._data, lambda connection: connection.execute(query).fetchall())
        for uid, status, damage, when in rows:
            text = f"its journal is {NEWER if status == NEWER else DAMAGED}: {damage}"
            yield Condition(f"journal {uid}", "alarm", f"run {uid[:8]}", text, when)

    def _run_events(self) -> Iterator[Condition]:
        query = (
            "SELECT path FROM runs WHERE listed AND ended >= ? AND purpose <> 'derived' ORDER BY began, uid"
        )
        oldest = self._label() - RECENT
        rows = ask_index(self._data, lambda connection: connection.execute(query, (oldest,)).fetchall())
        for (path,) in rows:
            known = self._events.get(path)
            if known is None or known.tail.cut_short():
                known = self._events[path] = _Events(self._data / path)
            yield from known.conditions()


class _Events:
    """The events of one run that are worth an alarm, read on as its journal grows."""

    def __init__(self, path: Path) -> None:
        self.tail, self._path = Tail(path, RunShape()), path
        self._descriptors: set[str] = set()
        self._found: list[Condition] = []
        self._subject = ""

    def conditions(self) -> list[Condition]:
        # Damage is told by the index; what stands before it is found here.
        with suppress(DataError):
            for record in self.tail.records():
                if record.kind == "D":
                    self._document(*record.payload[:2])
                elif record.kind == "R" and record.payload["descriptor"] in self._descriptors:
                    self._rows(record.payload)
        return self._found

    def _document(self, name: str, document: Mapping[str, Any]) -> None:
        if name == "start":
            sample = document.get("sample")
            self._subject = str(sample.get("id", "")) if isinstance(sample, Mapping) else ""
        elif name == "descriptor" and document["name"] == "events":
            self._descriptors.add(document["uid"])

    def _rows(self, page: Mapping[str, Any]) -> None:
        columns = page["data"]
        if not columns.keys() >= {"severity", "text"}:
            return
        for row, severity in enumerate(columns["severity"]):
            if severity in ("warning", "alarm", "fault", "error"):
                level: Severity = "warning" if severity == "warning" else "alarm"
                source = f"run {self._path.stem[:8]}{f' on {self._subject}' if self._subject else ''}"
                key = f"event {self._path.stem} {page['first'] + row}"
                self._found.append(
                    Condition(key, level, source, str(columns["text"][row]), float(page["time"][row]))
                )


def chronicle_conditions(night: Path) -> Iterator[Condition]:
    """Yield what a night's chronicle has that is worth an alarm. Raises Corrupt."""
    for number, told in enumerate(happenings(night)):
        what, item, reason = told["what"], told["item"], str(told.get("reason", ""))
        key, since = f"night {night.name} {number}", float(told["time"])
        if what == "skipped" and is_unmet(reason):
            continue
        if what in NEWS:
            yield Condition(key, NEWS[what], f"item {item}", f"{what}: {reason}" if reason else what, since)
        elif what == "waiting" and "said to go on" not in reason:
            yield Condition(key, "warning", f"item {item}", reason, since)
        elif what == "ordered" and told.get("refusal"):
            yield Condition(key, "warning", "an order", f"refused: {told['refusal']}", since)
        elif what == "opened":
            for name, parts in told.get("missing", {}).items():
                text = "; ".join(f"{part}: {reason}" for part, reason in parts.items())
                yield Condition(f"{key} {name}", "warning", name, f"it does not answer: {text}", since)


def _of_device(said: Said, path: str) -> Iterator[Condition]:
    if said.latched:
        text = f"latched until somebody resets it: {said.latched}"
        yield Condition(f"state {path} latched", "alarm", said.device, text, said.time, lasting=True)
    elif said.abandoned:
        text = f"the process that held it is gone; its last word was {said.report.get('state', '')!r}"
        yield Condition(f"state {path} left", "alarm", said.device, text, said.time, lasting=True)
