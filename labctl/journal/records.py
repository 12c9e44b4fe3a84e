r"""Records: what every append-only file of the lab is made of, run journals and device spools.

A record is one line, `LLLLLLLL CCCCCCCC NNNNNNNN T payload\n`: payload length in bytes, CRC-32 of
`NNNNNNNN T payload`, sequence number (all eight hex digits), a type letter, JSON in UTF-8. Types: H header,
D document, R rows, M mark (in a spool: from which row on a run collects), X doubt (a sync failed). NaN is null on
disk, the infinities are the words of INFINITIES.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import math
import os
import stat
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import orjson

from devices.errors import Corrupt, DataError, Foreign, Newer, OwnershipError, Unreadable
from labctl.journal.shape import Shape, any_shape

log = logging.getLogger(__name__)

SCHEMA = 1

INFINITIES = {"inf": math.inf, "-inf": -math.inf}
"""How an overflow stands on disk: it must not be read as a number that is missing."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""What an operating system says of a write for which there is no room."""

PLAIN = frozenset({float, int, bool, str, type(None)})
"""Types of values that hold no others."""

HEAD = 29
"""Bytes of a record before its payload."""

NEW = ".new"
"""What a file's name ends in until it is locked and holds its first records."""


@dataclass(frozen=True)
class Record:
    """One record as read: its place in the file, its sequence number, type letter and decoded payload."""

    offset: int
    sequence: int
    kind: str
    payload: Any


@dataclass(frozen=True)
class Loss:
    """What of a file was not read: `size` bytes from byte `offset` on, in `records` lines, the last perhaps cut short.

    torn: that it is one record without its end, as a crash leaves it; else it is damage.
    """

    path: Path
    offset: int
    size: int
    records: int
    torn: bool

    def __str__(self) -> str:
        what = (
            "its last record is torn" if self.torn else f"{self.records} records, the first of them damaged"
        )
        return f"{self.path}: {self.size} bytes from byte {self.offset} on were not read: {what}"


def tell_loss(loss: Loss) -> None:
    """Say in the log what was not read."""
    log.warning("%s", loss)


class RecordFile:
    """Appends records to one file that this process alone has open for writing.

    Every record is written with one write(). `sync()` makes what was written survive a power cut. A new file has its
    name only when it is locked and its header and `first` records are on the disk. make_room: asked once when the
    disk is full, and says whether to try again.
    """

    def __init__(
        self,
        path: Path,
        header: dict[str, Any],
        *,
        first: tuple[tuple[str, Any], ...] = (),
        make_room: Callable[[], bool] = lambda: False,
    ) -> None:
        make_folder(path.parent)
        self.path, self._make_room, self._turn = path, make_room, threading.Lock()
        self._sequence, self._synced, self._doubtful = 0, 0, False
        new = path.with_name(path.name + NEW)
        self._fd = _created(new)
        try:
            if path.exists():
                raise FileExistsError(f"{path} is there already")
            for kind, payload in (("H", {"schema": SCHEMA, **header}), *first):
                self.append(kind, payload)
            self.sync()
            new.rename(path)
            sync_folder(path.parent)
        except BaseException:
            os.close(self._fd)
            new.unlink(missing_ok=True)
            raise

    @classmethod
    def resumed(cls, path: Path) -> Self:
        """Take a file that nobody writes any more, to go on with it; see `cut`.

        Raises OwnershipError when its writer lives, Foreign when it is no file, Unreadable when it cannot be opened.
        """
        made = cls.__new__(cls)
        made.path, made._make_room, made._turn = path, lambda: False, threading.Lock()
        made._sequence, made._synced, made._doubtful = 0, 0, False
        made._fd = _opened(path)
        return made

    def cut(self, end: int, sequence: int) -> None:
        """Drop all bytes from `end` on; the next record has this sequence number."""
        if os.fstat(self._fd).st_size != end:
            os.ftruncate(self._fd, end)
            os.fsync(self._fd)
        self._sequence = self._synced = sequence

    def append(self, kind: str, payload: Any) -> None:
        """Write one record; OSError when the disk does not take all of it."""
        encoded = encode(payload)
        with self._turn:
            data = _frame(self._sequence, kind, encoded)
            try:
                self._write(data)
            except OSError as error:
                if error.errno not in FULL or not self._make_room():
                    raise
                self._write(data)
            self._sequence += 1

    def _write(self, data: bytes) -> None:
        written = os.write(self._fd, data)
        if written != len(data):
            # What comes later must not be glued to half a record.
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            why = f"{written} of {len(data)} bytes written; is the disk full?"
            raise OSError(errno.ENOSPC, why, str(self.path))

    def sync(self) -> None:
        """Make everything written so far survive a power cut.

        Raises OSError when the disk does not say so; the file then says itself that it is doubtful.
        """
        reached = self._sequence
        if reached <= self._synced:
            return
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            # The kernel tells of lost pages once; asked again it says that all is well.
            first, self._doubtful = not self._doubtful, True
            if first:
                self.append("X", {"doubt": f"not synced: {error.strerror}", "after": reached})
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        finally:
            self._synced = reached

    def close(self) -> None:
        """Sync and close, even when the sync fails."""
        if self._fd >= 0:
            try:
                self.sync()
            finally:
                os.close(self._fd)
                self._fd = -1


APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC


def _created(path: Path) -> int:
    """Create a file for appending and lock it; whoever sweeps (`remove_dead`) before it was locked takes another."""
    while True:
        descriptor = os.open(path, APPENDING | os.O_CREAT | os.O_EXCL, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def remove_dead(path: Path) -> None:
    """Remove a file that nobody writes; nothing when its writer lives, or when it is no file that can be opened."""
    try:
        descriptor = _opened(path)
    except (OwnershipError, DataError):
        return
    path.unlink(missing_ok=True)
    os.close(descriptor)


def _opened(path: Path) -> int:
    """Open a file for appending and lock it; the kernel frees it when the process ends, however it ends."""
    with _given(path, "written"):
        descriptor = os.open(path, APPENDING)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise OwnershipError(str(path), "another process") from error
    return descriptor


def has_writer(path: Path) -> bool:
    """Return whether a living process has the file open for writing. Raises Foreign, Unreadable as `reading` does."""
    with reading(path) as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file of records to read it.

    Raises Foreign for what is no file, such as a folder or a pipe, and Unreadable for what the operating system does
    not give, at once or within.
    """
    with _given(path), path.open("rb") as file:
        yield file


@contextmanager
def _given(path: Path, wanted: str = "read") -> Iterator[None]:
    try:
        # Opening a pipe waits for its other end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Foreign(f"{path} is not a journal: it is no file")
        yield
    except OSError as error:
        raise Unreadable(f"{path} cannot be {wanted} ({error.strerror})") from error


def size_of(path: Path) -> int:
    """Return the size of a file of records [bytes]. Raises Foreign, Unreadable as `reading` does."""
    with _given(path):
        return path.stat().st_size


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def encode(payload: Any) -> bytes:
    """Return JSON in UTF-8; numpy values become plain ones, NaN becomes null, infinities become their words."""
    # It writes NaN as null, and infinities too; lone surrogates and numbers beyond 64 bits it cannot.
    with suppress(orjson.JSONEncodeError):
        written = orjson.dumps(payload, default=_plain_numpy)
        if b"null" not in written or not _has_infinity(payload):
            return written
    return json.dumps(_plain(payload), separators=(",", ":"), allow_nan=False).encode()


def _has_infinity(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_infinity(each) for each in value.values())
    if isinstance(value, list | tuple):
        # A sum is finite only if all is; where it is not, NaN or an overflow may be why.
        with suppress(TypeError, OverflowError):
            if math.isfinite(sum(value)):
                return False
        if set(map(type, value)) <= PLAIN:
            return math.inf in value or -math.inf in value
        return any(map(_has_infinity, value))
    if isinstance(value, np.ndarray):
        return _has_infinity(value.tolist())
    return isinstance(value, float | np.floating) and bool(np.isinf(value))


def _plain_numpy(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot stand in a journal: {value!r}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        if all(type(each) is float for each in value):
            return plain_numbers(value)
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return _word(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return _plain_numpy(value)


def plain_numbers(values: Sequence[float]) -> list[Any]:
    """Return floats as JSON can hold them: NaN as null, infinities as their words."""
    return [each if math.isfinite(each) else _word(each) for each in values]


def _word(value: float) -> str | None:
    return None if math.isnan(value) else "inf" if value > 0 else "-inf"


def _frame(sequence: int, kind: str, payload: bytes) -> bytes:
    body = b"%08x %s %s" % (sequence, kind.encode(), payload)
    return b"%08x %08x %s\n" % (len(payload), zlib.crc32(body), body)


def read_records(
    path: Path,
    *,
    lost: Callable[[Loss], None] = tell_loss,
    until_damage: bool = False,
    shape: Shape = any_shape,
) -> Iterator[Record]:
    """Yield the records of a file, checked one by one.

    A torn tail (the last record cut short by a crash) ends the reading: what was acknowledged before it is all
    there. `lost` is told of it. until_damage: a failed checksum, a gap or a payload that has not the `shape` ends it
    in the same way, so that what stands before it can be read; else it raises Corrupt. Raises Foreign on anything that
    is not a journal, Newer when a newer labctl wrote it, Unreadable when the operating system does not give it.
    """
    with reading(path) as file:
        offset = 0
        for sequence, line in enumerate(file):
            if not line.endswith(b"\n"):
                if sequence == 0:
                    raise Foreign(f"{path} is not a journal")
                lost(Loss(path, offset, len(line), 1, torn=True))
                return
            try:
                record = check_record(path, line[:-1], offset, sequence, shape)
            except Corrupt:
                if not until_damage:
                    raise
                rest = len(line) + sum(map(len, file))
                with path.open("rb") as again:
                    again.seek(offset)
                    lost(Loss(path, offset, rest, sum(1 for _ in again), torn=False))
                return
            yield record
            offset += len(line)


def decode(kind: str, payload: bytes) -> Any:
    """Return what a payload says."""
    if kind == "R":
        # A third of the time for rows; it cannot read lone surrogates, nor whole numbers beyond 64 bits as such.
        with suppress(orjson.JSONDecodeError):
            return orjson.loads(payload)
    return json.loads(payload)


def check_record(path: Path, line: bytes, offset: int, sequence: int, shape: Shape = any_shape) -> Record:
    """Return the record that a line is. Raises Corrupt, Foreign, Newer as `read_records` does."""
    payload = line[HEAD:]
    kind = chr(line[27]) if len(line) > 27 else ""
    whole = kind.isascii() and line + b"\n" == _frame(sequence, kind, payload)
    if not whole:
        if sequence == 0:
            raise Foreign(f"{path} is not a journal")
        raise Corrupt(
            f"{path}: record {sequence} at byte {offset} fails its checksum; nothing after it was read"
        )
    try:
        record = Record(offset, sequence, kind, decode(kind, payload))
        wrong = shape(kind, record.payload)
    except (ValueError, RecursionError):
        wrong = "no JSON"
    if sequence == 0:
        _check_header(path, kind, None if wrong else record.payload)
    elif wrong:
        raise Corrupt(
            f"{path}: record {sequence} at byte {offset} is {wrong}, although its checksum is right; nothing after it"
            " was read"
        )
    return record


def _check_header(path: Path, kind: str, header: Any) -> None:
    schema = header.get("schema") if kind == "H" and isinstance(header, dict) else None
    if type(schema) is not int or schema < 1:
        raise Foreign(f"{path} is not a journal")
    if schema > SCHEMA:
        raise Newer(f"{path} has schema {schema}; this labctl reads up to {SCHEMA}; a newer one reads it")
