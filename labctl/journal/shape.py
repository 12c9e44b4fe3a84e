"""The shape of a run's journal: what its records hold, so that whoever reads one may rely on it.

A checksum says that a record is as it was written, not that a run wrote it: a spool, a script and another program
write records too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

Shape = Callable[[str, Any], str]
"""Says what is wrong with a record's payload, by its type letter; nothing where nothing is."""

LARGEST = 2**53
"""Whole numbers up to here are floats too, and sqlite's."""

TIMED = ("start", "descriptor", "stop")
"""Documents that say when they were made."""


def any_shape(kind: str, payload: Any) -> str:
    """Let every payload pass."""
    return ""


class RunShape:
    """Says what is wrong with the next record of a run, from the first on: rows follow their descriptors."""

    def __init__(self) -> None:
        self._keys: dict[str, Collection[str]] = {}

    def __call__(self, kind: str, payload: Any) -> str:
        """Return what is wrong with a record, empty where nothing is."""
        if wrong := misfit(kind, payload):
            return wrong
        if kind == "D" and payload[0] == "descriptor":
            self._keys[payload[1]["uid"]] = payload[1]["data_keys"].keys()
        elif kind == "R":
            keys = self._keys.get(payload["descriptor"])
            if keys is None:
                return f"rows of the unknown descriptor {payload['descriptor']}"
            if not keys <= payload["data"].keys():
                return "rows without some of the declared columns"
        return ""


def misfit(kind: str, payload: Any) -> str:
    """Return what is wrong with a record of a run taken by itself, empty where nothing is."""
    if kind == "R":
        return "" if _is_rows(payload) else "no rows of a run"
    if kind == "D":
        return _document_misfit(payload)
    return "" if kind != "X" or isinstance(payload, dict) else "no doubt of a run"


def _is_rows(row: Any) -> bool:
    if not isinstance(row, dict):
        return False
    times: Any = row.get("time")
    data: Any = row.get("data")
    stamps: Any = row.get("timestamps")
    return (
        isinstance(row.get("descriptor"), str)
        and isinstance(row.get("event"), bool)
        and type(row.get("first")) is int
        and _are_numbers(times)
        and _are_columns(data)
        and _are_columns(stamps)
        # One event is the first row of each of its columns.
        and not (row["event"] and not (times and all(data.values()) and all(stamps.values())))
    )


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(map(_is_number, values))


def _are_columns(table: Any) -> bool:
    return isinstance(table, dict) and all(isinstance(column, list) for column in table.values())


def _is_number(value: Any) -> bool:
    return (type(value) is float and math.isfinite(value)) or (type(value) is int and abs(value) <= LARGEST)


def _document_misfit(said: Any) -> str:
    if not (
        isinstance(said, list) and len(said) > 1 and isinstance(said[0], str) and isinstance(said[1], dict)
    ):
        return "no document"
    name, document, *sources = said
    if not _is_number(document.get("time", None if name in TIMED else 0.0)):
        return f"a {name} document without its time"
    if name == "start" and not isinstance(document.get("uid"), str):
        return "a start document without a uid"
    if name == "stop" and not _is_stop(document):
        return "a stop document that does not say how the run ended"
    if name == "descriptor" and not (_is_descriptor(document) and all(map(_is_source, sources[:1]))):
        return "a descriptor that does not say what its rows are"
    return ""


def _is_stop(document: Mapping[str, Any]) -> bool:
    counts = document.get("num_events")
    return isinstance(document.get("exit_status"), str) and (counts is None or isinstance(counts, dict))


def _is_descriptor(document: Mapping[str, Any]) -> bool:
    keys = document.get("data_keys")
    return (
        _are_texts(document, ("uid", "name", "run_start"))
        and isinstance(keys, dict)
        and all(isinstance(each, dict) and isinstance(each.get("dtype"), str) for each in keys.values())
    )


def _is_source(said: Any) -> bool:
    """Return whether it says where the rows of a stream stand that nobody has collected yet."""
    return isinstance(said, dict) and _are_texts(said, ("spool", "stream")) and type(said.get("after")) is int


def spool_misfit(kind: str, payload: Any) -> str:
    """Return what is wrong with a record of a device's spool, empty where nothing is."""
    if kind not in ("M", "R"):
        return ""
    if not (isinstance(payload, dict) and isinstance(payload.get("stream"), str)):
        return "nothing of a spool"
    if kind == "M":
        fits = isinstance(payload.get("run"), str) and type(payload.get("after")) is int
        return "" if fits else "no mark of a spool"
    fits = type(payload.get("n")) is int and isinstance(payload.get("row"), dict)
    return "" if fits and _is_number(payload.get("time")) else "no row of a spool"


def _are_texts(said: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(isinstance(said.get(name), str) for name in names)
