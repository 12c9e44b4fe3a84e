"""A night begun from a terminal: its list read, rehearsed, told; then supervised to its end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devices.errors import LabError
from labctl.clock.label import wall_label
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.config.models import ClockChoice
from labctl.how_many import how_many
from labctl.night.deadline import TimeOfDay
from labctl.night.folder import Begun, make_folder, require_room_for_nights
from labctl.night.going_on import tell
from labctl.night.listing import Night, read_night
from labctl.night.rehearsal import Rehearsal, nearest_limits, rehearse, table
from labctl.night.resuming import go_on_with
from labctl.night.supervisor import supervise
from labctl.rehearsing.work import clock_time, energy_in_words
from labctl.report.rehearsed import keep
from labctl.stopping import ended_by_signals
from labctl.telling.courier import try_targets


def start(listed: Path, config: Path | None, data: Path | None, despite: str, *, only_rehearse: bool) -> int:
    """Rehearse a list, begin it when that went well, see it to its end; return the exit status.

    Raises ConfigError before anything is touched, LabError when the rehearsal fails and `despite` says no reason.
    """
    chosen, kept = Config(config), data_dir(data)
    night, bench, limits = read_night(listed, chosen)
    if not only_rehearse:
        require_room_for_nights(kept.absolute())
    tell(f"rehearsing {how_many(len(night.items), 'item')} on the twins of bench {bench.name}")
    with ended_by_signals():
        rehearsed = rehearse(night, bench, limits, chosen, kept, go_on_with)
    now = wall_label()
    show(rehearsed, bench.clock, now)
    failures = [*rehearsed.failures, *too_long(rehearsed, night, now)]
    for failure in failures:
        tell(f"fails: {failure}")
    if only_rehearse:
        return 1 if failures else 0
    if failures and not despite:
        raise LabError(
            f"the rehearsal fails in {how_many(len(failures), 'place')}; nothing was begun. Mend the list, or say"
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


def too_long(rehearsed: Rehearsal, night: Night, now: float) -> Iterator[str]:
    """Yield that a night which begins now, a time label [s], is longer than its deadline allows."""
    allowed = night.until_deadline(now)
    if allowed is None or rehearsed.at_most <= allowed:
        return
    by_clock = f" ({night.deadline})" if isinstance(night.deadline, TimeOfDay) else ""
    than = f"longer than its deadline of {clock_time(allowed)}{by_clock}"
    if rehearsed.duration > allowed:
        yield f"it takes {clock_time(rehearsed.duration)}, {than}"
    else:
        yield f"it takes up to {clock_time(rehearsed.at_most)} if all of it runs, {than}"


def show(rehearsed: Rehearsal, clock: ClockChoice, now: float) -> None:
    """Print what a night takes that begins now, a time label [s], on a bench with such a clock."""
    header, *lines = table(rehearsed)
    shown = Table(*header, box=None, padding=(0, 1), pad_edge=False)
    for cells in lines:
        shown.add_row(*cells)
    console = Console(highlight=False)
    console.print(shown, markup=False)
    for line in nearest_limits(rehearsed):
        tell(line)
    tell(_in_all(rehearsed, clock, now))
    for name, effort in rehearsed.efforts.items():
        if effort.skipped:
            tell(f"{name} is left out on the twins ({effort.skipped}); rehearsed as if its condition held")
    for name in rehearsed.left_out:
        tell(f"{name} has no twin and took no part in the rehearsal")
    for question in rehearsed.questions:
        tell(f"somebody will be asked: {question}")


def _in_all(rehearsed: Rehearsal, clock: ClockChoice, now: float) -> str:
    """Return how long all of it takes, when it ends if it begins now, energy and disk."""
    longest = rehearsed.at_most > rehearsed.duration
    took = clock_time(rehearsed.duration)
    said = [f"{took} in all, {clock_time(rehearsed.at_most)} at most" if longest else f"{took} in all"]
    pace = 1.0 if clock.kind == "wall" else float("nan" if clock.pace == "none" else clock.pace)
    if math.isfinite(pace):
        at_latest = f", at the latest {_at(now + rehearsed.at_most / pace)}" if longest else ""
        said.append(f"ends {_at(now + rehearsed.duration / pace)}{at_latest}")
    efforts = rehearsed.efforts.values()
    energy = (sum(each.lamp_energy for each in efforts), sum(each.energy for each in efforts))
    return ", ".join([*said, *filter(None, [energy_in_words(*energy)]), f"{rehearsed.disk / 1e6:.1f} MB"])


def _at(label: float) -> str:
    """Return a time label [s] by the clock here, as "Sat 02:05"; a night may last more than a week."""
    return f"{datetime.fromtimestamp(label).astimezone():%a %d %b %H:%M}"
