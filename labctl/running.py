"""One experiment in a terminal: progress while it runs, where it is kept, and an end as a signal asked."""

from __future__ import annotations

from bluesky.utils import RunEngineInterrupted

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
