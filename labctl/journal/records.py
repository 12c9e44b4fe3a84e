r"""Records: what every append-only file of the lab is made of, run journals and device spools.

A record is one line, `LLLLLLLL CCCCCCCC NNNNNNNN T payload\n`: payload length in bytes, CRC-32 of
`NNNNNNNN T payload`, sequence number (all eight hex digits), a type letter, JSON in UTF-8. Types: H header,
D document, R rows. NaN is null on disk.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import Corrupt, Foreign, Newer, OwnershipError

SCHEMA = 1


@dataclass(frozen=True)
class Record:
    """One record as read: its place in the file, its sequence number, type letter and decoded payload."""

    offset: int
    sequence: int
    kind: str
    payload: Any


class RecordFile:
    """Appends records to one file that this process alone has open for writing.

    Every record is written with one write(). `sync()` makes what was written survive a power cut.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._sequence = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise OwnershipError(str(path), "another process") from error
        self.append("H", {"schema": SCHEMA, **header})
        self.sync()
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def append(self, kind: str, payload: Any) -> None:
        """Write one record; OSError when the disk does not take all of it."""
        data = _frame(self._sequence, kind, encode(payload))
        written = os.write(self._fd, data)
        if written != len(data):
            # What comes later must not be glued to half a record.
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            raise OSError(f"{self.path}: {written} of {len(data)} bytes written; is the disk full?")
        self._sequence += 1

    def sync(self) -> None:
        """Make everything written so far survive a power cut."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Sync and close."""
        if self._fd >= 0:
            self.sync()
            os.close(self._fd)
            self._fd = -1


def encode(payload: Any) -> bytes:
    """Return JSON in UTF-8; numpy values become plain ones, NaN and infinities become null."""
    return json.dumps(_plain(payload), separators=(",", ":"), allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} cannot stand in a journal: {value!r}")


def _frame(sequence: int, kind: str, payload: bytes) -> bytes:
    body = b"%08x %s %s" % (sequence, kind.encode(), payload)
    return b"%08x %08x %s\n" % (len(payload), zlib.crc32(body), body)


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file, checked one by one.

    A torn tail (the last record cut short by a crash) ends the reading: what was acknowledged before it is all
    there. Raises Corrupt on a failed checksum or a gap, Foreign on anything that is not a journal, Newer when a
    newer labctl wrote it.
    """
    data = path.read_bytes()
    offset = 0
    for sequence in itertools.count():
        if offset >= len(data):
            return
        end = data.find(b"\n", offset)
        if end < 0:
            if sequence == 0:
                raise Foreign(f"{path} is not a journal")
            return
        yield check_record(path, data[offset:end], offset, sequence)
        offset = end + 1


def check_record(path: Path, line: bytes, offset: int, sequence: int) -> Record:
    """Return the record that a line is. Raises Corrupt, Foreign, Newer as `read_records` does."""
    payload = line[29:]
    kind = chr(line[27]) if len(line) > 27 else ""
    whole = kind.isascii() and line + b"\n" == _frame(sequence, kind, payload)
    if not whole:
        if sequence == 0:
            raise Foreign(f"{path} is not a journal")
        raise Corrupt(
            f"{path}: record {sequence} at byte {offset} fails its checksum; nothing after it was read"
        )
    record = Record(offset, sequence, kind, json.loads(payload))
    if sequence == 0:
        if kind != "H":
            raise Foreign(f"{path} is not a journal")
        if record.payload["schema"] > SCHEMA:
            raise Newer(f"{path} has schema {record.payload['schema']}; this labctl reads up to {SCHEMA}")
    return record
