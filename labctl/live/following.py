"""A run followed from another process by its journal alone: it cannot hold the run up, and outlives it or not."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic, thread_time
from typing import Any, Protocol

from devices.errors import DataError
from labctl.journal.shape import RunShape
from labctl.journal.tail import Tail
from labctl.live.picture import LivePicture
from labctl.live.table import LiveTable
from labctl.runs.briefs import LAST, find_run
from labctl.runs.index import is_written

PERIOD = 0.5
"""Seconds of the wall between two looks at a journal."""

SPENT = 0.1
"""Share of the time that drawing may take."""

NEVER = threading.Event()
"""What is not set: waiting for it is waiting."""


class Shown(Protocol):
    """Whatever takes a run as it comes."""

    def take(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take a document that is no row."""

    def rows(self, descriptor: str, data: Mapping[str, Sequence[Any]]) -> None:
        """Take rows of a stream, as columns."""


def feed(tail: Tail, shown: Sequence[Shown]) -> bool:
    """Give what a journal has got since to whoever shows it; return whether its run is over."""
    over = False
    for record in tail.records():
        if record.kind == "D":
            name, doc = record.payload[0], record.payload[1]
            for each in shown:
                each.take(name, doc)
            over |= name == "stop"
        elif record.kind == "R":
            for each in shown:
                each.rows(record.payload["descriptor"], record.payload["data"])
    return over


def watch(
    data: Path,
    run: str,
    say: Callable[[str], object],
    picture: Callable[[LivePicture], object] | None = None,
    *,
    once: bool = False,
    wait: Callable[[float], object] = NEVER.wait,
) -> None:
    """Follow a run to its end; "last" and whatever comes after it, for ever, unless `once`.

    say: takes each line. picture: takes the picture whenever it is worth drawing again. wait: waits some seconds.
    Raises DataError when there is no such run.
    """
    for path in _runs(data, run, say, once=once, wait=wait):
        _follow(path, say, picture, wait)


def _follow(
    path: Path,
    say: Callable[[str], object],
    picture: Callable[[LivePicture], object] | None,
    wait: Callable[[float], object],
) -> None:
    """Follow one run until it is over, or nobody writes its journal any more."""
    table, drawn = LiveTable(), LivePicture()
    tail, due = Tail(path, RunShape()), 0.0
    shown: list[Shown] = [table] if picture is None else [table, drawn]
    over = is_dead = False
    while not (over or is_dead):
        # Looked at before the journal is: what was written until then is read for certain.
        is_dead = not is_written(path)
        try:
            over = feed(tail, shown)
        except DataError as error:
            say(f"{error}; what stands before that was shown")
            over = True
        for line in table.lines():
            say(line)
        if picture is not None and drawn.is_new and (over or is_dead or monotonic() >= due):
            began = thread_time()
            picture(drawn)
            due = monotonic() + (thread_time() - began) / SPENT
        if not (over or is_dead):
            wait(PERIOD)
    if not over:
        say(f"run {path.stem[:8]}: its process died; `labctl recover {path.stem[:8]}` closes it")


def _runs(
    data: Path, run: str, say: Callable[[str], object], *, once: bool, wait: Callable[[float], object]
) -> Iterator[Path]:
    """Yield the run that was asked for, then each that is newer, where nobody asked for one by name."""
    follow = run == LAST and not once
    path: Path | None = None
    while True:
        try:
            found = find_run(data, run)
        except DataError:
            if not follow:
                raise
            found = None
            if path is None:
                say(f"no run in {data} yet; waiting for one, Ctrl-C ends this")
                path = Path(os.devnull)
        if found is not None and found != path:
            path = found
            yield path
            if not follow:
                return
        else:
            wait(PERIOD)
