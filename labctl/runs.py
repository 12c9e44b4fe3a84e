"""Runs as they were kept: found in the data directory, read as documents and as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError
from labctl.config.finder import data_dir
from labctl.journal.documents import read_documents, read_ends

MAKING = frozenset({"anneal"})
"""Plans that change what a sample is; what they did is the input of later runs."""

LAST = "last"
"""What may be typed for the run that began last."""

Table = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Brief:
    """A run in one line."""

    uid: str
    path: Path
    time: float
    ended: float
    plan: str
    sample: str
    experiment: str
    status: str


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
        return _brief(self.path, self.start, self.stop)


def run_files(data: Path) -> list[Path]:
    """Return the journals of a data directory, oldest folder first."""
    return sorted((data / "runs").glob("*/*/*.jnl"))


def find_run(data: Path, uid: str) -> Path:
    """Return the journal whose uid begins so, or of the `last` run. Raises DataError when none or several do."""
    if uid == LAST:
        *_, newest = [None, *briefs(data)]
        if newest is None:
            raise DataError(f"there are no runs in {data}")
        return newest.path
    found = [path for path in run_files(data) if path.stem.startswith(uid)] if uid else []
    if len(found) != 1:
        which = "no run" if not found else f"{len(found)} runs"
        raise DataError(f"{which} in {data} with a uid that begins with {uid!r}; `labctl runs` lists them")
    return found[0]


def briefs(data: Path) -> Iterator[Brief]:
    """Yield every run in one line, in the order they began."""
    found = []
    for path in run_files(data):
        try:
            start, stop = read_ends(path)
            if start is not None:
                found.append(_brief(path, start, stop))
        except DataError:
            # One damaged journal must not hide the others; whoever asks for that run hears what is wrong.
            found.append(Brief(path.stem, path, 0.0, 0.0, "", "", "", "damaged"))
    yield from sorted(found, key=lambda brief: brief.time)


def made_by(data: Path, sample_id: str) -> list[str]:
    """Return the uids of the runs that made a sample what it is, oldest first."""
    return [each.uid for each in briefs(data) if each.sample == sample_id and each.plan in MAKING]


def earlier_anneals(run: Run) -> list[Run]:
    """Return the anneals of a run's sample that were kept before it beside it, oldest first, those with pulses."""
    data = run.path.parents[3]
    uids = made_by(data, run.start["sample"]["id"])
    earlier = [Run(uid, data) for uid in uids[: uids.index(run.uid)]]
    return [each for each in earlier if "primary" in each.streams and len(each.table()["pulse"])]


def _brief(path: Path, start: dict[str, Any], stop: dict[str, Any] | None) -> Brief:
    return Brief(
        uid=start["uid"],
        path=path,
        time=start["time"],
        ended=_last_label(path) if stop is None else stop["time"],
        plan=start.get("plan_name", ""),
        sample=(start.get("sample") or {}).get("id", ""),
        experiment=start.get("experiment", ""),
        status="died" if stop is None else stop["exit_status"],
    )


def _last_label(path: Path) -> float:
    """Return the latest time label [s since the epoch] of a run that died, read in full: it has no stop document."""
    labels = [0.0]
    for _, doc in read_documents(path):
        labels += doc["time"] if isinstance(doc["time"], list) else [doc["time"]]
    return max(labels)
