"""Paper against twin (or bench): a table made from documents read back from the journal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from labctl.analysis.cycles import CycleCapacity, capacities
from labctl.config.models import Compare
from labctl.runs.run import Run
from labctl.samples.of_run import sample_of_run

SAME_RATE = 0.02
"""Share by which a cycle's mean current may differ from the published one and still count as that rate."""


@dataclass(frozen=True)
class Row:
    """One published point: current density [A/m2], capacities [C/m2], and how periodic the measured one is."""

    sample: str
    thickness: float
    current_density: float
    published: float
    measured: float
    last_change: float
    source: str

    @property
    def deviation(self) -> float:
        """Measured over published, minus one."""
        return self.measured / self.published - 1


def compare(run: Run, points: Sequence[Compare]) -> list[Row]:
    """Hold the last cycle at each published rate against the published capacity; NaN where the run has none.

    last_change is the relative change from the cycle before: near zero means periodic.
    """
    found = sample_of_run(run)
    sample, area = found.sample, found.size.area
    table = run.table()
    cycles = capacities(table["cycle"], table["current"], table["charge"])
    rows = []
    for point in points:
        at_rate = [each for each in cycles if is_rate(each, point.current_density * area)]
        ah = [each.discharge_capacity for each in at_rate]
        rows.append(
            Row(
                sample=sample["id"],
                thickness=found.size.thickness,
                current_density=point.current_density,
                published=point.discharge_capacity,
                measured=ah[-1] * 3600 / area if ah else math.nan,
                last_change=ah[-1] / ah[-2] - 1 if len(ah) > 1 else math.nan,
                source=point.source,
            )
        )
    return rows


def is_rate(cycle: CycleCapacity, current: float) -> bool:
    """Return whether a cycle was discharged at a current [A]."""
    return abs(cycle.discharge_current - current) <= SAME_RATE * current
