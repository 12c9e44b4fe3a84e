"""The keeper: what a session writes is synced at least each second, and the disk is looked at meanwhile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from labctl.journal.disk import Disk
from labctl.journal.records import RecordFile

log = logging.getLogger(__name__)

PERIOD = 1.0
"""Seconds of the wall within which what was written is synced, whether or not more is written."""


class Keeper:
    """Syncs the files that it keeps, on a thread of its own that sleeps while nothing is written.

    trouble: told once, in words, when the disk fails or has no room left; called on the keeper's thread.
    """

    def __init__(self, disk: Disk, trouble: Callable[[str], None] = lambda _: None) -> None:
        self.disk, self._trouble = disk, trouble
        self._files: list[RecordFile] = []
        self._lock = threading.Lock()
        self._written, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def keep(self, file: RecordFile) -> None:
        """Sync a file from now on."""
        with self._lock:
            self._files.append(file)

    def release(self, file: RecordFile) -> None:
        """Sync and close a file for good. Raises OSError when the disk does not say that it has all of it."""
        with self._lock:
            self._files.remove(file)
            file.close()

    def wrote(self) -> None:
        """Say that something was written."""
        if not self._written.is_set():
            self._written.set()

    def sync(self) -> None:
        """Make all that was written so far survive a power cut. Raises OSError that names the file that does not."""
        failed: OSError | None = None
        with self._lock:
            for file in self._files:
                try:
                    file.sync()
                except OSError as error:
                    # One bad file must not keep the others from the disk.
                    failed = failed or error
        if failed is not None:
            raise failed

    def close(self) -> None:
        """End the thread; the files are released before."""
        self._closing.set()
        self._written.set()
        self._thread.join()

    def _keep(self) -> None:
        told = False
        while not self._closing.is_set():
            self._written.wait()
            self._closing.wait(PERIOD / 2)
            self._written.clear()
            trouble = self._looked_after()
            if trouble and not told:
                log.error("%s; what runs is ended in good order", trouble)
                self._trouble(trouble)
            told = bool(trouble)

    def _looked_after(self) -> str:
        """Sync, look at the disk; return what is wrong, in words."""
        try:
            self.sync()
        except OSError as error:
            return f"the disk does not keep what is written ({error.strerror}): {error.filename or self.disk.data}"
        return self.disk.trouble()
