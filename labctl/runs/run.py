"""One run, read from its journal as documents and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError
from labctl.config.finder import data_dir
from labctl.journal.documents import read_documents
from labctl.runs.briefs import Brief, brief_of, find_run

Table = dict[str, np.ndarray[Any, Any]]


class Run:
    """One run, read from its journal.

    `Run(uid)` looks in the data directory; a beginning of the uid that fits one run only is enough, and "last" is
    the run that began last.
    """

    def __init__(self, uid: str | Path, data: str | Path | None = None) -> None:
        """Read the run. Raises DataError when there is none, or more than one, or its journal is corrupt."""
        self.path = (
            uid if isinstance(uid, Path) else find_run(data_dir(None if data is None else Path(data)), uid)
        )
        self.documents = list(read_documents(self.path))
        self.start: dict[str, Any] = self._only("start") or {}
        self.stop = self._only("stop")
        self.uid = str(self.start["uid"])

    def _only(self, name: str) -> dict[str, Any] | None:
        return next((doc for each, doc in self.documents if each == name), None)

    @property
    def streams(self) -> dict[str, list[dict[str, Any]]]:
        """The descriptors of each stream, by stream name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for name, doc in self.documents:
            if name == "descriptor":
                found.setdefault(doc["name"], []).append(doc)
        return found

    def units(self, stream: str = "primary") -> dict[str, str]:
        """Return the unit of each key of a stream."""
        keys = self._descriptors(stream)[0]["data_keys"]
        return {key: str(described.get("units", "")) for key, described in keys.items()}

    def table(self, stream: str = "primary") -> Table:
        """Return a stream's rows, one array per key, in the order they were taken."""
        described = self._descriptors(stream)[0]["data_keys"]
        keys = list(described)
        columns: dict[str, list[Any]] = {key: [] for key in keys}
        for name, doc in self._events(stream):
            for key in keys:
                value = doc["data"][key]
                columns[key].extend(value if name == "event_page" else [value])
        kinds = {"string": str, "integer": int}
        return {
            key: np.asarray(values, dtype=kinds.get(described[key]["dtype"]) if not values else None)
            for key, values in columns.items()
        }

    def times(self, stream: str = "primary") -> np.ndarray[Any, Any]:
        """Return the time labels of a stream's rows [s since the epoch]."""
        labels: list[float] = []
        for name, doc in self._events(stream):
            labels.extend(doc["time"] if name == "event_page" else [doc["time"]])
        return np.asarray(labels)

    def _events(self, stream: str) -> Iterator[tuple[str, dict[str, Any]]]:
        uids = {doc["uid"] for doc in self._descriptors(stream)}
        for name, doc in self.documents:
            if name in ("event", "event_page") and doc["descriptor"] in uids:
                yield name, doc

    def _descriptors(self, stream: str) -> list[dict[str, Any]]:
        streams = self.streams
        if stream not in streams:
            raise DataError(
                f"run {self.uid[:8]} has no stream {stream!r}; it has {', '.join(streams) or 'none'}"
            )
        return streams[stream]

    def brief(self) -> Brief:
        """Return the run in one line."""
        return brief_of(self.path, self.start, self.stop)
