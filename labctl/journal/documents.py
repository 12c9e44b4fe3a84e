"""The journal: one file of records per run, the truth that everything else is rebuilt from.

Rows are written once per page: descriptor, first seq_num, times, columns; on reading they become event pages again,
with the uids derived from (run, stream, seq_num).
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devices.errors import Corrupt
from labctl.event_uids import event_uid
from labctl.journal.records import Record, RecordFile, check_record, read_records

LONGEST_STOP = 65_536
"""Bytes from the end in which the last record is looked for; a stop document has a few hundred."""


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
    check_record(path, lines[0][:-1], 0, 0)
    start = _document(check_record(path, lines[1][:-1], offset, 1), "start")
    *before, last = tail[: tail.rfind(b"\n")].split(b"\n")
    if not before and len(tail) == LONGEST_STOP:
        return start, None  # longer than any stop document: rows
    try:
        number = int(last[18:26], 16)
    except ValueError as error:
        raise Corrupt(f"{path}: the last record is damaged") from error
    return start, _document(check_record(path, last, size - len(tail) + tail.rfind(last), number), "stop")


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
