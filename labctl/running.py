"""Experiments in a terminal: what is to be seen while they run, where they are kept, an end as a signal asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from bluesky.utils import RunEngineInterrupted

from devices.errors import LabError
from labctl.after_failure import left_over
from labctl.config.models import Experiment
from labctl.powered import paused
from labctl.progress import RunProgress, Voice
from labctl.session import Session
from labctl.stopped import Stopped
from labctl.stopping import Stopping, events_shown
from labctl.terminal import choice, somebody_is_there

T = TypeVar("T")


def run_shown(lab: Session, stopping: Stopping, experiment: Experiment) -> tuple[str, ...]:
    """Run an experiment with a progress bar; return the uids of its runs, or end as the signal asked."""
    console = Voice()
    with _what_comes_next(lab, console):
        with events_shown(), RunProgress(console) as progress:
            token = lab.RE.subscribe(progress)
            try:
                uids = _seen_through(lab, stopping, lambda: lab.run(experiment), lab.resume)
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
    with _what_comes_next(lab, console):
        return _all_together(lab, stopping, experiments, console)


@contextmanager
def _what_comes_next(lab: Session, console: Voice) -> Iterator[None]:
    """Say after an early end what it left to a person, but for what was there before."""
    before = left_over(lab.devices, lab.bench.name)
    try:
        yield
    except BaseException:
        for said in left_over(lab.devices, lab.bench.name):
            if said not in before:
                console.print(f"Next: {said}")
        raise


def _all_together(
    lab: Session, stopping: Stopping, experiments: Sequence[Experiment], console: Voice
) -> tuple[str, ...]:
    stopping.engine = lab.workers
    workers = [lab.start(lab.plan_of(experiment), experiment.name) for experiment in experiments]
    uids: list[str] = []
    failures = []
    for worker in workers:
        try:
            found = _seen_through(lab, stopping, worker.result, partial(_with_all, lab, worker.result))
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


def _seen_through(lab: Session, stopping: Stopping, wait: Callable[[], T], go_on: Callable[[], T]) -> T:
    """Return what a plan comes to, through every pause that Ctrl-C asks for; a person says what comes next."""
    if somebody_is_there():
        stopping.pause = lab.pause_now
    try:
        while True:
            try:
                return wait()
            except RunEngineInterrupted:
                stopping.check()
                if not stopping.asked:
                    raise
                _ask_what_next(lab, stopping)
                wait = go_on
    except Stopped:
        # A signal that came while all was paused: the runs say so, and not that somebody closed a session.
        for engine in lab.engines():
            engine.end(stopping.reason)
        raise


def _ask_what_next(lab: Session, stopping: Stopping) -> None:
    """Ask what is to be done with what is paused; return where it goes on. Raises Stopped where it does not."""
    held = [station for engine in lab.engines() if engine.state == "paused" for station in engine.at_work]
    answer = choice(f"{paused(held)}.", ("resume", "abort", "safe"))
    stopping.asked = False
    if answer == "resume":
        return
    stopping.ended_by = Stopped("SIGINT", 130)
    for engine in lab.engines():
        if answer == "safe":
            engine.end_safely("made safe at the terminal")
        else:
            engine.end("aborted at the terminal")
    stopping.check()


def _with_all(lab: Session, wait: Callable[[], T]) -> T:
    lab.workers.resume()
    return wait()
