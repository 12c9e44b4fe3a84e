"""Rows of a reproduced table: what was printed, what the twin gave, and whether that meets it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["met", "NOT MET", "no number printed", "NOT RUN"]

CELSIUS = 273.15


@dataclass(frozen=True)
class Unit:
    """How a quantity is shown: its unit's name, and the SI value of one of it; offset: SI of its zero."""

    name: str
    size: float = 1.0
    offset: float = 0.0
    digits: int = 4

    def text(self, value: float) -> str:
        """Return a number in this unit without the unit's name."""
        return f"{(value - self.offset) / self.size:.{self.digits}g}"


DEGREES = Unit("degC", offset=CELSIUS, digits=3)
PER_AREA = Unit("uAh/cm2", 36.0, digits=3)
PER_VOLUME = Unit("uAh/cm2/um", 3.6e7, digits=3)
WATT_HOURS = Unit("Wh/l", 3.6e6, digits=5)
VOLTS = Unit("V", digits=4)
SHARE = Unit("%", 0.01, digits=4)
MILLIAMPERE_HOURS = Unit("mAh", 3.6, digits=3)


@dataclass(frozen=True)
class Row:
    """One line. low and high [SI]: what was printed, the same for a value; infinite ends for one-sided bounds; NaN for
    no number. twin [SI], NaN where the run has none; run: its uid; trouble: why there is none."""

    says: str
    unit: Unit
    low: float
    high: float
    twin: float
    tolerance: float
    source: str
    run: str
    note: str = ""
    trouble: str = ""

    @property
    def deviation(self) -> float:
        """How far the twin lies from what was printed, relative to it [1], for a range in its unit; 0 within it."""
        if self.low == self.high:
            return self.twin / self.low - 1.0
        nearest = min(max(self.twin, self.low), self.high)
        return (self.twin - nearest) / self.unit.size

    @property
    def over_paper(self) -> float:
        """The twin over what was printed [1]; of a range over its nearer end, and 1 within it."""
        return self.twin / min(max(self.twin, self.low), self.high)

    @property
    def verdict(self) -> Verdict:
        """Whether the twin meets it."""
        if math.isnan(self.twin):
            return "NOT RUN"
        if math.isnan(self.low):
            return "no number printed"
        allowed = self.tolerance if self.low == self.high else 0.0
        return "met" if abs(self.deviation) <= allowed else "NOT MET"

    @property
    def is_met(self) -> bool:
        """Whether nothing stands against it."""
        return self.verdict in ("met", "no number printed")

    def cells(self) -> tuple[str, ...]:
        """Return it as texts, under HEADER."""
        known = "" if math.isnan(self.twin) else self.unit.text(self.twin)
        note = "; ".join(filter(None, (self.note, self.trouble)))
        return (
            self.says, self.unit.name, self._paper(), known, self._deviation(), self._allowed(), self.verdict,
            self.source, self.run[:8], note,
        )  # fmt: skip

    def _paper(self) -> str:
        if math.isnan(self.low):
            return "-"
        if self.low == self.high:
            return self.unit.text(self.low)
        if math.isinf(self.low):
            return f"below {self.unit.text(self.high)}"
        if math.isinf(self.high):
            return f"above {self.unit.text(self.low)}"
        return f"{self.unit.text(self.low)} to {self.unit.text(self.high)}"

    def _deviation(self) -> str:
        if math.isnan(self.low) or math.isnan(self.twin):
            return "-"
        if self.low == self.high:
            return f"{self.deviation:+.2%}" if self.tolerance < 0.01 else f"{self.deviation:+.1%}"
        return f"{self.deviation:+.3g} {self.unit.name}" if self.deviation else "within"

    def _allowed(self) -> str:
        return "" if math.isnan(self.low) or self.low != self.high else f"{100.0 * self.tolerance:.3g}%"


HEADER = (
    "what", "unit", "paper", "twin", "deviation", "allowed", "verdict", "source", "run", "note"
)  # fmt: skip
