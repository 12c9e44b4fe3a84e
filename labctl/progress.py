"""What is shown while a run goes on: one line a run, made from its documents."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class RunProgress:
    """A document subscriber that draws a bar for each run: pulses of an anneal, steps of a program."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, Any] = {}
        self._counted: dict[str, str] = {}

    def __enter__(self) -> RunProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, name: str, doc: dict[str, Any]) -> None:
        """Take one document."""
        if name == "start":
            self._begin(doc)
        elif name == "descriptor" and doc["name"] == self._stream_of(doc["run_start"]):
            self._counted[doc["uid"]] = doc["run_start"]
        elif name == "event_page" and doc["descriptor"] in self._counted:
            self._progress.advance(self._tasks[self._counted[doc["descriptor"]]][0], len(doc["seq_num"]))
        elif name == "stop" and not self._console.is_terminal:
            self._console.print(f"  ended: {doc['exit_status']}")

    def _begin(self, doc: dict[str, Any]) -> None:
        sample, purpose = doc.get("sample", {}).get("id", ""), doc.get("purpose", "")
        if "recipe" in doc:
            stream, total, unit = "primary", int(doc["recipe"]["body"]["pulse_count"]), "pulses"
        elif "program" in doc:
            stream, total, unit = "steps", executions(doc["program"]["body"]["steps"]), "steps"
        else:
            return
        text = f"{sample}: {purpose}"
        if not self._console.is_terminal:
            self._console.print(f"{text}, {total} {unit}, run {doc['uid'][:8]}")
        self._tasks[doc["uid"]] = (self._progress.add_task(text, total=total, unit=unit), stream)

    def _stream_of(self, run: str) -> str:
        return str(self._tasks[run][1]) if run in self._tasks else ""


def executions(nodes: list[dict[str, Any]]) -> int:
    """Return how many steps a program's body runs, loops unrolled."""
    return sum(node["times"] * executions(node["body"]) if "body" in node else 1 for node in nodes)
