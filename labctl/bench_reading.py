"""What a session reads off its bench's file: which devices are there, and how time passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from devices.errors import ConfigError, LabError, Mistake
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.models import BenchFile, StationEntry
from labctl.runs.briefs import latest_label
from labctl.wiring import is_twin


def with_only(bench: BenchFile, names: Sequence[str]) -> BenchFile:
    """Return a bench with these devices only, all where none is named. Raises LabError for one it does not have."""
    for name in names:
        if name not in bench.devices:
            raise LabError(f"bench {bench.name} has no {name!r}; it has {', '.join(bench.devices)}")
    kept = {name: entry for name, entry in bench.devices.items() if name in names}
    return replace(bench, devices=kept) if names else bench


def stations_of(bench: BenchFile) -> set[str]:
    """Return the names of the stations of a bench."""
    return {name for name, entry in bench.devices.items() if isinstance(entry, StationEntry)}


def cyclers_of(bench: BenchFile) -> set[str]:
    """Return the stations that only measure, or cycle what is there."""
    # By their roles: a bench without a multiplexer does not wait for its packages.
    return {
        name
        for name, entry in bench.devices.items()
        if isinstance(entry, StationEntry)
        and getattr(entry.station_class, "role", "") in ("Potentiostat", "Multiplexer")
    }


def refuse_virtual_time_for_hardware(bench: BenchFile) -> None:
    """Raise ConfigError where time would not pass as it does for what is real."""
    real = [name for name, entry in bench.devices.items() if not is_twin(entry)]
    if bench.clock.kind == "virtual" and real:
        allowed = f'must be "wall": {", ".join(real)} {"is" if len(real) == 1 else "are"} real'
        raise ConfigError([Mistake(f"benches/{bench.name}.toml", "clock.kind", '"virtual"', allowed)])


def make_clock(bench: BenchFile, data: Path) -> VirtualClock | WallClock:
    """Return the clock of a bench whose runs are kept in a data folder."""
    if bench.clock.kind == "wall":
        return WallClock()
    # A night rehearsed in seconds ends tomorrow: what follows it in the same folder must not begin today.
    latest = latest_label(data)
    pace = None if bench.clock.pace == "none" else float(bench.clock.pace)
    return VirtualClock(pace, not_before=latest + 1.0)
