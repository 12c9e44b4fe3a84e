"""A run as derived results see it: its good rows, its steps, the size of its cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.cycling.columns import CycleFlag
from devices.cycling.ends import OWN_ENDS, EndReason
from labctl.runs.run import Run, Table
from labctl.samples.of_run import SampleOfRun, Size, sample_of_run

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INVALID = CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID
"""A row that says so is left out."""

UNTOLD = frozenset({"", "unknown", EndReason.UNCLEAR})
"""How a step ended of which nothing says it."""

NO_CURRENT = 1e-3
"""Of the run's largest current: a step that stays below rests."""

STEADY = 0.02
"""Scatter of a quantity over its size, or of a voltage in V, below which a step holds it."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows that can be counted with, and how many cannot: arrays (n,) in the units of the stream."""

    time: Floats
    voltage: Floats
    current: Floats
    charge: Floats
    cycle: Integers
    step_index: Integers
    step_count: Integers
    left_out: int


@dataclass(frozen=True)
class Span:
    """The rows of one executed step: from `begin` up to, not with, `end`; what it did, and whether it came to an end.

    passed [Ah]: net charge; current [A]: the median. finished: by an end of its own; None where nothing says it.
    """

    step_index: int
    step_count: int
    cycle: int
    technique: str
    end_reason: str
    begin: int
    end: int
    passed: float
    current: float
    finished: bool | None

    @property
    def sign(self) -> int:
        """Return 1 for a charge, -1 for a discharge, 0 for a rest."""
        return 0 if self.technique == "open_circuit" else int(np.sign(self.current))


class Source:
    """One input of a derived result."""

    def __init__(self, run: Run, data: Path) -> None:
        self.run, self._data = run, data

    @property
    def sample(self) -> str:
        """Return the id of the run's sample, empty without one."""
        return str((self.run.start.get("sample") or {}).get("id", ""))

    @cached_property
    def known(self) -> SampleOfRun:
        """Return the run's sample as it was then, as large as it is known to be now."""
        return sample_of_run(self.run, self._data)

    @property
    def size(self) -> Size:
        """Return the size of the run's cell."""
        return self.known.size

    def stream(self, name: str, *keys: str, also: Sequence[str] = ()) -> Table | None:
        """Return some columns of a stream, and others if it has them; None without rows or one of the keys."""
        if name not in self.run.streams:
            return None
        known = self.run.units(name)
        if not all(key in known for key in keys):
            return None
        table = self.run.table(name, [*keys, *(key for key in also if key in known)])
        return table if len(table[keys[0]]) else None

    @cached_property
    def rows(self) -> Rows | None:
        """Return the good rows of a cycling run; None when the run is none."""
        needed = ("test_time", "voltage", "current", "charge")
        table = self.stream("primary", *needed, also=("cycle", "step_count", "step_index", "flags"))
        if table is None:
            return None
        numbers = [_numbers(table[key]) for key in needed]
        good = np.all([np.isfinite(column) for column in numbers], axis=0)
        if "flags" in table:
            good &= (_whole(table["flags"]) & int(INVALID)) == 0
        time, voltage, current, charge = (column[good] for column in numbers)
        count = time.size
        cycle = _whole(table["cycle"])[good] if "cycle" in table else np.ones(count, dtype=np.int64)
        steps = _whole(table["step_count"])[good] if "step_count" in table else _turns(current)
        index = _whole(table["step_index"])[good] if "step_index" in table else steps
        return Rows(time, voltage, current, charge, cycle, index, steps, int(good.size - count))

    @cached_property
    def spans(self) -> list[Span]:
        """Return the executed steps that have rows, in order."""
        rows = self.rows
        return [] if rows is None or not rows.time.size else list(self._spans(rows))

    def _spans(self, rows: Rows) -> Iterator[Span]:
        steps = self.stream("steps", "step_count", "technique", "end_reason")
        known: dict[int, tuple[str, str]] = {}
        if steps is not None:
            named = zip(steps["step_count"].tolist(), steps["technique"], steps["end_reason"], strict=True)
            known = {int(count): (str(technique), str(end)) for count, technique, end in named}
        largest = float(np.abs(rows.current).max())
        changed = (np.diff(rows.step_count) != 0) | (np.diff(rows.cycle) != 0)
        borders = [0, *(np.flatnonzero(changed) + 1).tolist(), rows.time.size]
        for begin, end in pairwise(borders):
            count = int(rows.step_count[begin])
            technique, reason = known.get(count, ("", ""))
            # Charge flows from the last row of the step before on: the first row of a step is already in it.
            passed = float(rows.charge[end - 1] - rows.charge[max(begin - 1, 0)])
            yield Span(
                step_index=int(rows.step_index[begin]),
                step_count=count,
                cycle=int(rows.cycle[begin]),
                technique=technique or _seen_technique(rows, begin, end, largest),
                end_reason=reason,
                begin=begin,
                end=end,
                passed=passed,
                current=float(np.median(rows.current[begin:end])),
                finished=self._finished(count in known, steps is not None, reason, end == borders[-1]),
            )

    def _finished(self, named: bool, has_steps: bool, reason: str, last: bool) -> bool | None:
        if named and reason not in UNTOLD:
            return reason in OWN_ENDS
        if not named and (has_steps or "steps" in self.run.streams):
            return False
        # Somebody else's data, mostly: a step that another follows came to its end.
        return None if last else True


def _seen_technique(rows: Rows, begin: int, end: int, largest: float) -> str:
    """Return what a step that nobody names held, by its rows; the first may still be that of the step before."""
    some = slice(begin + 1 if end - begin > 3 else begin, end)
    current, voltage = rows.current[some], rows.voltage[some]
    if float(np.abs(current).max()) <= NO_CURRENT * largest:
        return "open_circuit"
    if _scatter(current) <= STEADY:
        return "constant_current"
    if float(np.ptp(voltage)) <= STEADY:
        return "constant_voltage"
    return "constant_power" if _scatter(current * voltage) <= STEADY else "other"


def _scatter(values: Floats) -> float:
    middle = abs(float(np.median(values)))
    return float(np.std(values)) / middle if middle > 0.0 else math.inf


def _turns(current: Floats) -> Integers:
    """Return a count that goes up with each change between charge, rest and discharge."""
    if not current.size:
        return np.zeros(0, dtype=np.int64)
    quiet = NO_CURRENT * float(np.abs(current).max())
    sign = np.where(np.abs(current) <= quiet, 0, np.sign(current))
    return np.concatenate(([1], 1 + np.cumsum(np.diff(sign) != 0))).astype(np.int64)


def _numbers(column: NDArray[Any]) -> Floats:
    return np.asarray(column, dtype=np.float64)


def _whole(column: NDArray[Any]) -> Integers:
    return np.asarray(column, dtype=np.int64)
