"""Alarms in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from devices.limits import DiskLimits
from labctl.clock.label import wall_label
from labctl.night.folder import nights
from labctl.plain_text import plain
from labctl.runs.briefs import latest_label
from labctl.runs.states import NEVER
from labctl.showing.runs import PIPED, when
from labctl.telling.alarms import Alarm, Alarms, worst_first
from labctl.telling.watching import Watch

AGES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def up_to_date(data: Path, disk: DiskLimits) -> Mapping[str, Alarm]:
    """Return all alarms of a data folder, after a look at what there is now. Raises OSError, DataError."""
    alarms = Alarms(data)
    if data.is_dir():
        newest = next(reversed(list(nights(data))), None)
        alarms.update(Watch(data, newest, disk).conditions(), wall_label())
    return alarms.known()


def print_alarms(alarms: Mapping[str, Alarm], data: Path, *, everything: bool) -> None:
    """Print alarms in one line each; only those that nobody acknowledged, unless asked for everything."""
    console = Console()
    shown = [each for each in worst_first(alarms) if everything or each.open]
    if not shown:
        console.print(Text(f"no {'' if everything else 'open '}alarms in {plain(data)}"), soft_wrap=True)
        return
    table = Table()
    for name in ("id", "severity", "since", "age", "source", "what", "acknowledged"):
        table.add_column(name, no_wrap=name not in ("what", "acknowledged"))
    # A night on virtual time lies in the future of whoever looks at it.
    now = max(wall_label(), latest_label(data))
    for each in shown:
        said = each.condition
        over = "" if each.cleared is None else " (no longer so)"
        known = "" if each.acknowledged is None else f"{when(each.acknowledged)} by {each.by}"
        age = "" if said.since == NEVER else age_in_words(now - said.since)
        cells = (each.id, said.severity, when(said.since), age, said.source, f"{said.text}{over}", known)
        table.add_row(*(Text(plain(cell)) for cell in cells))
    if not console.is_terminal:
        console.width = PIPED
    console.print(table)


def age_in_words(seconds: float) -> str:
    """Return an age as people say it: "3 min", "2.5 h"."""
    for length, unit in AGES:
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{max(0.0, seconds):.0f} s"
