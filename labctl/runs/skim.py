"""A journal read once from end to end without decoding its rows: what it says of itself."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, Foreign
from labctl.journal.records import HEAD, check_record, reading
from labctl.journal.shape import misfit

PREFIX = b'{"descriptor":"'
"""How the payload of every row record begins; the descriptor's uid follows."""

CONTRADICTIONS = (KeyError, TypeError, ValueError, RecursionError)
"""What comes of records that have right checksums and are not those of a run."""


@dataclass
class Skim:
    """What a journal says of itself, rows aside.

    descriptors by uid. counts: rows by stream. rows: the records of the streams that were asked for. last: the last
    record of each stream. latest: the last time label [s since the epoch] of any. damage: what is wrong with it, empty
    when nothing is; what stands before the damage was read all the same. doubt: why the disk may not have all that was
    written.
    """

    start: dict[str, Any] | None = None
    stop: dict[str, Any] | None = None
    descriptors: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: float = 0.0
    damage: str = ""
    doubt: str = ""

    def descriptor_keys(self, stream: str) -> set[str]:
        """Return the data keys of a stream, none where there is no such stream."""
        found = (each["data_keys"] for each in self.descriptors.values() if each["name"] == stream)
        return {key for keys in found for key in keys}


def skim(path: Path, streams: Collection[str] = ()) -> Skim:
    """Return what a journal says of itself, with every checksum checked.

    Raises Foreign, Newer and Unreadable as reading does; damage is told, not raised.
    """
    found, contradiction = Skim(), f"{path}: its records contradict each other"
    last: dict[str, bytes] = {}
    try:
        for kind, payload in payloads(path):
            if kind == b"R":
                uid = descriptor_of(payload)
                last[uid] = payload
                if (stream := found.descriptors[uid]["name"]) in streams:
                    found.rows.setdefault(stream, []).append(_decoded("R", payload))
            elif kind == b"D":
                name, document, *_ = _decoded("D", payload)
                _take(found, name, document)
            elif kind == b"X":
                found.doubt = str(json.loads(payload)["doubt"])
    except Corrupt as error:
        found.damage = str(error)
    except CONTRADICTIONS:
        found.damage = contradiction
    for uid, payload in last.items():
        try:
            _count(found, uid, _decoded("R", payload))
        except CONTRADICTIONS:
            found.damage = found.damage or contradiction
    return found


def _decoded(kind: str, payload: bytes) -> Any:
    """Return what a payload says. Raises ValueError when that is nothing of a run."""
    said = json.loads(payload)
    if wrong := misfit(kind, said):
        raise ValueError(wrong)
    return said


def _count(found: Skim, uid: str, row: dict[str, Any]) -> None:
    stream, keys = found.descriptors[uid]["name"], found.descriptors[uid]["data_keys"].keys()
    if not keys <= row["data"].keys():
        raise ValueError(f"{stream} without some of its columns")
    found.counts[stream], found.last[stream] = row["first"] + len(row["time"]) - 1, row
    found.latest = max([found.latest, *row["time"]])


def payloads(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield type letter and payload of each whole record after the header, checked and not decoded.

    A torn tail ends the reading. Raises Corrupt, Foreign, Newer, Unreadable as `labctl.journal.records.read_records`
    does.
    """
    offset = 0
    with reading(path) as file:
        for sequence, line in enumerate(file):
            if not line.endswith(b"\n"):
                if sequence == 0:
                    raise Foreign(f"{path} is not a journal")
                return
            if sequence == 0:
                check_record(path, line[:-1], 0, 0)
            elif not _is_whole(line, sequence):
                # Says which record it is, in the words in which every reader says it.
                check_record(path, line[:-1], offset, sequence)
                raise Corrupt(f"{path}: record {sequence} at byte {offset} is out of order")
            else:
                yield line[27:28], line[HEAD:-1]
            offset += len(line)


def descriptor_of(payload: bytes) -> str:
    """Return the uid of the descriptor that a row record belongs to."""
    if payload.startswith(PREFIX):
        return payload[len(PREFIX) : payload.index(b'"', len(PREFIX))].decode()
    return str(json.loads(payload)["descriptor"])


def _is_whole(line: bytes, sequence: int) -> bool:
    head = b"%08x %08x %08x " % (len(line) - HEAD - 1, zlib.crc32(memoryview(line)[18:-1]), sequence)
    return line.startswith(head)


def _take(found: Skim, name: str, document: dict[str, Any]) -> None:
    if name == "start":
        found.start = document
    elif name == "stop":
        found.stop = document
    elif name == "descriptor":
        found.descriptors[document["uid"]] = document
        found.counts.setdefault(document["name"], 0)
    found.latest = max(found.latest, document.get("time", 0.0))
