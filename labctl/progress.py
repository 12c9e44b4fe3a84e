"""What is shown while a run goes on, made from its documents; it never stops a run."""

from __future__ import annotations

import logging
import math
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
        self._tasks: dict[str, Any] = {}
        self._counted: dict[str, str] = {}
        self._events: set[str] = set()

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document."""
        if self._console.quiet:
            return
        try:
            self._show(name, doc)
        except Exception as error:  # noqa: BLE001 - a display may fail in any way and must not end an experiment
            self._console.fall_silent(error)

    def _show(self, name: str, doc: dict[str, Any]) -> None:
        if name == "start":
            self._begin(doc)
        elif name == "descriptor" and doc["name"] == self._stream_of(doc["run_start"]):
            self._counted[doc["uid"]] = doc["run_start"]
        elif name == "descriptor" and doc["name"] == "events":
            self._events.add(doc["uid"])
        elif name == "event_page" and doc["descriptor"] in self._events:
            self._tell(doc["data"])
        elif name == "event_page" and doc["descriptor"] in self._counted:
            task = self._tasks[self._counted[doc["descriptor"]]][0]
            self._progress.update(task, advance=len(doc["seq_num"]), said=of_pulse(doc["data"]))
        elif name == "stop" and not self._console.is_terminal:
            self._console.print(f"  ended: {doc['exit_status']}")
        self._progress.refresh()

    def _tell(self, data: dict[str, Any]) -> None:
        """Print what a person should know of: warnings and alarms."""
        for severity, text in zip(data["severity"], data["text"], strict=True):
            if severity != "info":
                self._console.print(f"  {severity}: {text}")

    def _begin(self, doc: dict[str, Any]) -> None:
        sample, purpose = doc.get("sample", {}).get("id", ""), doc.get("purpose", "")
        if "sites" in doc:
            stream, total, unit = "primary", int(doc["sites"]), "cells"
            self._console.print(f"{sample}: the map of {total} cells takes {in_words(doc['duration'])}")
        elif "recipe" in doc:
            stream, total, unit = "primary", int(doc["recipe"]["body"]["pulse_count"]), "pulses"
        elif "program" in doc:
            stream, total, unit = "steps", executions(doc["program"]["body"]["steps"]), "steps"
        else:
            return
        text = f"{sample}: {purpose}"
        if not self._console.is_terminal:
            self._console.print(f"{text}, {total} {unit}, run {doc['uid'][:8]}")
        self._tasks[doc["uid"]] = (self._progress.add_task(text, total=total, unit=unit, said=""), stream)

    def _stream_of(self, run: str) -> str:
        return str(self._tasks[run][1]) if run in self._tasks else ""


def in_words(seconds: float) -> str:
    """Return a duration [s] as people say it."""
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60.0), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def of_pulse(columns: dict[str, list[Any]]) -> str:
    """Return energy and base temperature of a page's last pulse, as far as they were measured; nothing of others."""
    said = []
    for key, unit, digits in (("pulse_energy", "J", 2), ("base_temperature", "degC", 0)):
        value = columns[key][-1] if columns.get(key) else math.nan
        if math.isfinite(value):
            said.append(f"{value:.{digits}f} {unit}")
    return ", ".join(said)


def executions(nodes: list[dict[str, Any]]) -> int:
    """Return how many steps a program's body runs, loops unrolled; as if no condition came true."""
    steps = (node for node in nodes if "to" not in node)
    return sum(node["times"] * executions(node["body"]) if "body" in node else 1 for node in steps)
