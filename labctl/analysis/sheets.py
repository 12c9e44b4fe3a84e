"""Sorting the cells of a sheet by rules: shorts first, then what lies off the sheet's middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GOOD, MISSING = "good", "missing"


class Rule(Protocol):
    """A bin and what falls into it, as devices.sheet.recipe.BinRule says."""

    @property
    def name(self) -> str:
        """The bin's name."""

    @property
    def of(self) -> str:
        """What it looks at: voltage, electrolyte or interface."""

    @property
    def drop(self) -> float | None:
        """V below the median."""

    @property
    def deviation(self) -> float | None:
        """Share off the median."""

    @property
    def frequency(self) -> float | None:
        """Hz at which it looks."""

    @property
    def against(self) -> float | None:
        """Hz of what is subtracted."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of the cells of a sheet, in their order: voltage [V] (n,), and Re Z [ohm] (n, m).

    frequencies [Hz] (m,); NaN for what was not measured. missing (n,): nothing is there.
    """

    voltage: Floats
    resistance: Floats
    frequencies: tuple[float, ...]
    missing: NDArray[np.bool_]

    def at(self, frequency: float | None) -> Floats:
        """Return Re Z [ohm] at a frequency [Hz]. Raises ValueError for one that was not measured."""
        if frequency not in self.frequencies:
            raise ValueError(f"{frequency} Hz was not measured, but {self.frequencies}")
        return np.asarray(self.resistance[:, self.frequencies.index(frequency)])


def quantity(measured: Measured, rule: Rule) -> Floats:
    """Return what a rule looks at: V, or ohm (n,)."""
    if rule.of == "voltage":
        return measured.voltage
    if rule.of == "electrolyte":
        return measured.at(rule.frequency)
    return measured.at(rule.frequency) - measured.at(rule.against)


def sort_cells(measured: Measured, rules: Sequence[Rule]) -> list[str]:
    """Return the bin of each cell: that of the first rule that takes it.

    A rule compares with the median of the cells that no rule before took. What a rule looks at and was not measured is
    taken by it: a cell of which that is not known cannot be called good.
    """
    count = len(measured.voltage)
    bins = np.full(count, GOOD, dtype=object)
    bins[measured.missing] = MISSING
    for rule in rules:
        left = bins == GOOD
        values = quantity(measured, rule)
        known = left & np.isfinite(values)
        if not known.any():
            bins[left] = rule.name
            continue
        middle = float(np.median(values[known]))
        with np.errstate(invalid="ignore"):
            fits = np.isfinite(values) & _fits(rule, values, middle)
        bins[left & ~fits] = rule.name
    return [str(each) for each in bins]


def _fits(rule: Rule, values: Floats, middle: float) -> NDArray[np.bool_]:
    """Return which cells a rule lets pass."""
    if rule.of == "voltage":
        assert rule.drop is not None
        return np.asarray(values >= middle - rule.drop)
    assert rule.deviation is not None
    if rule.of == "electrolyte":
        return np.asarray(np.abs(values - middle) <= rule.deviation * abs(middle))
    return np.asarray(values - middle <= rule.deviation * abs(middle))
