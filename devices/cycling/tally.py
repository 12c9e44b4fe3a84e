"""What passed between two rows of a step, where an instrument measures more finely than it tells rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

from devices.cycling.verdict import Row

Sample = TypeVar("Sample", bound=Row)


@dataclass
class Tally(Generic[Sample]):
    """What passed since the row that was told last [C, J], by trapezoids between all that were measured.

    lead [s]: for how long current had flown before the first of a step; it is taken for constant then. told [s]: when
    the row that was told last was measured, None before the first; held: what was measured last, if it is not told.
    """

    lead: float = 0.0
    last: Sample | None = None
    charge: float = 0.0
    energy: float = 0.0
    told: float | None = None
    held: Sample | None = None

    def add(self, row: Sample) -> None:
        """Count up to a row, which is held until it is told; a failed reading is bridged."""
        self.held = row
        if not is_valid(row):
            return
        before = self.last
        dt = self.lead if before is None else row.time - before.time
        before = before or row
        self.charge += 0.5 * (row.current + before.current) * dt
        self.energy += 0.5 * (row.current * row.voltage + before.current * before.voltage) * dt
        self.last = row

    def passed(self, row: Sample) -> tuple[float, float]:
        """Return what a row that is told is to say passed: NaN for a failed reading, the next one has it."""
        return (self.charge, self.energy) if is_valid(row) else (math.nan, math.nan)

    def clear(self, row: Sample) -> None:
        """Begin anew behind a row that is told, or was."""
        self.told, self.held = row.time, None
        if is_valid(row):
            self.charge = self.energy = 0.0


def is_valid(row: Row) -> bool:
    """Return whether both values of a row are numbers."""
    return math.isfinite(row.voltage) and math.isfinite(row.current)
