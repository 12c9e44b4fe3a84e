"""The journal: one file of records per run, the truth that everything else is rebuilt from.

Rows are written once per page: descriptor, first seq_num, times, columns; on reading they become event pages again,
with the uids derived from (run, stream, seq_num).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from devices.errors import Corrupt
from labctl.event_uids import event_uid
from labctl.journal.keeper import Keeper
from labctl.journal.places import run_path
from labctl.journal.records import (
    INFINITIES,
    Loss,
    Record,
    RecordFile,
    check_record,
    read_records,
    reading,
    tell_loss,
)
from labctl.journal.shape import RunShape, misfit

LONGEST_STOP = 65_536
"""Bytes from the end in which the last record is looked for; a stop document has a few hundred."""


NUMBERS = ("number", "array")
"""Types of a column in which null stands for NaN."""


class Spooled(Protocol):
    """Where the rows of a stream stand before the engine collects them."""

    def begin(self, run: str) -> dict[str, Any]:
        """Note that a run collects the rows from now on; return what its journal says of it.

        {"spool": the file in the data folder, "stream": its name there, "after": rows that are not the run's}.
        """


Sources = Mapping[str, Spooled]
"""What is spooled, by the name of the object that is collected."""


class RunJournal:
    """Writes the documents of one run; subscribe an instance per run through `Journal`.

    keeper: syncs rows within a second, where there is one. All other documents, and rows where there is none, are
    synced when they are written.
    """

    def __init__(self, path: Path, start: dict[str, Any], keeper: Keeper | None = None) -> None:
        header, first = {"holds": "run", "uid": start["uid"]}, (("D", ["start", start]),)
        self._keeper = keeper
        if keeper is None:
            self._file = RecordFile(path, header, first=first)
        else:
            self._file = RecordFile(path, header, first=first, make_room=keeper.disk.release)
            keeper.keep(self._file)

    def write(self, name: str, doc: dict[str, Any], *said: Any) -> None:
        """Append one document, and what else is said of it.

        OSError goes to the engine, which ends the run in good order.
        """
        are_rows = name in ("event", "event_page")
        if are_rows:
            self._file.append("R", compact(name, doc))
        else:
            self._file.append("D", [name, doc, *said])
        if self._keeper is not None:
            self._keeper.wrote()
        if self._keeper is None or not are_rows:
            self._file.sync()

    def close(self) -> None:
        """Close the file."""
        if self._keeper is None:
            self._file.close()
        else:
            self._keeper.release(self._file)


def compact(name: str, doc: dict[str, Any]) -> dict[str, Any]:
    """Return an event or a page as one row record: what can be derived is left out."""
    single = name == "event"
    times = [doc["time"]] if single else doc["time"]
    data = {key: [value] if single else value for key, value in doc["data"].items()}
    stamps = {key: [value] if single else value for key, value in doc["timestamps"].items()}
    return {
        "descriptor": doc["descriptor"],
        "event": single,
        "first": doc["seq_num"] if single else doc["seq_num"][0],
        "time": times,
        "data": data,
        "timestamps": {key: value for key, value in stamps.items() if not _alike(value, times)},
    }


def _alike(one: Any, other: Any) -> bool:
    """Return whether two columns are; mostly they are one list."""
    return one is other or list(one) == list(other)


class Journal:
    """A document subscriber that keeps every run in its own file under `directory`/runs/YYYY/MM.

    keeper: looks after the disk meanwhile, where there is one. sources: which streams have a spool.
    """

    def __init__(self, directory: Path, keeper: Keeper | None = None, sources: Sources | None = None) -> None:
        self.directory = directory
        self._keeper, self._sources = keeper, sources if sources is not None else {}
        self._open: dict[str, RunJournal] = {}
        self._run_of: dict[str, str] = {}

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Write one document where its run is kept. Raises OSError, DataError; a run that is refused has no file."""
        if name == "start":
            self._begin(doc)
            return
        run = doc["run_start"] if "run_start" in doc else self._run_of[doc["descriptor"]]
        if run not in self._open:
            return  # what follows a start that was refused
        if name == "descriptor":
            self._run_of[doc["uid"]] = run
            self._open[run].write(name, doc, *self._said_of(doc, run))
        else:
            self._open[run].write(name, doc)
        if name == "stop":
            self._run_of = {key: value for key, value in self._run_of.items() if value != run}
            self._open.pop(run).close()

    def close(self) -> None:
        """Close what is still open; such a run has no stop document."""
        while self._open:
            self._open.popitem()[1].close()

    def _begin(self, start: dict[str, Any]) -> None:
        if self._keeper is not None:
            self._keeper.disk.require()
        path = run_path(self.directory, start["uid"], start["time"])
        self._open[start["uid"]] = RunJournal(path, start, self._keeper)

    def _said_of(self, descriptor: dict[str, Any], run: str) -> list[dict[str, Any]]:
        """Return where the rows of a stream stand that nobody has collected yet, if anywhere."""
        spooled = [self._sources[key] for key in descriptor.get("object_keys", {}) if key in self._sources]
        return [each.begin(run) for each in spooled]


def run_records(
    path: Path, *, lost: Callable[[Loss], None] = tell_loss, until_damage: bool = False
) -> Iterator[Record]:
    """Yield the records of a run as `read_records` does; each holds what `RunShape` says."""
    return read_records(path, lost=lost, until_damage=until_damage, shape=RunShape())


def read_documents(
    path: Path, *, lost: Callable[[Loss], None] = tell_loss, until_damage: bool = False
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a run's documents as the engine emitted them (uids of events derived, null read as NaN).

    lost, until_damage: what is to be done about what cannot be read, as `read_records` says.
    """
    streams: dict[str, tuple[str, str]] = {}
    numbers: dict[str, set[str]] = {}
    for record in run_records(path, lost=lost, until_damage=until_damage):
        if record.kind == "D":
            name, doc, *_ = record.payload
            if name == "descriptor":
                streams[doc["uid"]] = (doc["run_start"], doc["name"])
                numbers[doc["uid"]] = {k for k, key in doc["data_keys"].items() if key["dtype"] in NUMBERS}
            yield name, doc
        elif record.kind == "R":
            row = record.payload
            yield expand(row, *streams[row["descriptor"]], numbers[row["descriptor"]])


def read_start(path: Path) -> dict[str, Any] | None:
    """Return a run's start document, None where the journal ends before it.

    Raises Corrupt, Foreign, Newer, Unreadable as `read_records` does.
    """
    with reading(path) as file:
        header, line = file.readline(), file.readline()
    check_record(path, header[:-1], 0, 0)
    if not line.endswith(b"\n"):
        return None
    return _document(check_record(path, line[:-1], len(header), 1, misfit), "start")


def read_ends(path: Path) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return a run's start and stop document, None where there is none, without reading what lies between.

    Raises Corrupt, Foreign, Newer, Unreadable as `read_records` does.
    """
    with reading(path) as file:
        lines = [file.readline(), file.readline()]
        offset = len(lines[0])
        size = file.seek(0, os.SEEK_END)
        file.seek(max(offset, size - LONGEST_STOP))
        tail = file.read()
    if not lines[1].endswith(b"\n"):
        return None, None
    check_record(path, lines[0][:-1], 0, 0)
    start = _document(check_record(path, lines[1][:-1], offset, 1, misfit), "start")
    end = tail.rfind(b"\n")
    while True:
        beginning = tail.rfind(b"\n", 0, end) + 1
        if not beginning and len(tail) == LONGEST_STOP:
            return start, None  # longer than any stop document: rows
        last = tail[beginning:end]
        try:
            number = int(last[18:26], 16)
        except ValueError as error:
            raise Corrupt(f"{path}: the last record is damaged") from error
        record = check_record(path, last, size - len(tail) + beginning, number, misfit)
        if record.kind != "X" or not beginning:
            return start, _document(record, "stop")
        end = beginning - 1


def _document(record: Record, name: str) -> dict[str, Any] | None:
    if record.kind == "D" and record.payload[0] == name:
        document: dict[str, Any] = record.payload[1]
        return document
    return None


def expand(row: dict[str, Any], run: str, stream: str, numbers: set[str]) -> tuple[str, dict[str, Any]]:
    """Return the document that a row record was written from."""
    times, first = row["time"], row["first"]
    data = {key: numeric(column) if key in numbers else column for key, column in row["data"].items()}
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


def numeric(column: list[Any]) -> list[Any]:
    """Return a column as it was measured: null read as NaN, the words of infinities as infinities."""
    if set(map(type, column)) <= {float, int}:
        return column
    return [_number(value) for value in column]


def _number(value: Any) -> Any:
    if value is None:
        return math.nan
    if isinstance(value, str):
        return INFINITIES[value]
    return numeric(value) if isinstance(value, list) else value
