"""Where a rehearsal takes place: a folder of its own, a twin for every instrument, samples as they are known."""

from __future__ import annotations

import io
import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices.limits import Limits
from devices.samples import SampleRef
from labctl.belief import Believer, bank_of, surroundings_of
from labctl.calibration import FluenceCalibration
from labctl.config.models import Address, BenchFile, ClockChoice, DeviceEntry, StationEntry, World
from labctl.films.rates import FilmRates
from labctl.rehearsing.fitted_twins import as_fitted, lend_fits
from labctl.runs.briefs import briefs
from labctl.runs.unread import unread
from labctl.samples.treatments import described_with
from labctl.session import Session
from labctl.wiring import is_twin


@dataclass(frozen=True)
class Stage:
    """A folder, the bench on twins, the devices that have none, and what a person would have been asked."""

    folder: Path
    bench: BenchFile
    limits: Limits
    left_out: tuple[str, ...]
    questions: list[str] = field(default_factory=list)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open the bench there; every question is answered with yes, and what is printed goes to a log."""

        def agree(question: str) -> str:
            self.questions.append(question)
            return "yes"

        with (
            _quietly(self.folder),
            Session(self.bench, self.limits, self.folder, handle_signals=False, ask=agree) as lab,
        ):
            yield lab


@contextmanager
def staged(bench: BenchFile, limits: Limits, data: Path, samples: Iterable[SampleRef]) -> Iterator[Stage]:
    """Yield a stage with what is kept of these samples; `data` is only read, and nothing is left behind.

    Twins behave as their parameters say, those of real devices as the lab's fits do; the bench's fits count there too,
    and one that goes by older measurements is made anew in `data` as by any that asks for it.
    Foils and cells begin as the lab's records have them, or as the twin bench truly has them.
    """
    by_id = {sample.id: sample for sample in samples}
    with tempfile.TemporaryDirectory(prefix="labctl-rehearsal-") as scratch:
        folder = Path(scratch)
        _copy_records(data, folder, by_id.keys())
        _make_foils(bench, limits, data, folder, by_id.values())
        lamps, films = FluenceCalibration(data, bench), FilmRates(data, bench)
        twins, left_out = _on_twins(as_fitted(bench, lamps, films))
        lend_fits(lamps, films, twins, folder)
        yield Stage(folder, twins, limits, left_out)


@contextmanager
def _quietly(folder: Path) -> Iterator[None]:
    """Keep what engines and devices print and log off the terminal: what fails in a rehearsal its answer tells."""
    handler = logging.FileHandler(folder / "log", delay=True)
    loggers = [logging.getLogger(name) for name in ("bluesky", "ophyd", "labctl", "devices", "plans")]
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
    # What cells truly are no prediction is told.
    world = replace(bench.world or World(), served="", cell=())
    return replace(bench, clock=ClockChoice("virtual"), devices=devices, world=world), left_out


def _copy_records(data: Path, folder: Path, samples: Iterable[str]) -> None:
    """Copy what is kept of these samples: facts, the runs that tell what they are, and those that tell nothing."""
    wanted = set(samples)
    for path in (data / "samples").glob("*"):
        if path.is_file() and path.stem in wanted:
            (folder / "samples").mkdir(exist_ok=True)
            shutil.copy2(path, folder / "samples")
    for brief in briefs(data) if data.exists() else ():
        if brief.sample in wanted:
            there = folder / brief.path.relative_to(data)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(brief.path, there)
    for journal in unread(data) if data.exists() else ():
        there = folder / journal.path.relative_to(data)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(journal.path, there)


def _make_foils(
    bench: BenchFile, limits: Limits, data: Path, folder: Path, samples: Iterable[SampleRef]
) -> None:
    """Lay the foils on the stage: as the twin bench has them, or on hardware as the lab believes them to be."""
    there, here = folder / "bench" / bench.name / "samples", data / "bench" / bench.name / "samples"
    there.mkdir(parents=True)
    all_twins = all(is_twin(entry) for entry in bench.devices.values())
    believer = Believer(data, bank_of(bench), surroundings_of(bench), limits=limits.damage)
    for sample in samples:
        if all_twins and not (bench.world and bench.world.served):
            if (here / f"{sample.id}.json").exists():
                shutil.copy2(here / f"{sample.id}.json", there)
            continue
        foil = believer.foil(sample)
        if foil.history.last is not None:
            (there / f"{sample.id}.json").write_text(
                json.dumps(foil.to_dict() | {"description": described_with(data, sample)})
            )
