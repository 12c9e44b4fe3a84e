"""Recovery: a run whose process died gets the rows that were never collected, an outcome and a stop document.

What is added is derived from what is on the disk and from nothing else, so a recovery that is killed at any point is
done again with the same result. Nothing is deleted: what cannot be read is moved beside the journal.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, DataError, OwnershipError
from labctl.journal.documents import read_ends, run_records
from labctl.journal.places import is_uid
from labctl.journal.records import NEW, Loss, RecordFile, reading, remove_dead, size_of
from labctl.journal.spool import SpooledRow, SpooledRows, rows_of_run
from labctl.whole_file import write_whole
from plans.flying import OUTCOME_COLUMNS

log = logging.getLogger(__name__)

PAGE = 1000
"""Rows of a page that recovery writes; guess, as many as a busy channel takes in a quarter of an hour."""

UNKNOWN = -1
"""What nobody knows any more: how many steps a program that died would have taken, how much of a film was done."""


@dataclass(frozen=True)
class Recovered:
    """What became of one run: rows added from spools, bytes and records that were damaged and are kept beside it.

    rows_gap: rows that a spool had and that cannot be read. trouble: why it could not be closed, in words.
    """

    uid: str
    path: Path
    rows: int = 0
    bytes_lost: int = 0
    records_lost: int = 0
    rows_gap: int = 0
    trouble: str = ""

    def __str__(self) -> str:
        if self.trouble:
            return f"{self.uid[:8]} was left as it is: {self.trouble}"
        said = f"{self.uid[:8]} had no end and was closed; {self.rows} rows came from the spool"
        if self.bytes_lost:
            said += (
                f", {self.bytes_lost} bytes that cannot be read ({self.records_lost} records) were set aside"
            )
        return said + (f", {self.rows_gap} rows of the spool are lost" if self.rows_gap else "")


def recover(data: Path) -> list[Recovered]:
    """Close every run of a data folder that has no end and whose process is dead; return what was done.

    A run that was concluded is left alone, damaged or not (`labctl.runs.damaged` finds those), and so is what cannot be
    read. Raises OSError when the disk does not take what is to be written; what was written by then is whole, and
    recovery may be done again.
    """
    reports = []
    for path in unended(data):
        report = recover_run(path, data)
        if report is not None:
            log.warning("run %s", report)
            reports.append(report)
    return reports


def unended(data: Path) -> Iterator[Path]:
    """Yield the journals of runs that have no stop document at their end, living ones too; say which are damaged."""
    for new in (data / "runs").glob(f"*/*/*.jnl{NEW}"):
        # A run whose start was never told to anybody.
        remove_dead(new)
    for path in sorted((data / "runs").glob("*/*/*.jnl")):
        try:
            if read_ends(path)[1] is None:
                yield path
        except Corrupt:
            yield path
        except DataError as error:
            log.warning("%s", error)


def recover_run(path: Path, data: Path) -> Recovered | None:
    """Close a run that has no end; None when it has one, or when its process lives. Raises OSError."""
    try:
        file = RecordFile.resumed(path)
    except OwnershipError:
        return None
    try:
        return _Closing(path, data, file).close()
    except DataError as error:
        return Recovered(path.stem, path, trouble=str(error))
    finally:
        file.close()


@dataclass
class _Stream:
    """A stream of a run that died: its newest descriptor, how many rows the journal has, where the others are."""

    descriptor: Mapping[str, Any]
    source: Mapping[str, Any] | None = None
    rows: int = 0


@dataclass
class _Found:
    """What a journal says, up to the first damage; last: the latest time label [s since the epoch] in it."""

    start: Mapping[str, Any] = field(default_factory=dict)
    stop: Mapping[str, Any] | None = None
    sequence: int = 0
    end: int = 0
    last: float = 0.0
    recovered: int = 0
    streams: dict[str, _Stream] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)


def _read(path: Path) -> _Found:
    found = _Found(end=size_of(path))
    names: dict[str, str] = {}
    for record in run_records(path, lost=found.losses.append, until_damage=True):
        found.sequence = record.sequence + 1
        if record.kind == "R":
            row = record.payload
            found.streams[names[row["descriptor"]]].rows += len(row["time"])
            found.recovered += len(row["time"]) if row.get("recovered") else 0
            found.last = max([found.last, *row["time"]])
        elif record.kind == "D":
            name, doc, *sources = record.payload
            found.last = max(found.last, doc.get("time", 0.0))
            if name == "start":
                found.start = doc
            elif name == "stop":
                found.stop = doc
            elif name == "descriptor":
                names[doc["uid"]] = doc["name"]
                stream = found.streams.setdefault(doc["name"], _Stream(doc, *sources[:1]))
                stream.descriptor = doc
    if found.losses:
        found.end = found.losses[0].offset
    return found


class _Closing:
    """The closing of one run, whose file is ours."""

    def __init__(self, path: Path, data: Path, file: RecordFile) -> None:
        self._path, self._data, self._file = path, data, file
        self._found = _read(path)

    def close(self) -> Recovered | None:
        found = self._found
        if not found.start:
            raise Corrupt(f"{self._path} has no start document that can be read")
        if not is_uid(found.start["uid"]):
            raise Corrupt(f"{self._path} is of no run: its uid is {found.start['uid']!r}")
        if found.stop is not None and not found.losses:
            return None
        if found.losses:
            self._set_aside()
        self._file.cut(found.end, found.sequence)
        gap = 0
        if found.stop is None:
            gap = self._add_rows()
            if not (found.streams.get("outcome") and found.streams["outcome"].rows):
                self._add_outcome(gap)
            self._file.append("D", ["stop", self._stop()])
        return Recovered(
            str(found.start["uid"]),
            self._path,
            found.recovered,
            sum(loss.size for loss in found.losses),
            sum(loss.records for loss in found.losses),
            gap,
        )

    def _set_aside(self) -> None:
        """Copy what cannot be read beside the journal, once."""
        with reading(self._path) as file:
            file.seek(self._found.end)
            content = file.read()
        taken = set_aside(self._path)
        if not any(each.read_bytes() == content for each in taken):
            suffix = ".damaged" if not taken else f".damaged-{len(taken) + 1}"
            write_whole(self._path.with_suffix(suffix), content)

    def _add_rows(self) -> int:
        """Add the rows that were never collected, of every stream; return how many there were that are lost."""
        gap = 0
        uid = str(self._found.start["uid"])
        spools: dict[Path, SpooledRows] = {}
        for stream in self._found.streams.values():
            path = None if stream.source is None else self._spool(str(stream.source["spool"]))
            if stream.source is None or path is None:
                continue
            if path not in spools:
                spools[path] = rows_of_run(path, uid)
                gap += spools[path].unread
            have = int(stream.source["after"]) + stream.rows
            numbers, rows = spools[path].after(str(stream.source["stream"]), have)
            gap += numbers[-1] - have - len(numbers) if numbers else 0
            self._append_rows(stream, rows)
        return gap

    def _spool(self, name: str) -> Path | None:
        path, folder = (self._data / name).resolve(), (self._data / "spool").resolve()
        return path if path.is_relative_to(folder) and path.is_file() else None

    def _append_rows(self, stream: _Stream, rows: Sequence[SpooledRow]) -> None:
        keys = list(stream.descriptor["data_keys"])
        for begin in range(0, len(rows), PAGE):
            page = rows[begin : begin + PAGE]
            if any(row.keys() != set(keys) for _, row in page):
                raise DataError(
                    f"{self._path}: the spool's rows are not those of {stream.descriptor['name']}"
                )
            columns = {key: [row[key] for _, row in page] for key in keys}
            self._append_page(stream, [time for time, _ in page], columns, recovered=True)
            self._found.recovered += len(page)

    def _append_page(
        self, stream: _Stream, times: list[float], columns: Mapping[str, list[Any]], **said: Any
    ) -> None:
        page = {
            "descriptor": stream.descriptor["uid"],
            "event": False,
            "first": stream.rows + 1,
            "time": times,
            "data": columns,
            "timestamps": {},
            **said,
        }
        self._file.append("R", page)
        stream.rows += len(times)
        self._found.last = max(self._found.last, *times)

    def _add_outcome(self, gap: int) -> None:
        """Say how the run ended: what of it is certain, and that nobody saw it end."""
        found = self._found
        stream = found.streams.get("outcome")
        if stream is None:
            stream = found.streams["outcome"] = _Stream(
                outcome_descriptor(str(found.start["uid"]), found.last)
            )
            self._file.append("D", ["descriptor", stream.descriptor])
        recipe = _table(_table(found.start.get("recipe")).get("body"))
        row = {
            "end_reason": "died",
            "asked": recipe.get("pulse_count", UNKNOWN),
            "done": self._done(counts_pulses="pulse_count" in recipe),
            "interrupted": 1,
            "recovered": 1,
            "rows_gap": gap,
        }
        columns = {key: [row.get(key)] for key in stream.descriptor["data_keys"]}
        self._append_page(stream, [found.last], columns)

    def _done(self, *, counts_pulses: bool) -> int:
        """Return how much was done in the station's unit of work, where rows tell: steps, pulses, cells of a sheet.

        The rows of a film or of a furnace are seconds and not nanometres or segments.
        """
        found = self._found
        if "steps" in found.streams:
            return found.streams["steps"].rows
        if "primary" not in found.streams:
            return 0
        return found.streams["primary"].rows if counts_pulses or "sites" in found.start else UNKNOWN

    def _stop(self) -> dict[str, Any]:
        found = self._found
        run = str(found.start["uid"])
        aside = set_aside(self._path)
        why = "its end could not be read" if aside else "the process that ran it died"
        reason = f"{why}; recovered: {found.recovered} rows were added from the spool"
        if aside:
            size = sum(each.stat().st_size for each in aside)
            reason += f", {size} bytes that cannot be read are in {', '.join(each.name for each in aside)}"
        return {
            "uid": str(uuid.uuid5(uuid.UUID(run), "stop")),
            "time": found.last,
            "run_start": run,
            "exit_status": "fail",
            "reason": reason,
            "num_events": {name: stream.rows for name, stream in found.streams.items()},
        }


def _table(value: Any) -> Mapping[str, Any]:
    """Return a part of a start document, which holds whatever somebody's plan put there."""
    return value if isinstance(value, Mapping) else {}


def set_aside(path: Path) -> list[Path]:
    """Return what was taken out of a journal because it cannot be read, oldest first."""
    return sorted(each for each in path.parent.glob(f"{path.stem}.damaged*") if each.is_file())


def outcome_descriptor(run: str, time: float) -> dict[str, Any]:
    """Return the descriptor of an `outcome` stream for a run that has none."""
    return {
        "uid": str(uuid.uuid5(uuid.UUID(run), "outcome")),
        "time": time,
        "run_start": run,
        "name": "outcome",
        "data_keys": {
            key: column.data_key(key, f"recovery:{key}") for key, column in OUTCOME_COLUMNS.items()
        },
        "object_keys": {"recovery": list(OUTCOME_COLUMNS)},
        "configuration": {"recovery": {"data": {}, "timestamps": {}, "data_keys": {}}},
        "hints": {},
    }
