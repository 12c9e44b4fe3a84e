"""What made a sample what it is: the runs that changed it, and those that changed what it was cut from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from labctl.runs.briefs import Brief
from labctl.runs.layers import put_on
from labctl.runs.run import Run
from labctl.runs.search import Search, search
from labctl.samples.parents import Families

MAKING = frozenset({"anneal"})
"""Plans that change what a sample is; what they did is the input of later runs, as are all runs that grow films."""


def making_runs(data: Path, sample_id: str, named: Iterable[str] = ()) -> list[Brief]:
    """Return the runs that made a sample what it is, oldest first; those of its parents before it was cut, too.

    named: parents that are not on record yet. Runs that are marked bad are among them: whatever is wrong with
    their rows, the sample had their heat. Where nobody said when it was cut, all that its parent had counts.
    """
    ends = {each.id: each.cut for each in Families(data).ancestors(sample_id, named)} | {sample_id: None}
    growing = put_on(data, ends)
    found = [
        each
        for sample, end in ends.items()
        for each in search(data, Search(sample=sample, until=end))
        if each.plan in MAKING or each.uid in growing
    ]
    return sorted(found, key=lambda brief: (brief.time, brief.uid))


def made_by(data: Path, sample_id: str, named: Iterable[str] = ()) -> list[str]:
    """Return the uids of the runs that made a sample what it is, oldest first; as making_runs says."""
    return [each.uid for each in making_runs(data, sample_id, named)]


def pulsed(found: list[Brief]) -> Iterator[Run]:
    """Yield the anneals among some runs, each by itself, those with pulses."""
    for brief in found:
        run = Run(brief.path)
        if "primary" in run.streams and len(run.table("primary", ["pulse"])["pulse"]):
            yield run


def earlier_anneals(run: Run) -> list[Run]:
    """Return the anneals of a run's sample that were kept before it beside it, oldest first, those with pulses."""
    found = making_runs(run.path.parents[3], run.start["sample"]["id"])
    uids = [each.uid for each in found]
    return list(pulsed(found[: uids.index(run.uid)]))
