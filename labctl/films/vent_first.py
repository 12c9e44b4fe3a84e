"""What has to be vented before an experiment: a chamber without a load lock takes a sample only when air is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from labctl.config.check import kind_of
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import BenchFile, StationEntry
from labctl.films.check import machine_of
from labctl.state import last_said, state_path
from labctl.wiring import is_twin

CHAMBERS = {"evaporate": "Evaporator", "deposit": "SputterSystem"}
"""Roles of the chambers into which plans bring a sample that do not vent of their own."""


def vent_first(files: Sequence[Path], folder: Config, bench: str, data: Path) -> Iterator[str]:
    """Yield a line for each experiment whose chamber was not left vented, with what to type.

    bench: whose chambers; the first of the configuration that has one if empty, as for what is said of films.
    """
    for path in files:
        experiment = folder.experiment(path) if kind_of(path) == "experiment" else None
        if experiment is None or experiment.sample is None or experiment.plan not in CHAMBERS:
            continue
        found = machine_of(CHAMBERS[experiment.plan], folder, bench)
        on = folder.bench(bench) if bench else found and found[2]
        if not on:
            continue
        for name, entry in on.devices.items():
            if not isinstance(entry, StationEntry) or getattr(entry.parameters, "load_lock", True):
                continue
            if entry.station_class.role != CHAMBERS[experiment.plan]:  # type: ignore[attr-defined]
                continue
            state, inside = _left(name, entry, on, data)
            if state != "vented" and inside != experiment.sample.id:
                known = f"vent-{name}" in folder.names("experiment")
                how = (
                    f"`labctl run vent-{name} --bench {bench or on.name}`"
                    if known
                    else 'an experiment of the plan "vent"'
                )
                yield f"{shown(path)}: {name} has no load lock and was left {state}; vent it first: {how}"


def _left(name: str, entry: StationEntry, on: BenchFile, data: Path) -> tuple[str, str]:
    """Return the state in which a chamber was left, and the sample that was brought to it last."""
    said = last_said(state_path(data, name, on.name, twin=is_twin(entry)))
    if said is None:
        return "pumped", ""
    kept = said.report.get("kept") or {}
    return str(said.report.get("state", "")), str(kept.get("sample", ""))
