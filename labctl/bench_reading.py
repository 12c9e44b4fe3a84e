"""What a session reads off its bench's file: which devices are there, and how time passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from devices.errors import ConfigError, LabError, Mistake
from labctl.clock.virtual import VirtualClock
from labctl.clock.wall import WallClock
from labctl.config.benches import written_out
from labctl.config.documents import read
from labctl.config.models import BenchFile, StationEntry
from labctl.runs.briefs import latest_label
from labctl.wiring import is_twin

SHOWN = 12
"""Names of devices that a message repeats; a bench may have hundreds of channels."""


def with_only(bench: BenchFile, names: Sequence[str]) -> BenchFile:
    """Return a bench with these devices only, all where none is named. Raises LabError for one it does not have."""
    for name in names:
        if name not in bench.devices:
            raise LabError(f"bench {bench.name} has no {name!r}; it has {', '.join(bench.devices)}")
    kept = {name: entry for name, entry in bench.devices.items() if name in names}
    return replace(bench, devices=kept) if names else bench


def lacking(bench: BenchFile, device: str) -> str:
    """Return in words that a bench has no device of this name, what it has, and which benches beside it have one."""
    there = list(bench.devices)
    more = f" and {len(there) - SHOWN} more" if len(there) > SHOWN else ""
    said = f"this bench has no {device!r}: bench {bench.name} has {', '.join(there[:SHOWN])}{more}"
    others = [name for name in _benches_with(device, bench.file.parent) if name != bench.name]
    if not others:
        return said
    return f"{said}; {', '.join(others)} {'has' if len(others) == 1 else 'have'} one: --bench {others[0]}"


def _benches_with(device: str, folder: Path) -> Iterator[str]:
    """Yield the names of the benches in a folder whose files name a device."""
    for path in sorted(folder.glob("*.toml")):
        # A file that is no bench offers none; whoever asks for it is told why.
        with suppress(ConfigError):
            document = read(path)
            tables = document.body.get("devices")
            if isinstance(tables, dict) and device in written_out(tables, document.file):
                yield path.stem


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
