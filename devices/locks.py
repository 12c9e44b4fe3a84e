"""Locks on addresses: one process at a time talks to an instrument, or works in a folder."""

from __future__ import annotations

import fcntl
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from devices.errors import OwnershipError

LOCKS = Path(tempfile.gettempdir()) / "labctl-locks"
"""Where lock files lie, so that all sessions of this machine see the same ones."""


class Labels(Protocol):
    """The part of a clock that a lock needs."""

    def time(self) -> float:
        """Return seconds since the epoch."""


def lock_path(address: str, directory: Path) -> Path:
    """Return the lock file of an address."""
    real = os.path.realpath(address) if address.startswith("/") else address
    return directory / f"{quote(real, safe='')}.lock"


class PortLock:
    """Exclusive use of one address, held by a lock file that names its holder.

    The kernel frees it when the process ends, however it ends. Links to one device are one address.
    """

    def __init__(self, address: str, clock: Labels, directory: Path = LOCKS) -> None:
        """Take it, or raise OwnershipError naming pid and since when."""
        directory.mkdir(parents=True, exist_ok=True)
        self._file = os.open(lock_path(address, directory), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 200).decode() or "a process that is just opening it"
            os.close(self._file)
            raise OwnershipError(address, holder) from error
        since = datetime.fromtimestamp(clock.time(), UTC).isoformat(timespec="seconds")
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"pid {os.getpid()} since {since}".encode(), 0)

    def release(self) -> None:
        """Let others have it; harmless twice."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1
