"""Backup: a copy of a data folder that can stand in its place.

Every file is copied under a temporary name, read back, compared by its checksum and renamed, so a backup that is
killed leaves what was there before; the next one goes on. Files that grow by lines are copied up to their last whole
line; a copy that has lines which its file has no more is kept beside the new one, for it may be the good one. What is
rebuilt from the journals is not copied. Data and copy bear the same id of a lab, and one of another is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError, OwnershipError
from labctl.journal.records import NEW, make_folder
from labctl.journal.recovery import set_aside
from labctl.whole_file import whole_file, write_whole

FIRST = "runs"
"""What is copied first: what is spooled after its journal was copied is added to that by recovery."""

REBUILT = ("cache", "catalog", "index.sqlite", "index.sqlite-shm", "index.sqlite-wal", "state/reserve")
"""What is made again from the journals, or holds nothing."""

GROWING = (".jnl", ".jsonl")
"""Suffixes of files that are appended to, line by line."""

JOURNAL = ".jnl"

OLD = ".old-{}"
"""What the name of a copy ends in that was kept when another took its place."""

LAB = "lab-id"
"""File in data and their copy that says which lab's they are; the first backup makes it."""

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
    deleted in `to`. Raises DataError when there are no data, when one of the two folders lies in the other, or when the
    copy there is of another lab; OwnershipError when another backup is being written there; OSError when nothing can
    be.
    """
    data, to = data.resolve(), to.resolve()
    if not data.is_dir():
        raise DataError(f"{data} is no folder; there is nothing to copy")
    if to.is_relative_to(data) or data.is_relative_to(to):
        raise DataError(f"{to} and the data in {data} lie in one another; name a folder elsewhere")
    with _held(to):
        _require_the_same_lab(data, to)
        return _Backup(data, to).run()


def _require_the_same_lab(data: Path, to: Path) -> None:
    """Have data and copy bear one id. Raises DataError when they are of two labs, or the data of a lab are gone."""
    here, there = _lab(data), _lab(to)
    if here and there and here != there:
        raise DataError(
            f"{to} is the copy of another lab ({there[:8]}, and {data} is {here[:8]}); name another folder"
        )
    if not (here and there):
        kept, known = _runs(to), _runs(data)
        if kept and not kept & known:
            raise DataError(
                f"{to} has {len(kept)} runs of which {data} has none: it is the copy of another lab, or the data are"
                " gone; name another folder, or that copy as --data"
            )
    if not _runs(data) and (count := len(_runs(to))):
        raise DataError(
            f"{data} has no runs, and the copy in {to} has {count}: the data are gone; nothing was copied"
        )
    lab = f"{here or there or uuid.uuid4().hex}\n".encode()
    if not there:
        write_whole(to / LAB, lab)
    if not here:
        # A disk that takes nothing any more is when a copy is wanted most.
        with suppress(OSError):
            write_whole(data / LAB, lab)


def _lab(folder: Path) -> str:
    """Return the id of the lab whose a folder is, empty where nothing says so."""
    try:
        return (folder / LAB).read_text(errors="replace").strip()
    except FileNotFoundError:
        return ""


def _runs(folder: Path) -> set[str]:
    return {path.name for path in (folder / FIRST).glob(f"*/*/*{JOURNAL}")}


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
                    continue
                length, old = self._copy(path, target)
                size += length
                copied += 1
                if old is not None:
                    failures.append(
                        f"{path} has no more what its copy had; that is kept as {old.name}, and may be the good one"
                    )
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
                rebuilt = parts[0] in (*REBUILT, LAB) or "/".join(parts[:2]) in REBUILT
                passing = path.name.startswith(".") or path.name.endswith(NEW) or path.is_symlink()
                if path.is_file() and not rebuilt and not passing:
                    yield path

    def _copy(self, path: Path, target: Path) -> tuple[int, Path | None]:
        """Copy one file; return its size, and where the copy of before is if it has what the file has no more.

        Raises DataError when the copy does not read back as it was.
        """
        self._tidy(target.parent)
        old = None
        before = path.stat()
        with whole_file(target) as temporary:
            wanted, size = _written(path, temporary)
            if _checksum(temporary) != wanted:
                raise DataError(
                    "the copy does not read back as it was written; is the disk of the backup sound?"
                )
            os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
            if path.suffix in GROWING and target.is_file() and not _goes_on(temporary, target, path):
                old = _free_name(target)
                target.rename(old)
        return size, old

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


def _goes_on(new: Path, old: Path, path: Path) -> bool:
    """Return whether a file that grows goes on with its old copy, but for what recovery took out of the source."""
    with new.open("rb") as now, old.open("rb") as before:
        alike = 0
        while block := before.read(BLOCK):
            beside = now.read(len(block))
            if beside != block:
                pairs = enumerate(zip(block, beside, strict=False))
                alike += next((index for index, (one, other) in pairs if one != other), len(beside))
                break
            alike += len(block)
        else:
            return True
        begin = max(0, alike - BLOCK)
        before.seek(begin)
        before.seek(begin + before.read(alike - begin).rfind(b"\n") + 1)
        rest = before.read()
    return any(each.read_bytes().startswith(rest) for each in set_aside(path))


def _free_name(target: Path) -> Path:
    number = 1
    while (old := target.with_name(target.name + OLD.format(number))).exists():
        number += 1
    return old


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
