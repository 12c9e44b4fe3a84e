"""One journal of a run: what it says of itself, and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from devices.errors import Corrupt
from labctl.journal.cache import columns
from labctl.journal.documents import read_documents
from labctl.runs.rows import Column, Table, read_rows
from labctl.runs.skim import skim


class Member:
    """One journal, its ends and descriptors read, its rows not yet.

    damage: what is wrong with it. Raises DataError when it cannot be read, for damage unless `until_damage`.
    """

    def __init__(self, path: Path, *, until_damage: bool = False) -> None:
        found = skim(path)
        if found.damage and not until_damage:
            raise Corrupt(
                f"{found.damage}; `labctl show {path.stem[:8]}` shows what stands before it, `labctl recover"
                f" {path.stem[:8]}` closes the run there with what the spool has"
            )
        self.path, self.damage, self._until_damage = path, found.damage, until_damage
        self.start: dict[str, Any] = found.start or {}
        self.stop, self.counts = found.stop, found.counts
        self.uid = str(self.start.get("uid", path.stem))
        self.streams: dict[str, list[dict[str, Any]]] = {}
        for descriptor in found.descriptors.values():
            self.streams.setdefault(descriptor["name"], []).append(descriptor)

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield its documents as the engine emitted them."""
        return read_documents(self.path, until_damage=self._until_damage)

    def rows(self, stream: str, keys: Sequence[str]) -> tuple[Column, Table]:
        """Return time labels and columns of a stream that it has; keys that it does not know are left out."""
        described = self.streams[stream]
        known = described[0]["data_keys"]
        wanted = {key: known[key] for key in keys if key in known}
        if self.damage:
            return read_rows(self.path, wanted, [each["uid"] for each in described])
        rows = columns(self.path)[stream]
        return rows.times, {key: rows.data[key] for key in wanted}
