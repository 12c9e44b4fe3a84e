"""Verify: is a journal whole, in order, and what event-model says a run is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from event_model import DocumentNames, schema_validators

from devices.errors import DataError
from labctl.journal.aside import how_to_set_aside, why_unread
from labctl.journal.documents import expand
from labctl.journal.records import Loss, Record, has_writer, read_records
from labctl.journal.shape import misfit

TYPES: Mapping[str, tuple[type, ...]] = {
    "number": (float, int, type(None)),
    "integer": (int,),
    "string": (str,),
    "array": (list,),
    "boolean": (bool,),
}
"""What JSON holds of each type of a data key; null of a number is NaN."""

MOST = 20
"""Complaints about one journal that are told one by one."""


@dataclass(frozen=True)
class Verdict:
    """What was found in one journal: records and rows that are good, and every complaint in words."""

    path: Path
    records: int
    rows: int
    complaints: tuple[str, ...]
    running: bool

    @property
    def good(self) -> bool:
        """Whether nothing is wrong; a run that still goes on need not have an end."""
        return not self.complaints

    def __str__(self) -> str:
        said = f"{self.path.stem[:8]}  {self.records} records, {self.rows} rows"
        if self.good:
            return f"{said}, {'running, good so far' if self.running else 'good'}"
        return f"{said}\n" + "\n".join(f"    {each}" for each in self.complaints)


def verify_run(path: Path) -> Verdict:
    """Check every record of a journal, the order of its documents, their schemas, and the numbers of its rows.

    Each kind of event is held against event-model's schema by the first row of every page; keys, lengths and types
    of all rows are checked. What cannot be read at all is a complaint, too.
    """
    running = False
    checked = _Documents()
    records = 0
    complaints: list[str] = []

    def lost(loss: Loss) -> None:
        if not (running and loss.torn):
            complaints.append(str(loss).removeprefix(f"{loss.path}: "))

    try:
        running = has_writer(path)
        for record in read_records(path, lost=lost, until_damage=True):
            records += 1
            complaints += checked.take(record)
    except DataError as error:
        complaints.append(str(error))
    else:
        complaints += checked.end(running=running, named=path.stem)
    if not running and why_unread(path):
        complaints.append(f"whose run it is cannot be read; {how_to_set_aside(path)}")
    more = len(complaints) - MOST
    shown = (*complaints[:MOST], *([f"and {more} more"] if more > 0 else []))
    return Verdict(path, records, sum(checked.rows.values()), shown, running)


class _Documents:
    """The documents of one run so far; rows: how many of each stream."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self._uid = ""
        self._stop: dict[str, Any] | None = None
        self._descriptors: dict[str, dict[str, Any]] = {}
        self._count = 0

    def take(self, record: Record) -> Iterator[str]:
        """Yield what is wrong with the next record."""
        kind, payload = record.kind, record.payload
        where = f"record {record.sequence}"
        if kind == "H":
            if record.sequence:
                yield f"{where}: a second header"
            return
        if wrong := misfit(kind, payload):
            yield f"{where}: is {wrong}"
            return
        if kind == "X":
            yield f"{where}: doubtful, {payload.get('doubt')}"
            return
        if self._stop is not None:
            yield f"{where}: stands after the stop document"
        if kind == "D":
            yield from (f"{where}: {each}" for each in self._document(*payload[:2]))
        elif kind == "R":
            yield from (f"{where}: {each}" for each in self._rows_of(payload))
        else:
            yield f"{where}: has no place in a run's journal"

    def end(self, *, running: bool, named: str) -> Iterator[str]:
        """Yield what is wrong with the whole."""
        if not self._uid:
            yield "there is no start document"
        elif self._uid != named:
            yield f"it is named {named} and is the run {self._uid}"
        if self._stop is None:
            if self._uid and not running:
                yield f"there is no stop document; `labctl recover {named[:8]}` closes the run"
            return
        told = {name: count for name, count in (self._stop.get("num_events") or {}).items() if count}
        there = {name: count for name, count in self.rows.items() if count}
        if told != there:
            yield f"the stop document counts {told}, and there are {there}"

    def _document(self, name: str, doc: dict[str, Any]) -> Iterator[str]:
        if (name == "start") != (self._count == 0):
            yield f"a {name} document at this place"
        self._count += 1
        yield from _against_schema(name, doc)
        if name == "start":
            self._uid = str(doc.get("uid"))
        elif doc.get("run_start") != self._uid:
            yield f"the {name} is of the run {doc.get('run_start')}"
        elif name == "descriptor":
            if doc["uid"] in self._descriptors:
                yield f"the descriptor {doc['uid']} stands twice"
            self._descriptors[doc["uid"]] = doc
        elif name == "stop":
            self._stop = doc

    def _rows_of(self, row: dict[str, Any]) -> Iterator[str]:
        descriptor = self._descriptors.get(row["descriptor"])
        if descriptor is None:
            yield f"rows of the unknown descriptor {row['descriptor']}"
            return
        stream, count = descriptor["name"], len(row["time"])
        before = self.rows.get(stream, 0)
        if row["first"] != before + 1:
            yield f"{stream} goes on with row {row['first']} after row {before}"
        self.rows[stream] = row["first"] - 1 + count
        wrong = list(_columns(stream, descriptor["data_keys"], row, count))
        yield from wrong
        if not wrong:
            first = {
                **row,
                "time": row["time"][:1],
                "data": {key: column[:1] for key, column in row["data"].items()},
                "timestamps": {key: stamps[:1] for key, stamps in row["timestamps"].items()},
            }
            yield from _against_schema(*expand(first, self._uid, stream, set()))


def _columns(stream: str, keys: Mapping[str, Any], row: Mapping[str, Any], count: int) -> Iterator[str]:
    if not count:
        yield f"{stream}: a page without rows"
    if row["data"].keys() != keys.keys():
        yield f"{stream}: the keys {sorted(row['data'])} are not the declared ones"
        return
    for key, column in row["data"].items():
        if len(column) != count or len(row["timestamps"].get(key, column)) != count:
            yield f"{stream}: {key} has {len(column)} values for {count} rows"
            continue
        allowed = TYPES.get(keys[key]["dtype"], (object,))
        number = keys[key]["dtype"] == "number"
        for index, value in enumerate(column):
            if not isinstance(value, allowed) and not (number and value in ("inf", "-inf")):
                yield f"{stream}: {key} of row {row['first'] + index} is {value!r}, no {keys[key]['dtype']}"
                break


def _against_schema(name: str, doc: dict[str, Any]) -> Iterator[str]:
    validator: Any = schema_validators[DocumentNames[name]]
    for error in validator.iter_errors(doc):
        place = "/".join(str(each) for each in error.absolute_path)
        yield f"{name} {place}: {error.message[:200]}"


def verify(paths: list[Path], tell: Callable[[Verdict], None]) -> bool:
    """Verify journals one after the other, telling each verdict as it is known; return whether all are good."""
    good = True
    for path in paths:
        verdict = verify_run(path)
        tell(verdict)
        good = good and verdict.good
    return good
