"""A night rehearsed: the very same list on twins in virtual time, in a folder of its own, from what is known of the
samples; what it takes, what it would refuse."""

from __future__ import annotations

import io
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from devices.limits import Limits
from devices.recipes import to_json
from devices.samples import SampleRef
from labctl.belief import Believer, bank_of, surroundings_of
from labctl.config.folder import Config
from labctl.config.models import Address, BenchFile, ClockChoice, DeviceEntry, StationEntry, World
from labctl.night.chronicle import Chronicle, ItemState
from labctl.night.conductor import Conductor, Resume
from labctl.night.listing import Night
from labctl.runs.briefs import briefs, find_run
from labctl.runs.run import Run
from labctl.session import Session
from labctl.wiring import is_twin

AH, WH = 3600.0, 3600.0
"""Coulombs in an ampere-hour, joules in a watt-hour."""

COLUMNS = ("item", "state", "from", "to", "pulses", "charge through", "rows", "disk")


@dataclass(frozen=True)
class Effort:
    """What an item takes: began and ended [s] after the night's start, pulses, energy of the lamp [J], charge moved in
    and out of cells [C], energy the same way [J], rows, bytes."""

    state: ItemState
    began: float
    ended: float
    pulses: int = 0
    lamp_energy: float = 0.0
    charge: float = 0.0
    energy: float = 0.0
    rows: int = 0
    disk: int = 0


@dataclass(frozen=True)
class Rehearsal:
    """What came of it: efforts by item, how long it took [s], questions a person would be asked, what fails."""

    efforts: Mapping[str, Effort]
    duration: float
    questions: tuple[str, ...]
    failures: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def disk(self) -> int:
        """Bytes that the night will write."""
        return sum(effort.disk for effort in self.efforts.values())


def rehearse(
    night: Night, bench: BenchFile, limits: Limits, config: Config, data: Path, resume: Resume
) -> Rehearsal:
    """Run the night on twins in virtual time and say what came of it; `data` is only read.

    Twins behave as their parameters say; foils and cells begin as the lab's records have them, or as the twin bench
    truly has them.
    """
    with tempfile.TemporaryDirectory(prefix="labctl-rehearsal-") as scratch:
        stage = Path(scratch)
        samples = {item.experiment.sample.id: item.experiment.sample for item in night.items}
        _copy_records(data, stage, samples)
        _make_foils(bench, limits, data, stage, samples)
        questions: list[str] = []

        def agree(question: str) -> str:
            questions.append(question)
            return "yes"

        twins, left_out = _on_twins(bench)
        with _quietly(stage), Session(twins, limits, stage, handle_signals=False, ask=agree) as lab:
            begin = lab.clock.time()
            chronicle = Chronicle(stage / "nights" / "rehearsal", {"night": night.name})
            try:
                states = Conductor(lab, night, chronicle, config, resume, answered=False).run()
            finally:
                chronicle.close()
            end = lab.clock.time()
        efforts = {name: _effort(stage, state, begin, end) for name, state in states.items()}
    failures = [
        f"{name}: {state.reason}" for name, state in states.items() if state.state in ("failed", "stopped")
    ]
    return Rehearsal(efforts, end - begin, tuple(questions), tuple(failures), left_out)


def table(rehearsal: Rehearsal) -> Iterator[tuple[str, ...]]:
    """Yield the lines of what it takes, in the units of the bench; the first has the columns' names."""
    yield COLUMNS
    for name, effort in rehearsal.efforts.items():
        yield (
            name,
            effort.state.state,
            "" if effort.state.began is None else clock_time(effort.began),
            "" if effort.state.began is None else clock_time(effort.ended),
            str(effort.pulses) if effort.pulses else "",
            f"{effort.charge / AH * 1e6:.3g} uAh" if effort.charge else "",
            str(effort.rows),
            f"{effort.disk / 1e6:.2f} MB",
        )


