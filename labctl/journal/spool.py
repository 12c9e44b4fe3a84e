"""Device spools: rows as a device makes them, before any plan collects them."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

from labctl.journal.records import RecordFile

SYNC_PERIOD = 1.0
"""Seconds of the wall between two syncs of a spool that is written to."""


class DeviceSpool:
    """A device's own file: `directory`/spool/<device>/<boot>.jnl, rows as they are made; made with the first row."""

    def __init__(self, directory: Path, device: str, boot: str) -> None:
        self._path, self._device = directory / "spool" / device / f"{boot}.jnl", device
        self._file: RecordFile | None = None
        self._synced = 0.0

    def append(self, stream: str, time: float, row: Any) -> None:
        """Write one row; it is the operating system's at once, and survives a power cut within SYNC_PERIOD."""
        if self._file is None:
            self._file = RecordFile(self._path, {"holds": "spool", "device": self._device})
            self._synced = monotonic()
        self._file.append("R", {"stream": stream, "time": time, "row": dict(row)})
        if monotonic() - self._synced >= SYNC_PERIOD:
            self._file.sync()
            self._synced = monotonic()

    def close(self) -> None:
        """Sync and close."""
        if self._file is not None:
            self._file.close()
