"""A run as an export reads it: its ends, and its rows in batches, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from devices.errors import DataError
from labctl.exports.outputs import writable
from labctl.runs.index import is_written
from labctl.runs.run import Run
from labctl.samples.of_run import SampleOfRun, as_told, sample_of_run

BATCH_ROWS = 16_384
"""Rows that are held at once per stream; guess, 2 MB for a cycling run."""

QUANTITY = "quantity"
"""The key that names what a row is of, and ends with its unit."""

Column = np.ndarray[Any, Any]
Table = Mapping[str, Column]


@dataclass(frozen=True)
class Batch:
    """Some rows of one stream in the order they were taken, none where the stream has none at all.

    keys: the event-model data keys; number (n,) each; time (n,), the time labels [s since the epoch]; columns:
    one array (n,) per key, of objects where the key holds text or arrays.
    """

    stream: str
    keys: Mapping[str, Mapping[str, Any]]
    number: Column
    time: Column
    columns: Table

    def units(self) -> dict[str, str]:
        """Return the unit of each key, empty where it has none or each row one of its own."""
        by_row = set(self.valued)
        return {
            key: "" if key in by_row else str(described.get("units") or "")
            for key, described in self.keys.items()
        }

    @property
    def valued(self) -> list[str]:
        """The keys whose values are in the unit that the row's `quantity` ends with: voltage_V."""
        if self.keys.get(QUANTITY, {}).get("dtype") != "string":
            return []
        return [
            key
            for key, said in self.keys.items()
            if said.get("dtype") == "number" and said.get("units") in (None, "", "1")
        ]

    def labelled(self) -> dict[str, Column]:
        """Return the columns with `seq_num` and `time` before them; a key of that name keeps it."""
        labels = {"seq_num": self.number, "time": self.time}
        return {
            **{f"event_{name}" if name in self.keys else name: values for name, values in labels.items()},
            **self.columns,
        }


@dataclass
class _Pending:
    """Rows of a stream that were not yielded yet."""

    keys: Mapping[str, Mapping[str, Any]]
    number: list[int] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    data: dict[str, list[Any]] = field(default_factory=dict)
    yielded: bool = False


class RunFile:
    """A run as something to export: start of its first journal, stop of its last, None when it has no end."""

    def __init__(self, run: Run) -> None:
        self.run, self.start, self.stop, self.uid = run, run.start, run.stop, run.uid
        self.journals = tuple(member.path for member in run.members)

    @property
    def known(self) -> SampleOfRun:
        """Its sample as it was then by what is known now; as its start document has it where facts contradict."""
        return self._known[0]

    @cached_property
    def _known(self) -> tuple[SampleOfRun, str]:
        try:
            return sample_of_run(self.run), ""
        except DataError as error:
            return as_told(self.run), f"the sample is described as the run was told it: {error}"

    def remarks(self) -> list[str]:
        """Return what has to be said of the run before its rows are trusted."""
        said = [*self.run.damage, *filter(None, [self._known[1]])]
        if self.stop is None:
            return [*said, self._unended()]
        status, reason = self.stop["exit_status"], self.stop.get("reason", "")
        return (
            said if status == "success" else [*said, f"the run ended with {status}{reason and f': {reason}'}"]
        )

    def _unended(self) -> str:
        """Return why there is no end, and which rows are missing for that."""
        last = self.run.members[-1]
        if is_written(last.path):
            return (
                "the run has no end yet: it is running; these are the rows so far, without the last minute's"
            )
        why = "its journal cannot be read to its end" if last.damage else "its process died"
        return (
            f"the run has no end: {why}; rows that were never collected are missing, `labctl recover {last.uid[:8]}`"
            " adds those that the spool has"
        )

    @property
    def followers(self) -> list[dict[str, Any]]:
        """The start documents of the runs that went on with it."""
        return [member.start for member in self.run.members[1:]]

    def batches(self) -> Iterator[Batch]:
        """Yield every stream's rows, at least one batch per stream; DataError on what no column can hold.

        What was read around the cell stands beside its rows. Of a run in several journals a stream is held whole
        while it is yielded.
        """
        batches = self._one_journal() if len(self.journals) == 1 else self._chain()
        return map(self._surrounded, batches)

    def _surrounded(self, batch: Batch) -> Batch:
        read = self.run.surroundings.keys_beside(batch.stream, batch.keys)
        if not read:
            return batch
        columns = self.run.surroundings.beside(batch.time, batch.columns, batch.keys)
        texts = {
            key: _column(columns[key].tolist(), "string") for key in read if read[key]["dtype"] == "string"
        }
        return replace(batch, keys={**batch.keys, **read}, columns={**columns, **texts})

    def _one_journal(self) -> Iterator[Batch]:
        pending: dict[str, _Pending] = {}
        names: dict[str, str] = {}
        for name, doc in self.run.documents:
            if name == "descriptor":
                names[doc["uid"]] = doc["name"]
                pending.setdefault(doc["name"], _Pending(doc["data_keys"]))
            elif name in ("event", "event_page"):
                stream = names[doc["descriptor"]]
                rows = pending[stream]
                _take(self.uid, stream, rows, doc, single=name == "event")
                if len(rows.number) >= BATCH_ROWS:
                    yield _flush(self.uid, stream, rows)
        for stream, rows in pending.items():
            if rows.number or not rows.yielded:
                yield _flush(self.uid, stream, rows)

    def _chain(self) -> Iterator[Batch]:
        for stream, descriptors in self.run.streams.items():
            keys, times = descriptors[0]["data_keys"], self.run.times(stream)
            table = self.run.recorded(stream)
            for first in range(0, len(times) or 1, BATCH_ROWS):
                rows = _Pending(keys)
                rows.time = times[first : first + BATCH_ROWS].tolist()
                rows.number = list(range(first + 1, first + 1 + len(rows.time)))
                rows.data = {key: table[key][first : first + BATCH_ROWS].tolist() for key in keys}
                yield _flush(self.uid, stream, rows)


def _take(uid: str, stream: str, rows: _Pending, doc: Mapping[str, Any], *, single: bool) -> None:
    if doc["data"].keys() != rows.keys.keys():
        raise DataError(
            f"run {uid[:8]}: the keys of stream {stream!r} change on the way; no table can hold that"
        )
    rows.number.extend([doc["seq_num"]] if single else doc["seq_num"])
    rows.time.extend([doc["time"]] if single else doc["time"])
    for key, values in doc["data"].items():
        rows.data.setdefault(key, []).extend([values] if single else values)


def _flush(uid: str, stream: str, rows: _Pending) -> Batch:
    columns = {}
    for key, described in rows.keys.items():
        try:
            columns[key] = _column(rows.data.get(key, []), str(described["dtype"]))
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"run {uid[:8]}: {stream}.{key} holds what is no {described['dtype']}") from error
    batch = Batch(stream, rows.keys, np.asarray(rows.number, int), np.asarray(rows.time, float), columns)
    rows.number, rows.time, rows.data, rows.yielded = [], [], {}, True
    return batch


def _column(values: list[Any], dtype: str) -> Column:
    if dtype == "number":
        return np.asarray(values, dtype=float)
    if dtype == "integer":
        return np.asarray(values, dtype=np.int64)
    if dtype == "boolean":
        return np.asarray(values, dtype=bool)
    objects = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        objects[index] = np.asarray(value, dtype=float) if dtype == "array" else writable(str(value))
    return objects
