"""The rows of runs as lines of text while they come, decimated: doubtful ones first, as many as one can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labctl.how_many import how_many
from labctl.live.columns import FLAGS, Watched, flags_in_words, is_doubtful, watched
from labctl.plain_text import plain

ROWS = 8
"""Rows of one stream that are shown of what came at once."""

SHOWN = frozenset({"primary", "cycles", "impedance"})
"""Streams whose rows are shown; where a run has none of them, all are."""

EVENTS = "events"


@dataclass
class _Stream:
    name: str
    purpose: str
    columns: tuple[Watched, ...]
    widths: list[int]
    rows: list[tuple[list[str], str]] = field(default_factory=list)
    is_headed: bool = False


class LiveTable:
    """Takes documents, or rows as a journal has them, and gives lines; what fails in it is whoever calls it's."""

    def __init__(self) -> None:
        self._purposes: dict[str, str] = {}
        self._streams: dict[str, _Stream] = {}
        self._events: dict[str, str] = {}
        self._said: list[str] = []
        self._last = ""

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take a document."""
        if name == "start":
            self._begin(doc)
        elif name == "descriptor":
            self._describe(doc)
        elif name == "event_page":
            self.rows(doc["descriptor"], doc["data"])
        elif name == "event":
            self.rows(doc["descriptor"], {key: [value] for key, value in doc["data"].items()})
        elif name == "stop":
            reason = f": {plain(doc['reason'])}" if doc.get("reason") else ""
            self._said.append(f"run {doc['run_start'][:8]} ended: {doc['exit_status']}{reason}")

    def rows(self, descriptor: str, data: Mapping[str, Sequence[Any]]) -> None:
        """Take rows of a stream, as columns."""
        if descriptor in self._events:
            self._said += [
                f"{severity}: {plain(text)}"
                for severity, text in zip(data["severity"], data["text"], strict=True)
                if severity != "info"
            ]
        stream = self._streams.get(descriptor)
        if stream is None:
            return
        flags = data.get(FLAGS) or [0] * len(next(iter(data.values()), ()))
        cells = [[column.text(value) for value in data[column.key]] for column in stream.columns]
        for *row, flag in zip(*cells, flags, strict=True):
            stream.rows.append((row, flags_in_words(stream.purpose, flag)))

    def lines(self) -> list[str]:
        """Return what is to be said of all that came since the last call."""
        lines, self._said = self._said, []
        before = lines[:-1] if lines and lines[-1].startswith("run ") and "ended" in lines[-1] else lines
        found = [line for stream in self._streams.values() for line in self._lines_of(stream)]
        return [*before, *found, *lines[len(before) :]]

    def _begin(self, doc: Mapping[str, Any]) -> None:
        sample = doc.get("sample")
        on = f" on {plain(sample['id'])}" if isinstance(sample, dict) and sample.get("id") else ""
        self._purposes[doc["uid"]] = str(doc.get("purpose", ""))
        self._said.append(f"run {doc['uid'][:8]}: {plain(doc.get('plan_name', 'run'))}{on}")

    def _describe(self, doc: Mapping[str, Any]) -> None:
        if doc["name"] == EVENTS:
            self._events[doc["uid"]] = doc["run_start"]
        purpose = self._purposes.get(doc["run_start"], "")
        if doc["name"] not in SHOWN and purpose:
            return
        columns = watched(doc["data_keys"])
        widths = [max(len(each.title), len(each.unit), 9) for each in columns]
        self._streams[doc["uid"]] = _Stream(doc["name"], purpose, columns, widths)

    def _lines_of(self, stream: _Stream) -> Iterator[str]:
        rows, stream.rows = stream.rows, []
        if not rows:
            return
        if not stream.is_headed or self._last != stream.name:
            stream.is_headed, self._last = True, stream.name
            yield _line([each.title for each in stream.columns], stream.widths)
            if any(each.unit for each in stream.columns):
                yield _line([each.unit for each in stream.columns], stream.widths)
        chosen = _chosen(rows)
        for index in chosen:
            values, flags = rows[index]
            yield _line(values, stream.widths) + (f"  {flags}" if flags else "")
        if len(chosen) < len(rows):
            yield f"  ({how_many(len(rows) - len(chosen), 'row')} of {stream.name} between, not shown)"


def _chosen(rows: Sequence[tuple[list[str], str]]) -> list[int]:
    """Return which rows to show: doubtful ones, as far as there is room, and the rest evenly, the last one always."""
    if len(rows) <= ROWS:
        return list(range(len(rows)))
    doubtful = [index for index, row in enumerate(rows) if is_doubtful(*row)][: ROWS // 2]
    evenly = np.linspace(0, len(rows) - 1, ROWS - len(doubtful)).round().astype(int).tolist()
    return sorted({*doubtful, *evenly})


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
