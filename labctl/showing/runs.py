"""Lists of runs for the terminal, and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labctl.how_many import how_many
from labctl.plain_text import plain
from labctl.runs.briefs import Brief
from labctl.runs.states import DAMAGED, NEVER, NEWER

PIPED = 400
"""Columns of a list that goes into a pipe or a file: nothing is cut."""

LONGEST = 32
"""Signs of a name in a list; `labctl show` has the whole of it."""


def print_briefs(found: Sequence[Brief], directory: Path, limit: int) -> None:
    """Print runs in one line each."""
    console = Console()
    if not found:
        console.print(Text(f"no runs in {plain(directory)} that fit"), soft_wrap=True)
        return
    table = Table()
    for name in ("run", "began", "plan", "sample", "recipe or program", "experiment", "status"):
        table.add_column(name, no_wrap=name != "status")
    for each in found:
        texts = (
            each.uid[:8],
            when(each.time),
            each.plan,
            each.sample,
            each.body,
            each.experiment[:8],
        )
        table.add_row(
            *(Text(plain(text, LONGEST)) for text in texts), Text(plain(_status(each), 2 * LONGEST))
        )
    if not console.is_terminal:
        console.width = PIPED
    console.print(table)
    if len(found) == limit:
        console.print(f"the last {limit}; --limit 0 shows all")


def print_json(found: Sequence[Brief]) -> None:
    """Print runs as one JSON list."""
    json.dump([{**each._asdict(), "path": str(each.path)} for each in found], sys.stdout, indent=1)
    sys.stdout.write("\n")


def when(time: float) -> str:
    """Return a time label [s since the epoch] as people of this place read it; nothing where none is known."""
    return "" if time == NEVER else f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"


def _status(brief: Brief) -> str:
    said = [brief.status]
    if brief.status == NEWER:
        said.append(brief.damage.removeprefix(f"{brief.path} has "))
    if brief.continues:
        said.append(f"goes on from {brief.continues[:8]}")
    if brief.mark:
        said.append(f"{brief.mark.upper()}{brief.why and f': {brief.why}'}")
    if brief.remarks:
        said.append(how_many(brief.remarks, "note"))
    if brief.damage and brief.status not in (DAMAGED, NEWER):
        said.append("doubtful")
    return ", ".join(said)