def clock_time(seconds: float) -> str:
    """Return a time since the start as people read it: "11 h 03 min"."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{seconds / 60:.1f} min"


@contextmanager
def _quietly(stage: Path) -> Iterator[None]:
    """Keep what engines and devices print and log off the terminal: what fails in a rehearsal its table tells."""
    handler = logging.FileHandler(stage / "log", delay=True)
    loggers = [logging.getLogger(name) for name in ("bluesky", "ophyd", "labctl")]
    before = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:], logger.propagate = [handler], False
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        handler.close()
        for logger, handlers, propagate in before:
            logger.handlers[:], logger.propagate = handlers, propagate


def _on_twins(bench: BenchFile) -> tuple[BenchFile, tuple[str, ...]]:
    """Return the bench with a twin for every instrument, and the devices that have none."""
    devices: dict[str, StationEntry | DeviceEntry] = {}
    for name, entry in bench.devices.items():
        if isinstance(entry, StationEntry):
            parts = {part: replace(each, address=Address("twin")) for part, each in entry.parts.items()}
            devices[name] = replace(entry, parts=parts)
        elif entry.twin:
            devices[name] = entry
    left_out = tuple(name for name in bench.devices if name not in devices)
    world = replace(bench.world or World(), served="")
    return replace(bench, clock=ClockChoice("virtual"), devices=devices, world=world), left_out


def _copy_records(data: Path, stage: Path, samples: Mapping[str, SampleRef]) -> None:
    """Copy what is kept of these samples: facts and the runs that tell what they are."""
    for path in (data / "samples").glob("*"):
        if path.is_file() and path.stem in samples:
            (stage / "samples").mkdir(exist_ok=True)
            shutil.copy2(path, stage / "samples")
    for brief in briefs(data) if data.exists() else ():
        if brief.sample in samples:
            there = stage / brief.path.relative_to(data)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(brief.path, there)


def _make_foils(
    bench: BenchFile, limits: Limits, data: Path, stage: Path, samples: Mapping[str, SampleRef]
) -> None:
    """Lay the foils on the stage: as the twin bench has them, or on hardware as the lab believes them to be."""
    there, here = stage / "bench" / bench.name / "samples", data / "bench" / bench.name / "samples"
    there.mkdir(parents=True)
    all_twins = all(is_twin(entry) for entry in bench.devices.values())
    believer = Believer(data, bank_of(bench), surroundings_of(bench), limits=limits.damage)
    for name, sample in samples.items():
        if all_twins and not (bench.world and bench.world.served):
            if (here / f"{name}.json").exists():
                shutil.copy2(here / f"{name}.json", there)
            continue
        foil = believer.foil(sample)
        if foil.history.last is not None:
            (there / f"{name}.json").write_text(json.dumps(foil.to_dict() | {"description": to_json(sample)}))


def _effort(stage: Path, state: ItemState, begin: float, end: float) -> Effort:
    journals = [find_run(stage, uid) for uid in state.runs]
    effort = Effort(
        state,
        (state.began or end) - begin,
        (state.ended or end) - begin,
        disk=sum(path.stat().st_size for path in journals),
    )
    for path in journals:
        run = Run(path)
        rows = sum(len(run.times(stream)) for stream in run.streams)
        effort = replace(effort, rows=effort.rows + rows, **_work(run, effort))
    return effort


def _work(run: Run, so_far: Effort) -> dict[str, Any]:
    """Return what a run adds: pulses and their energy, or charge and energy through the cell."""
    if "primary" not in run.streams:
        return {}
    table = run.table()
    if "pulse" in table:
        return {
            "pulses": so_far.pulses + len(table["pulse"]),
            "lamp_energy": so_far.lamp_energy + float(np.nansum(table["pulse_energy"])),
        }
    if "charge" in table:
        return {
            "charge": so_far.charge + float(np.nansum(np.abs(np.diff(table["charge"])))) * AH,
            "energy": so_far.energy + float(np.nansum(np.abs(np.diff(table["energy"])))) * WH,
        }
    return {}
