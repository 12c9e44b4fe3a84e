r"""The journal: one append-only file per run, the truth that everything else is rebuilt from.

A record is one line, `LLLLLLLL CCCCCCCC NNNNNNNN T payload\n`: payload length in bytes, CRC-32 of
`NNNNNNNN T payload`, sequence number (all eight hex digits), a type letter, JSON in UTF-8. Types: H header,
D document, R rows. Rows are written once per page: descriptor, first seq_num, times, columns; on reading they
become event pages again, with the uids derived from (run, stream, seq_num). NaN is null on disk.
"""

from __future__ import annotations

import datetime
import fcntl
import itertools
import json
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from devices.errors import Corrupt, Foreign, Newer, OwnershipError
from labctl.event_uids import event_uid

SCHEMA = 1
SYNC_PERIOD = 1.0
"""Seconds of the wall between two syncs of a spool that is written to."""
LONGEST_STOP = 65_536
"""Bytes from the end in which the last record is looked for; a stop document has a few hundred."""


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
        yield _check(path, data[offset:end], offset, sequence)
        offset = end + 1


def _check(path: Path, line: bytes, offset: int, sequence: int) -> Record:
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


class RunJournal:
    """Writes the documents of one run; subscribe an instance per run through `Journal`."""

    def __init__(self, path: Path, start: dict[str, Any]) -> None:
        self._file = RecordFile(path, {"holds": "run", "uid": start["uid"]})
        self.write("start", start)

    def write(self, name: str, doc: dict[str, Any]) -> None:
        """Append one document and sync; OSError goes to the engine, which ends the run in good order."""
        if name in ("event", "event_page"):
            self._file.append("R", compact(name, doc))
        else:
            self._file.append("D", [name, doc])
        self._file.sync()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def compact(name: str, doc: dict[str, Any]) -> dict[str, Any]:
    """Return an event or a page as one row record: what can be derived is left out."""
    single = name == "event"
    times = [doc["time"]] if single else list(doc["time"])
    data = {key: [value] if single else list(value) for key, value in doc["data"].items()}
    stamps = {key: [value] if single else list(value) for key, value in doc["timestamps"].items()}
    return {
        "descriptor": doc["descriptor"],
        "event": single,
        "first": doc["seq_num"] if single else doc["seq_num"][0],
        "time": times,
        "data": data,
        "timestamps": {key: value for key, value in stamps.items() if value != times},
    }


class Journal:
    """A document subscriber that keeps every run in its own file under `directory`/runs/YYYY/MM."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._open: dict[str, RunJournal] = {}
        self._run_of: dict[str, str] = {}

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Write one document where its run is kept."""
        if name == "start":
            self._open[doc["uid"]] = RunJournal(run_path(self.directory, doc["uid"], doc["time"]), doc)
            return
        run = doc["run_start"] if "run_start" in doc else self._run_of[doc["descriptor"]]
        if name == "descriptor":
            self._run_of[doc["uid"]] = run
        self._open[run].write(name, doc)
        if name == "stop":
            self._open.pop(run).close()
            self._run_of = {key: value for key, value in self._run_of.items() if value != run}

    def close(self) -> None:
        """Close what is still open; such a run has no stop document."""
        while self._open:
            self._open.popitem()[1].close()


def run_path(directory: Path, uid: str, time: float) -> Path:
    """Return where a run that began at `time` [s since the epoch] is kept."""
    began = datetime.datetime.fromtimestamp(time, datetime.UTC)
    return directory / "runs" / f"{began:%Y}" / f"{began:%m}" / f"{uid}.jnl"


def read_documents(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a run's documents as the engine emitted them (uids of events derived, null read as NaN)."""
    streams: dict[str, tuple[str, str]] = {}
    numbers: dict[str, set[str]] = {}
    for record in read_records(path):
        if record.kind == "D":
            name, doc = record.payload
            if name == "descriptor":
                streams[doc["uid"]] = (doc["run_start"], doc["name"])
                numbers[doc["uid"]] = {k for k, key in doc["data_keys"].items() if key["dtype"] == "number"}
            yield name, doc
        elif record.kind == "R":
            row = record.payload
            yield expand(row, *streams[row["descriptor"]], numbers[row["descriptor"]])


def read_ends(path: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return a run's start and stop document, None where there is none, without reading what lies between.

    Raises Corrupt, Foreign, Newer as `read_records` does.
    """
    with path.open("rb") as file:
        lines = [file.readline(), file.readline()]
        offset = len(lines[0])
        size = file.seek(0, os.SEEK_END)
        file.seek(max(offset, size - LONGEST_STOP))
        tail = file.read()
    if not lines[1].endswith(b"\n"):
        return None, None
    _check(path, lines[0][:-1], 0, 0)
    start = _document(_check(path, lines[1][:-1], offset, 1), "start")
    *before, last = tail[: tail.rfind(b"\n")].split(b"\n")
    if not before and len(tail) == LONGEST_STOP:
        return start, None  # longer than any stop document: rows
    try:
        number = int(last[18:26], 16)
    except ValueError as error:
        raise Corrupt(f"{path}: the last record is damaged") from error
    return start, _document(_check(path, last, size - len(tail) + tail.rfind(last), number), "stop")


def _document(record: Record, name: str) -> dict[str, Any] | None:
    if record.kind == "D" and record.payload[0] == name:
        document: dict[str, Any] = record.payload[1]
        return document
    return None


def expand(row: dict[str, Any], run: str, stream: str, numbers: set[str]) -> tuple[str, dict[str, Any]]:
    """Return the document that a row record was written from."""
    times, first = row["time"], row["first"]
    data = {
        key: [float("nan") if value is None else value for value in column] if key in numbers else column
        for key, column in row["data"].items()
    }
    stamps = {key: row["timestamps"].get(key, times) for key in data}
    seq_nums = list(range(first, first + len(times)))
    uids = [event_uid(run, stream, seq_num) for seq_num in seq_nums]
    if row["event"]:
        return "event", {
            "descriptor": row["descriptor"],
            "uid": uids[0],
            "seq_num": first,
            "time": times[0],
            "data": {key: column[0] for key, column in data.items()},
            "timestamps": {key: column[0] for key, column in stamps.items()},
            "filled": {},
        }
    return "event_page", {
        "descriptor": row["descriptor"],
        "uid": uids,
        "seq_num": seq_nums,
        "time": times,
        "data": data,
        "timestamps": stamps,
        "filled": {},
    }


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
