"""Runs whose journals are damaged, each checked from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.journal.aside import how_to_set_aside
from labctl.journal.records import has_writer
from labctl.runs.briefs import run_files
from labctl.runs.skim import skim


@dataclass(frozen=True)
class Damaged:
    """A journal and what is wrong with it; readable: what stands before the damage can be read and kept."""

    path: Path
    damage: str
    readable: bool

    def __str__(self) -> str:
        if not self.readable:
            return f"{self.damage}; {how_to_set_aside(self.path)}"
        uid = self.path.stem[:8]
        return (
            f"{uid} is damaged: {self.damage}. `labctl show {uid}` shows what stands before it; `labctl recover {uid}`"
            " ends the run there, with the rows that the spool has, and keeps what cannot be read beside it"
        )


def damaged(data: Path) -> Iterator[Damaged]:
    """Yield the runs of a data folder that nobody writes and whose journals fail a check; every byte is read."""
    for path in run_files(data):
        try:
            if not has_writer(path) and (found := skim(path)).damage:
                yield Damaged(path, found.damage, readable=found.start is not None)
        except DataError as error:
            yield Damaged(path, str(error), readable=False)
