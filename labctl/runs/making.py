"""What made a sample what it is: the runs that changed it."""

from __future__ import annotations

from pathlib import Path

from labctl.runs.briefs import briefs
from labctl.runs.run import Run

MAKING = frozenset({"anneal"})
"""Plans that change what a sample is; what they did is the input of later runs."""


def made_by(data: Path, sample_id: str) -> list[str]:
    """Return the uids of the runs that made a sample what it is, oldest first."""
    return [each.uid for each in briefs(data) if each.sample == sample_id and each.plan in MAKING]


def earlier_anneals(run: Run) -> list[Run]:
    """Return the anneals of a run's sample that were kept before it beside it, oldest first, those with pulses."""
    data = run.path.parents[3]
    uids = made_by(data, run.start["sample"]["id"])
    earlier = [Run(uid, data) for uid in uids[: uids.index(run.uid)]]
    return [each for each in earlier if "primary" in each.streams and len(each.table()["pulse"])]
