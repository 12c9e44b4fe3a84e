"""Experiments behind a table, run or found: what came to its end in a data folder is not done again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from devices.errors import DataError, LabError
from labctl.config.models import Experiment
from labctl.progress import Voice
from labctl.running import run_shown
from labctl.runs.run import Run
from labctl.runs.search import Search, search
from labctl.stopped import Stopped
from labctl.stopping import scripted_session

ENDS = ("cycle", "map")
"""The purposes of the runs with which experiments here come to their ends."""


def folder_of(table: str, data: Path, *, again: bool) -> Path:
    """Return the data folder of a table: the newest there is, the next one if it is asked for again."""
    folders = (data / f"reproduce-{table}-{number}" for number in count(1))
    before: Path | None = None
    for folder in folders:
        if not folder.exists():
            return folder if again or before is None else before
        before = folder
    raise AssertionError("counting ends nowhere")


def runs_of(data: Path, experiment: Experiment) -> tuple[Run, ...]:
    """Return the runs on an experiment's sample in a data folder, in the order they began."""
    sample = "" if experiment.sample is None else experiment.sample.id
    return tuple(Run(brief.uid, data) for brief in search(data, Search(sample=sample)))


def why_not(runs: Sequence[Run], experiment: Experiment) -> str:
    """Return why these runs on its sample are not the experiment, come to its end; empty where they are."""
    if not runs:
        return "not run"
    last = f"run {runs[-1].uid[:8]}"
    if any(run.start.get("experiment_hash") != experiment.config_hash for run in runs):
        return f"{last} was of this experiment as it stood before; --again begins anew"
    if not all((run.stop or {}).get("exit_status") == "success" for run in runs):
        return f"{last} was broken off; --again begins anew"
    if runs[-1].start.get("purpose") not in ENDS:
        return f"{last} is not the end of this experiment; --again begins anew"
    return ""


def run_all(
    experiments: Sequence[Experiment], bench: str, config: Path | None, data: Path, console: Voice
) -> Mapping[str, str]:
    """Run those experiments that are not there yet; return why some are not whole, by their names.

    One that was broken off is not run again on the same sample: films remember. Raises Stopped.
    """
    wanted, troubles = [], {}
    for experiment in experiments:
        runs = runs_of(data, experiment)
        if not runs:
            wanted.append(experiment)
        elif trouble := why_not(runs, experiment):
            troubles[experiment.name] = trouble
        else:
            console.print(f"{experiment.name}: found, run {runs[-1].uid[:8]}")
    if not wanted:
        return troubles
    with scripted_session(bench, config=config, data=data) as (lab, stopping):
        for number, experiment in enumerate(wanted, 1):
            console.print(f"{experiment.name} ({number} of {len(wanted)})")
            try:
                run_shown(lab, stopping, experiment)
            except (Stopped, DataError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever one failed with, the other rows still stand
                stopping.check()
                troubles[experiment.name] = str(error) if isinstance(error, LabError) else repr(error)
                console.print(f"  {experiment.name} failed: {troubles[experiment.name]}")
    return troubles
