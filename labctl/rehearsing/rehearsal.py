"""One experiment, or one plan call, rehearsed on twins in virtual time: what it takes, what it comes near to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.errors import LabError
from devices.limits import Limits
from devices.samples import SampleRef
from labctl.belief import bank_of
from labctl.config.folder import Config
from labctl.config.models import BenchFile, Experiment
from labctl.rehearsing.call import PlanCall, read_call, samples_in
from labctl.rehearsing.margins import Margin, margins
from labctl.rehearsing.stage import Stage, staged
from labctl.rehearsing.timeline import Span, timeline
from labctl.rehearsing.work import Work, work_of
from labctl.runs.briefs import run_files
from labctl.runs.run import Run
from labctl.session import Session


@dataclass(frozen=True)
class Rehearsed:
    """What came of it.

    what: its name; bench: whose twins it ran on. began: label of its begin [s since the epoch]; duration [s].
    timeline, margins, work: see there. room: bytes free where the data folder is. warnings, faults: in words; with a
    fault the real run would fail or be refused. questions: what a person would be asked. left_out: devices without a
    twin.
    """

    what: str
    bench: str
    began: float
    duration: float
    timeline: tuple[Span, ...]
    margins: tuple[Margin, ...]
    work: Work
    room: int
    warnings: tuple[str, ...]
    faults: tuple[str, ...]
    questions: tuple[str, ...]
    left_out: tuple[str, ...]


def rehearse_experiment(experiment: Experiment, bench: BenchFile, limits: Limits, data: Path) -> Rehearsed:
    """Run an experiment on twins of a bench in virtual time; `data` is only read. Faults are told, not raised."""
    samples = [*samples_in([experiment.sample]), *samples_in(experiment.arguments)]
    with staged(bench, limits, data, samples) as stage:
        return _rehearse(experiment.name, stage, data, samples, lambda lab: lab.plan_of(experiment))


def rehearse_call(lab: Session, call: PlanCall) -> Rehearsed:
    """Run a plan call of an open session on twins of its bench, whatever the session itself does meanwhile.

    Its devices are not touched and its data folder is only read. Faults are told, not raised.
    """
    samples = call.samples
    with staged(lab.bench, lab.limits, lab.data, samples) as stage:
        return _rehearse(call.name, stage, lab.data, samples, lambda there: call.on(lab, there))


def rehearse(
    lab: Session, what: str, namespace: Mapping[str, Any], config: Config | None = None
) -> tuple[Rehearsed, ...]:
    """Rehearse what is typed at the prompt of a session: a plan call, or an experiment's name or file.

    namespace: the prompt's names. Raises LabError in words for what is neither.
    """
    folder, typed = config or Config(), what.strip()
    if typed.endswith(".toml") or typed in folder.names("experiment"):
        experiments = folder.select(str(lab.bench.file), [typed]).experiments
        return tuple(rehearse_experiment(each, lab.bench, lab.limits, lab.data) for each in experiments)
    return (rehearse_call(lab, read_call(typed, namespace)),)


def _rehearse(
    what: str,
    stage: Stage,
    data: Path,
    samples: Iterable[SampleRef],
    plan_on: Callable[[Session], Any],
) -> Rehearsed:
    before, faults = set(run_files(stage.folder)), list[str]()
    with stage.session() as lab:
        began = lab.clock.time()
        try:
            lab.RE(plan_on(lab))
        except Exception as error:  # noqa: BLE001 - whatever the plan fails with here, it would fail with there
            faults.append(str(error) if isinstance(error, LabError) else f"{type(error).__name__}: {error}")
        duration = lab.clock.time() - began
    journals = [path for path in run_files(stage.folder) if path not in before]
    runs = sorted(map(Run, journals), key=lambda run: float(run.start["time"]))
    bank = bank_of(stage.bench)
    found = tuple(margin for run in runs for margin in margins(run, stage.limits, bank))
    warnings = [each.in_words for each in found if each.level == "warning"]
    faults += [each.in_words for each in found if each.level == "fault"]
    for run in runs:
        for severity, text in _said(run):
            (warnings if severity == "warning" else faults).append(f"{run.start['plan_name']}: {text}")
    return Rehearsed(
        what,
        stage.bench.name,
        began,
        duration,
        timeline(stage.folder, runs, {sample.id for sample in samples}, began),
        found,
        work_of(journals),
        shutil.disk_usage(_existing(data)).free,
        tuple(dict.fromkeys(warnings)),
        tuple(dict.fromkeys(faults)),
        tuple(stage.questions),
        stage.left_out,
    )


def _said(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run's events say that is more than information."""
    if "events" in run.streams:
        table = run.table("events", ["severity", "text"])
        for severity, text in zip(table["severity"], table["text"], strict=True):
            if severity != "info":
                yield str(severity), str(text)


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.is_dir())
