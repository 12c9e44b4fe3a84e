"""Device spools: rows as a device makes them, before any plan collects them.

A row's identity is its spool (a device and a boot of it), its stream, and its number there, from 1. A mark says from
which number on a run collects; so every row belongs to one run, whether or not the engine came to collect it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.base import RowStream
from labctl.journal.keeper import Keeper
from labctl.journal.records import Loss, RecordFile, read_records
from labctl.journal.shape import spool_misfit

BOUNDARIES = frozenset({"steps", "layers"})
"""Streams with a row for each finished step: it is on the disk when the next step begins."""


class DeviceSpool:
    """A device's own file: `directory`/spool/<device>/<boot>.jnl, rows as they are made; made with the first row.

    name: its path in the data folder, as journals name it.
    """

    def __init__(self, directory: Path, device: str, boot: str, keeper: Keeper) -> None:
        self.name = f"spool/{device}/{boot}.jnl"
        self._path, self._device, self._keeper = directory / self.name, device, keeper
        self._file: RecordFile | None = None
        self._numbers: dict[str, int] = {}
        self._turn = threading.Lock()

    def append(self, stream: str, time: float, row: Any) -> None:
        """Write one row; it is the operating system's at once, and survives a power cut within a second.

        Raises OSError when the disk does not take it.
        """
        with self._turn:
            # A row that the disk does not take is counted: the numbers are those of the rows that were made.
            number = self._numbers[stream] = self._numbers.get(stream, 0) + 1
            self._write("R", {"stream": stream, "n": number, "time": time, "row": dict(row)})
        if stream in BOUNDARIES:
            self._keeper.sync()

    def mark(self, stream: str, run: str, after: int) -> None:
        """Note that a run collects the rows of a stream that come after so many."""
        with self._turn:
            self._write("M", {"stream": stream, "run": run, "after": after})

    def close(self) -> None:
        """Sync and close."""
        if self._file is not None:
            self._keeper.release(self._file)
            self._file = None

    def _write(self, kind: str, payload: Any) -> None:
        if self._file is None:
            header = {"holds": "spool", "device": self._device}
            self._file = RecordFile(self._path, header, make_room=self._keeper.disk.release)
            self._keeper.keep(self._file)
        self._file.append(kind, payload)
        self._keeper.wrote()


class SpooledStream:
    """The rows of one stream, collected from the device and kept in its spool."""

    def __init__(self, rows: RowStream, spool: DeviceSpool) -> None:
        self._rows, self._spool = rows, spool

    def begin(self, run: str) -> dict[str, Any]:
        """Mark in the spool that a run collects the rows from now on; return what its journal says of it."""
        stream, after = self._rows.stream, self._rows.rows_out
        self._spool.mark(stream, run, after)
        return {"spool": self._spool.name, "stream": stream, "after": after}


SpooledRow = tuple[float, dict[str, Any]]
"""A row with its time label."""


@dataclass(frozen=True)
class SpooledRows:
    """The rows of a spool that belong to one run, by stream and number; unread: records that are damaged."""

    rows: Mapping[str, Mapping[int, SpooledRow]]
    unread: int

    def after(self, stream: str, number: int) -> tuple[list[int], list[SpooledRow]]:
        """Return the numbers and the rows of a stream that come after a number."""
        numbers = [each for each in self.rows.get(stream, {}) if each > number]
        return numbers, [self.rows[stream][each] for each in numbers]


def rows_of_run(path: Path, run: str) -> SpooledRows:
    """Return the rows in a spool that belong to a run, as far as the file can be read."""
    losses: list[Loss] = []
    owners: dict[str, list[tuple[int, str]]] = {}
    rows: dict[str, dict[int, SpooledRow]] = {}
    for record in read_records(path, lost=losses.append, until_damage=True, shape=spool_misfit):
        said = record.payload
        if record.kind == "M":
            owners.setdefault(said["stream"], []).append((said["after"], said["run"]))
        elif record.kind == "R":
            rows.setdefault(said["stream"], {})[said["n"]] = (said["time"], said["row"])
    found = {}
    for stream, marks in owners.items():
        after, until = _span(marks, run)
        found[stream] = {
            number: row for number, row in rows.get(stream, {}).items() if after < number <= until
        }
    return SpooledRows(found, sum(loss.records for loss in losses if not loss.torn))


def _span(marks: Sequence[tuple[int, str]], run: str) -> tuple[float, float]:
    """Return after which row and until which a run collects: from its first mark to the next one of another run."""
    own = next((index for index, (_, owner) in enumerate(marks) if owner == run), None)
    if own is None:
        return math.inf, math.inf
    return marks[own][0], next((after for after, owner in marks[own:] if owner != run), math.inf)
