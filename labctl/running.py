"""Experiments in a terminal: what is to be seen while they run, where they are kept, an end as a signal asked."""

from __future__ import annotations

from collections.abc import Sequence

from bluesky.utils import RunEngineInterrupted

from devices.errors import LabError
from labctl.config.models import Experiment
from labctl.progress import RunProgress, Voice
from labctl.session import Session
from labctl.stopping import Stopping


def run_shown(lab: Session, stopping: Stopping, experiment: Experiment) -> tuple[str, ...]:
    """Run an experiment with a progress bar; return the uids of its runs, or end as the signal asked."""
    console = Voice()
    with RunProgress(console) as progress:
        token = lab.RE.subscribe(progress)
        try:
            uids = lab.run(experiment)
        except RunEngineInterrupted:
            stopping.check()
            raise
        finally:
            lab.RE.unsubscribe(token)
    stopping.check()
    for uid in uids:
        console.print(f"run {uid[:8]} is kept in {lab.data}; `labctl show {uid[:8]}`")
    return uids


def run_together(lab: Session, stopping: Stopping, experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """Run experiments side by side, each in a worker of its own; return the uids of all their runs.

    One that fails leaves the others untouched. Raises LabError naming those that failed, when all are over.
    """
    console = Voice()
    stopping.engine = lab.workers
    workers = [lab.start(lab.plan_of(experiment), experiment.name) for experiment in experiments]
    uids: list[str] = []
    failures = []
    for worker in workers:
        try:
            found = worker.result()
        except Exception as error:  # noqa: BLE001 - whatever one failed with, the others go on
            failures.append(f"{worker.name}: {error if isinstance(error, LabError) else repr(error)}")
            console.print(f"{worker.name}: {worker.state}")
        else:
            uids += found
            for uid in found:
                console.print(f"{worker.name}: run {uid[:8]} is kept in {lab.data}; `labctl show {uid[:8]}`")
    stopping.check()
    if failures:
        raise LabError(f"{len(failures)} of {len(workers)} experiments failed:\n  " + "\n  ".join(failures))
    return tuple(uids)
