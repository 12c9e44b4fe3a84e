"""What made a sample what it is: the runs that changed it, and those that changed what it was cut from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path

from labctl.pictures.drawing import CELSIUS
from labctl.runs.briefs import Brief
from labctl.runs.kinds import BAKE, MAKING
from labctl.runs.run import Run
from labctl.runs.search import Search, search
from labctl.samples.parents import Families


def making_runs(data: Path, sample_id: str, named: Iterable[str] = ()) -> list[Brief]:
    """Return the runs that made a sample what it is, oldest first; those of its parents before it was cut, too.

    named: parents that are not on record yet. Runs that are marked bad are among them: whatever is wrong with
    their rows, the sample had their heat. Where nobody said when it was cut, all that its parent had counts.
    """
    ends = {each.id: each.cut for each in Families(data).ancestors(sample_id, named)} | {sample_id: None}
    found = [
        each
        for sample, end in ends.items()
        for plan in MAKING
        for each in search(data, Search(sample=sample, plan=plan, until=end))
    ]
    return sorted(found, key=lambda brief: (brief.time, brief.uid))


def made_by(data: Path, sample_id: str, named: Iterable[str] = ()) -> list[str]:
    """Return the uids of the runs that made a sample what it is, oldest first; as making_runs says."""
    return [each.uid for each in making_runs(data, sample_id, named)]


def heated(found: list[Brief]) -> Iterator[Run]:
    """Yield the anneals among some runs, each by itself: those with pulses, and those with a furnace's course."""
    for brief in found:
        run = Run(brief.path)
        key = "temperature" if brief.plan == BAKE else "pulse"
        if "primary" in run.streams and key in run.data_keys() and len(run.table("primary", [key])[key]):
            yield run


def course_of(run: Run) -> tuple[tuple[float, float], ...] | None:
    """Return what a furnace's run did, points (time [s], temperature [K]) as measured; None for another run."""
    if run.start.get("plan_name") != BAKE:
        return None
    table = run.table("primary", ["elapsed", "temperature"])
    rows = zip(table["elapsed"].tolist(), table["temperature"].tolist(), strict=True)
    return tuple((elapsed, temperature + CELSIUS) for elapsed, temperature in rows if isfinite(temperature))


def earlier_anneals(run: Run) -> list[Run]:
    """Return the anneals of a run's sample that were kept before it beside it, oldest first."""
    found = making_runs(run.path.parents[3], run.start["sample"]["id"])
    uids = [each.uid for each in found]
    return list(heated(found[: uids.index(run.uid)]))
