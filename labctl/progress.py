"""What is shown while a run goes on, made from its documents; it never stops a run."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from labctl.counted import Counted, counted
from labctl.how_many import how_many

log = logging.getLogger(__name__)


class Voice(Console):
    """A console that falls silent when nobody listens any more (a pipe that closed, a disk that is full)."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, in one line each unless asked otherwise; a failure silences the console."""
        if self.quiet:
            return
        try:
            super().print(*objects, **{"soft_wrap": True, "highlight": False, **options})
        except OSError as error:
            self.fall_silent(error)

    def on_broken_pipe(self) -> None:
        """Fall silent instead of ending the process."""
        self.fall_silent(BrokenPipeError())

    def fall_silent(self, error: Exception) -> None:
        """Say nothing more."""
        self.quiet = True
        log.warning("output ended: %r", error)


class Bar(NamedTuple):
    """The bar of one run, and what it counts."""

    task: TaskID
    counted: Counted


class RunProgress:
    """A document subscriber that draws a bar for each run on a terminal, and a line elsewhere.

    What fails in it is logged and ends the showing, never the run.
    """

    def __init__(self, console: Voice) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, Bar] = {}
        self._counting: dict[str, Bar] = {}
        self._events: set[str] = set()
        self._is_broken = False

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document."""
        if self._console.quiet or self._is_broken:
            return
        try:
            self._show(name, doc)
        except OSError as error:
            self._console.fall_silent(error)
        except Exception:
            self._is_broken = True
            log.exception("the progress of runs is not shown any more")

    def _show(self, name: str, doc: dict[str, Any]) -> None:
        if name == "start":
            self._begin(doc)
        elif name == "descriptor":
            bar = self._bars.get(doc["run_start"])
            if bar is not None and doc["name"] == bar.counted.stream:
                self._counting[doc["uid"]] = bar
            elif doc["name"] == "events":
                self._events.add(doc["uid"])
        elif name == "event_page" and doc["descriptor"] in self._events:
            self._tell(doc["data"])
        elif name == "event_page" and doc["descriptor"] in self._counting:
            self._count(self._counting[doc["descriptor"]], doc)
        elif name == "stop" and not self._console.is_terminal:
            self._console.print(f"  ended: {doc['exit_status']}")
        self._progress.refresh()

    def _count(self, bar: Bar, page: dict[str, Any]) -> None:
        task, counted, rows = bar.task, bar.counted, page["data"]
        said = counted.said(rows)
        if counted.reached is None:
            self._progress.update(task, advance=len(page["seq_num"]), said=said)
        else:
            self._progress.update(task, completed=counted.reached(rows), said=said)

    def _tell(self, data: dict[str, Any]) -> None:
        """Print what a person should know of: warnings and alarms."""
        for severity, text in zip(data["severity"], data["text"], strict=True):
            if severity != "info":
                self._console.print(f"  {severity}: {text}")

    def _begin(self, doc: dict[str, Any]) -> None:
        of = doc.get("sample", {}).get("id") or _station(doc)
        found, text = counted(doc), ": ".join(filter(None, (of, named(doc))))
        if found.unit == "cells":
            self._console.print(f"{of}: the map of {found.total} cells takes {in_words(doc['duration'])}")
        if not self._console.is_terminal:
            much = "" if found.total is None else f", {_much(found.total, found.unit)}"
            self._console.print(f"{text}{much}, run {doc['uid'][:8]}")
        task = self._progress.add_task(text, total=found.total, unit=found.unit, said="")
        self._bars[doc["uid"]] = Bar(task, found)


def _much(total: int, unit: str) -> str:
    """Return how much a run comes to; nm are always so many, things may be one."""
    return f"{total} nm" if unit == "nm" else how_many(total, unit.removesuffix("s"))


def _station(start: dict[str, Any]) -> str:
    """Return the station that a plan without a sample was called with; empty where there is none."""
    devices = start.get("devices", {})
    given = [each for each in start.get("plan_args", {}).values() if isinstance(each, str)]
    return next((each for each in given if each in devices), start.get("plan_args", {}).get("chamber", ""))


def named(start: dict[str, Any]) -> str:
    """Return what a run is called while it goes on: its purpose, and what it puts on; its plan where it serves."""
    material = start.get("recipe", {}).get("body", {}).get("material", "")
    purpose = start.get("purpose", "")
    word = str(start.get("plan_name", "")) if purpose in ("", "service") else str(purpose)
    return f"{word} {material}".strip()


def in_words(seconds: float) -> str:
    """Return a duration [s] as people say it."""
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60.0), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
