"""Sorting the cells of a sheet by rules: shorts first, then what lies off the sheet's middle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GOOD, MISSING = "good", "missing"
FEWEST = 8
"""Cells of a group that have a median of their own; guess: of these two may be shorted."""


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
        """V below the median of the cells that were formed with it."""

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

    frequencies [Hz] (m,); NaN for what was not measured. missing (n,): nothing is there. group (n,): cells of one
    number were formed together behind one source, and began at one voltage; None where all did.
    """

    voltage: Floats
    resistance: Floats
    frequencies: tuple[float, ...]
    missing: NDArray[np.bool_]
    group: NDArray[np.int64] | None = None

    def at(self, frequency: float | None) -> Floats:
        """Return Re Z [ohm] at a frequency [Hz]. Raises ValueError for one that was not measured."""
        if frequency not in self.frequencies:
            raise ValueError(f"{frequency} Hz was not measured, but {self.frequencies}")
        return np.asarray(self.resistance[:, self.frequencies.index(frequency)])


def below_own_group(measured: Measured, among: NDArray[np.bool_]) -> Floats:
    """Return how far each cell's voltage [V] (n,) lies below the median of its group's cells `among` all (n,).

    A group of few cells has no median that a bad one would not move: those are held against all.
    """
    known = among & np.isfinite(measured.voltage)
    group = np.zeros(len(known), dtype=np.int64) if measured.group is None else measured.group
    middle = np.full(len(known), np.median(measured.voltage[known]) if known.any() else math.nan)
    for number in np.unique(group):
        own = group == number
        if (own & known).sum() >= FEWEST:
            middle[own] = np.median(measured.voltage[own & known])
    return np.asarray(middle - measured.voltage)


def quantity(measured: Measured, rule: Rule) -> Floats:
    """Return what a rule looks at: V, or ohm (n,)."""
    if rule.of == "voltage":
        return measured.voltage
    if rule.of == "electrolyte":
        return measured.at(rule.frequency)
    return measured.at(rule.frequency) - measured.at(rule.against)


def sort_cells(measured: Measured, rules: Sequence[Rule]) -> list[str]:
    """Return the bin of each cell: that of the first rule that takes it.

    A rule compares with the median of the cells that no rule before took; one of voltage, with that of those which
    were formed together: behind one source all of them lack what a short among them draws. What a rule looks at and
    was not measured is taken by it: a cell of which that is not known cannot be called good.
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
        with np.errstate(invalid="ignore"):
            if rule.of == "voltage":
                assert rule.drop is not None
                fits = below_own_group(measured, known) <= rule.drop
            else:
                fits = _fits(rule, values, float(np.median(values[known])))
        bins[left & ~fits] = rule.name
    return [str(each) for each in bins]


def _fits(rule: Rule, values: Floats, middle: float) -> NDArray[np.bool_]:
    """Return which cells a rule of resistances lets pass."""
    assert rule.deviation is not None
    if rule.of == "electrolyte":
        return np.asarray(np.abs(values - middle) <= rule.deviation * abs(middle))
    return np.asarray(values - middle <= rule.deviation * abs(middle))
