"""The rows of a run as arrays, and the cache that makes a long run open at once.

A cache is a file that may be deleted at any time. It is used only for the very journal it was made from, and only
when its own checksums hold; else the journal is read and a new one is made.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from labctl.journal.documents import NUMBERS, run_records
from labctl.journal.records import has_writer, make_folder, reading, size_of
from labctl.whole_file import sweep, whole_file

log = logging.getLogger(__name__)

VERSION = 1
"""Of the cache's form; one of another version is made anew."""

WORTH = 2_000_000
"""Bytes of a journal from which on a cache is made; below, it is read in a tenth of a second (measured)."""

TAIL = 4096
"""Bytes at a journal's end that belong to its mark: they hold the stop document, or the last rows."""

HEAD = 9
"""Bytes of the checksum that a cache begins with; the rest is numpy's npz."""

BLOCK = 1 << 20
"""Bytes that a checksum is taken of at once."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class StreamColumns:
    """The rows of one stream, in their order: time labels [s since the epoch] (n,), and one array per key (n, ...)."""

    times: Array
    data: Mapping[str, Array]


def columns(path: Path) -> Mapping[str, StreamColumns]:
    """Return the rows of a journal's streams as arrays, by stream name, from its cache where that is as new.

    Numbers are floats with NaN where nothing was measured, integers int64, text is text; a stream without rows has
    arrays without elements. Raises Corrupt, Foreign, Newer, Unreadable as `read_records` does, and only then is nothing
    cached.
    """
    place = cache_path(path)
    mark = _mark(path)
    found = _cached(place, mark) if place is not None else None
    if found is None:
        found = read_columns(path)
        if place is not None and size_of(path) >= WORTH and not has_writer(path):
            _keep(place, mark, found)
    return found


def cache_path(path: Path) -> Path | None:
    """Return where the cache of a journal stands, None for a journal outside of a data folder."""
    folders = path.absolute().parents
    if len(folders) < 4 or folders[2].name != "runs":
        return None
    return folders[3] / "cache" / f"{path.stem}.npz"


def read_columns(path: Path) -> dict[str, StreamColumns]:
    """Return the rows of a journal's streams as arrays, by stream name, read from the journal itself."""
    streams: dict[str, _Gathered] = {}
    of: dict[str, _Gathered] = {}
    for record in run_records(path):
        if record.kind == "D" and record.payload[0] == "descriptor":
            descriptor = record.payload[1]
            gathered = streams.setdefault(descriptor["name"], _Gathered(descriptor["data_keys"]))
            of[descriptor["uid"]] = gathered
        elif record.kind == "R":
            of[record.payload["descriptor"]].add(record.payload)
    return {name: gathered.joined() for name, gathered in streams.items()}


class _Gathered:
    """The rows of one stream so far, a list of arrays per key: a page's objects are given up with it."""

    def __init__(self, keys: Mapping[str, Mapping[str, Any]]) -> None:
        self._keys = keys
        self._times: list[Array] = []
        self._data: dict[str, list[Array]] = {key: [] for key in keys}

    def add(self, row: Mapping[str, Any]) -> None:
        self._times.append(np.asarray(row["time"], dtype=float))
        for key, parts in self._data.items():
            parts.append(_array(row["data"][key], self._keys[key]["dtype"]))

    def joined(self) -> StreamColumns:
        data = {
            key: _together(parts) if parts else _array([], self._keys[key]["dtype"])
            for key, parts in self._data.items()
        }
        return StreamColumns(np.concatenate([np.empty(0), *self._times]), data)


def _array(column: list[Any], dtype: str) -> Array:
    if dtype in NUMBERS:
        # numpy reads null as NaN and the words of infinities as infinities.
        try:
            return np.array(column, dtype=float)
        except ValueError:
            if dtype != "array":
                raise
            return _objects([_array(cell, dtype) for cell in column])  # of unlike shapes
    if dtype == "string":
        return np.array(column, dtype=str)
    if not column:
        return np.empty(0, dtype=np.int64)
    found = np.array(column)
    # What is no whole number has no place here; objects keep it as it is.
    return found if found.dtype.kind in "iub" else np.array(column, dtype=object)


def _together(parts: list[Array]) -> Array:
    """Return the pages of a column as one array; of arrays of unlike shapes, as objects."""
    if len({part.shape[1:] for part in parts}) > 1:
        return _objects([cell for part in parts for cell in part])
    return np.concatenate(parts)


def _objects(cells: list[Array]) -> Array:
    found = np.empty(len(cells), dtype=object)
    for index, cell in enumerate(cells):
        found[index] = cell
    return found


def _mark(path: Path) -> str:
    """Return what tells a journal from any other state of it: its size, its time, its last bytes."""
    with reading(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        tail = file.read()
        found = path.stat()
    return json.dumps([VERSION, size, found.st_mtime_ns, tail.decode("latin-1")])


def _cached(place: Path, mark: str) -> dict[str, StreamColumns] | None:
    """Return what a cache holds when it is of this journal and whole; None else."""
    try:
        with place.open("rb") as file:
            if file.read(HEAD) != _checksum(file):
                log.info("%s is damaged and made anew", place)
                return None
            file.seek(HEAD)
            with np.load(file, allow_pickle=False) as arrays:
                if str(arrays["mark"]) != mark:
                    return None
                names = json.loads(str(arrays["streams"]))
                return {name: _stream(arrays, number) for number, name in enumerate(names)}
    except FileNotFoundError:
        return None
    except OSError as error:
        log.info("%s is made anew: %s", place, error)
        return None


def _checksum(file: BinaryIO) -> bytes:
    """Return what a cache begins with: the checksum of the rest of it, from where it stands."""
    checksum = 0
    while block := file.read(BLOCK):
        checksum = zlib.crc32(block, checksum)
    return b"%08x\n" % checksum


def _stream(arrays: Mapping[str, Array], number: int) -> StreamColumns:
    keys = json.loads(str(arrays[f"{number}_keys"]))
    data = {key: arrays[f"{number}_{index}"] for index, key in enumerate(keys)}
    return StreamColumns(arrays[f"{number}_times"], data)


def _keep(place: Path, mark: str, found: Mapping[str, StreamColumns]) -> None:
    """Write a cache; a disk that does not take it costs time the next time, and nothing else."""
    arrays: dict[str, Any] = {"mark": np.asarray(mark), "streams": np.asarray(json.dumps(list(found)))}
    for number, stream in enumerate(found.values()):
        if any(column.dtype == object for column in stream.data.values()):
            return
        arrays[f"{number}_keys"] = np.asarray(json.dumps(list(stream.data)))
        arrays[f"{number}_times"] = stream.times
        arrays |= {f"{number}_{index}": column for index, column in enumerate(stream.data.values())}
    try:
        make_folder(place.parent)
        sweep(place.parent)
        with whole_file(place) as temporary, temporary.open("w+b") as file:
            file.write(bytes(HEAD))
            np.savez(file, **arrays)
            file.seek(HEAD)
            checksum = _checksum(file)
            file.seek(0)
            file.write(checksum)
    except OSError as error:
        log.info("%s is not cached: %s", place, error)
