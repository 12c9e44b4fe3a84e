"""The disk under the data folder: is there room, is it still there. A reserve lets a run end in good order."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from devices.errors import DataError
from devices.limits import DiskLimits
from labctl.journal.records import make_folder

log = logging.getLogger(__name__)

LAST_WORDS = 16_000_000
"""Bytes that are kept back for the last rows and stop documents: half an hour of rows of 64 channels at 1 Hz take
12 MB, with 100 bytes each."""


BYTE = 6
"""Digits of a MB down to a byte."""


class Room(Protocol):
    """What is asked of os.statvfs."""

    @property
    def f_bavail(self) -> int:
        """Free blocks for ordinary users."""

    @property
    def f_frsize(self) -> int:
        """Bytes of a block."""


class Disk:
    """The disk that a data folder is on.

    look: what tells its room, os.statvfs unless a test says otherwise.
    """

    def __init__(self, data: Path, limits: DiskLimits, look: Callable[[Path], Room] = os.statvfs) -> None:
        self.data, self._limits, self._look = data, limits, look
        self._reserve = data / "state" / "reserve"
        self._lock = threading.Lock()
        self._warned = False
        self._folder = _identity(data)

    def free(self) -> int:
        """Return how many bytes may still be written, without the reserve. Raises OSError."""
        room = self._look(self.data)
        return room.f_bavail * room.f_frsize

    def require(self) -> None:
        """Set the reserve aside. Raises DataError when there is no room for a run, or the folder cannot be written."""
        trouble = self.trouble()
        if trouble:
            raise DataError(f"{trouble}; nothing was begun. Make room or name another folder")
        try:
            self._hold()
        except OSError as error:
            raise DataError(
                f"{self.data} cannot be written ({error.strerror}); nothing was begun. Name another folder"
            ) from error

    def trouble(self) -> str:
        """Return why nothing more should be begun here, in words; empty when all is well. Warns of a filling disk."""
        try:
            if _identity(self.data) != self._folder:
                return f"{self.data} is another folder than it was"
            free = self.free()
        except OSError as error:
            return f"{self.data} has vanished ({error.strerror})"
        if free < self._limits.reserve:
            left, reserve = told_apart(free, self._limits.reserve)
            return f"{self.data} has {left} left, less than the reserve of {reserve}"
        if free < self._limits.alarm and not self._warned:
            left, reserve = told_apart(free, self._limits.reserve)
            log.warning("%s has %s left; runs are ended at %s", self.data, left, reserve)
        self._warned = free < self._limits.alarm
        return ""

    def release(self) -> bool:
        """Give the reserve up, so that what is in hand can be ended; return whether there was one."""
        with self._lock:
            if not self._reserve.exists():
                return False
            self._reserve.unlink()
        log.error("%s is full: its reserve was given up for the last words of what runs", self.data)
        return True

    def _hold(self) -> None:
        """Set the reserve aside, unless it is."""
        with self._lock:
            if self._reserve.exists() and self._reserve.stat().st_size == LAST_WORDS:
                # A folder that was made read-only meanwhile has its reserve and takes no rows all the same.
                if not os.access(self.data, os.W_OK):
                    raise PermissionError(13, os.strerror(13), str(self.data))
                return
            make_folder(self._reserve.parent)
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, LAST_WORDS)


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def told_apart(size: float, other: float) -> tuple[str, str]:
    """Return two sizes [B] in MB, with so many digits as tell them apart."""
    for digits in range(BYTE + 1):
        said = f"{size / 1e6:.{digits}f} MB", f"{other / 1e6:.{digits}f} MB"
        if said[0] != said[1]:
            break
    return said
