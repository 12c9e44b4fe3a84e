"""A night begun from a terminal: its list read, rehearsed, told; then supervised to its end."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from devices.errors import LabError
from labctl.clock.label import wall_label
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.night.folder import Begun, make_folder
from labctl.night.going_on import tell
from labctl.night.listing import read_night
from labctl.night.rehearsal import Rehearsal, rehearse, table
from labctl.night.resuming import go_on_with
from labctl.night.supervisor import supervise
from labctl.rehearsing.work import clock_time
from labctl.report.rehearsed import keep
from labctl.stopping import ended_by_signals
from labctl.telling.courier import try_targets


def start(listed: Path, config: Path | None, data: Path | None, despite: str, *, only_rehearse: bool) -> int:
    """Rehearse a list, begin it when that went well, see it to its end; return the exit status.

    Raises ConfigError before anything is touched, LabError when the rehearsal fails and `despite` says no reason.
    """
    chosen, kept = Config(config), data_dir(data)
    night, bench, limits = read_night(listed, chosen)
    tell(f"rehearsing {len(night.items)} items on the twins of bench {bench.name}")
    with ended_by_signals():
        rehearsed = rehearse(night, bench, limits, chosen, kept, go_on_with)
    show(rehearsed)
    failures = [*rehearsed.failures]
    if night.deadline is not None and rehearsed.duration > night.deadline:
        failures.append(
            f"it takes {clock_time(rehearsed.duration)}, longer than its deadline of {clock_time(night.deadline)}"
        )
    for failure in failures:
        tell(f"fails: {failure}")
    if only_rehearse:
        return 1 if failures else 0
    if failures and not despite:
        raise LabError(
            f"the rehearsal fails in {len(failures)} places; nothing was begun. Mend the list, or say"
            " `--despite REASON`"
        )
    begun = Begun(
        list_folder=str(listed.parent.absolute()),
        list_name=listed.stem,
        config=str(chosen.directory.absolute()),
        despite=despite if failures else "",
        duration=rehearsed.duration,
        disk=rehearsed.disk,
        began=wall_label(),
    )
    for line in try_targets(kept.absolute(), chosen.directory):
        tell(line)
    folder = make_folder(kept.absolute(), listed, begun)
    keep(folder, night, rehearsed)
    tell(f"night {folder.name} begins; what it says goes to {folder / 'output.txt'}")
    return supervise(folder, tell)


def show(rehearsed: Rehearsal) -> None:
    """Print what a night takes."""
    header, *lines = table(rehearsed)
    shown = Table(*header, box=None)
    for line in lines:
        shown.add_row(*line)
    console = Console(highlight=False)
    console.print(shown, markup=False)
    tell(f"{clock_time(rehearsed.duration)} in all, {rehearsed.disk / 1e6:.1f} MB")
    for name in rehearsed.left_out:
        tell(f"{name} has no twin and took no part in the rehearsal")
    for question in rehearsed.questions:
        tell(f"somebody will be asked: {question}")
