"""Backup: a copy of a data folder that can stand in its place.

Every file is copied under a temporary name, read back, compared by its checksum and renamed, so a backup that is
killed leaves what was there before; the next one goes on. Files that grow by lines are copied up to their last whole
line. What is rebuilt from the journals is not copied.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError, OwnershipError
from labctl.journal.records import NEW, make_folder
from labctl.whole_file import whole_file

FIRST = "runs"
"""What is copied first: what is spooled after its journal was copied is added to that by recovery."""

REBUILT = ("cache", "catalog", "index.sqlite", "index.sqlite-shm", "index.sqlite-wal", "state/reserve")
"""What is made again from the journals, or holds nothing."""

GROWING = (".jnl", ".jsonl")
"""Suffixes of files that are appended to, line by line."""

LOCK = ".backup"
"""File in a backup that whoever writes it holds."""

BLOCK = 1 << 20
"""Bytes copied at once."""


@dataclass(frozen=True)
class BackupReport:
    """How many files were copied, with how many bytes, how many were there already, and what went wrong with which."""

    copied: int
    size: int
    unchanged: int
    failures: tuple[str, ...]

    def __str__(self) -> str:
        said = f"{self.copied} files copied ({self.size / 1e6:.1f} MB), {self.unchanged} were there already"
        return said + "".join(f"\n    {each}" for each in self.failures)


def backup(data: Path, to: Path) -> BackupReport:
    """Copy a data folder, without what is rebuilt from its journals; only what changed since the last time.

    A file that cannot be copied is told of, and the others are copied all the same. Nothing that was copied is ever
    deleted in `to`. Raises DataError when there are no data, or when one of the two folders lies in the other,
    OwnershipError when another backup is being written there.
    """
    data, to = data.resolve(), to.resolve()
    if not data.is_dir():
        raise DataError(f"{data} is no folder; there is nothing to copy")
    if to.is_relative_to(data) or data.is_relative_to(to):
        raise DataError(f"{to} and the data in {data} lie in one another; name a folder elsewhere")
    with _held(to):
        return _Backup(data, to).run()


@contextmanager
def _held(to: Path) -> Iterator[None]:
    try:
        make_folder(to)
        lock = os.open(to / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise DataError(f"{to} cannot be written ({error.strerror}); name another folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise OwnershipError(str(to), "another backup") from error
    try:
        yield
    finally:
        os.close(lock)


class _Backup:
    """One backup under way."""

    def __init__(self, data: Path, to: Path) -> None:
        self._data, self._to = data, to
        self._tidied: set[Path] = set()

    def run(self) -> BackupReport:
        copied = size = unchanged = 0
        failures = []
        for path in self._files():
            target = self._to / path.relative_to(self._data)
            try:
                if _is_there(path, target):
                    unchanged += 1
                else:
                    size += self._copy(path, target)
                    copied += 1
            except (OSError, DataError) as error:
                # Files of a session that goes on may be gone since they were listed.
                if path.exists():
                    failures.append(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
        return BackupReport(copied, size, unchanged, tuple(failures))

    def _files(self) -> Iterator[Path]:
        tops = sorted(self._data.iterdir(), key=lambda path: (path.name != FIRST, path.name))
        for top in tops:
            below = [top] if top.is_file() else sorted(top.rglob("*"))
            for path in below:
                parts = path.relative_to(self._data).parts
                rebuilt = parts[0] in REBUILT or "/".join(parts[:2]) in REBUILT
                passing = path.name.startswith(".") or path.name.endswith(NEW) or path.is_symlink()
                if path.is_file() and not rebuilt and not passing:
                    yield path

    def _copy(self, path: Path, target: Path) -> int:
        """Copy one file and return its size. Raises DataError when the copy does not read back as it was."""
        self._tidy(target.parent)
        before = path.stat()
        with whole_file(target) as temporary:
            wanted, size = _written(path, temporary)
            if _checksum(temporary) != wanted:
                raise DataError(
                    "the copy does not read back as it was written; is the disk of the backup sound?"
                )
            os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
        return size

    def _tidy(self, folder: Path) -> None:
        """Make a folder of the backup, or remove what a backup that was killed left in it."""
        if folder in self._tidied:
            return
        self._tidied.add(folder)
        make_folder(folder)
        for left in folder.glob(".*.part*"):
            left.unlink()


def _is_there(path: Path, target: Path) -> bool:
    """Return whether a target was copied from a file as it is: it has its size and its time."""
    if not target.is_file():
        return False
    source, kept = path.stat(), target.stat()
    return (source.st_size, source.st_mtime_ns) == (kept.st_size, kept.st_mtime_ns)


def _written(path: Path, temporary: Path) -> tuple[str, int]:
    """Write a file's bytes elsewhere, those of whole lines where it grows; return their checksum and number."""
    checksum = hashlib.sha256()
    with path.open("rb") as source, temporary.open("wb") as copy:
        left = end = _last_line(path) if path.suffix in GROWING else path.stat().st_size
        while left > 0 and (block := source.read(min(BLOCK, left))):
            checksum.update(block)
            copy.write(block)
            left -= len(block)
    return checksum.hexdigest(), end - left


def _last_line(path: Path) -> int:
    """Return where the last whole line of a file ends [byte]."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - BLOCK)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            end = begin
    return 0


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
