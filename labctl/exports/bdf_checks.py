"""What a BDF table of ours has to obey beyond the format's own validator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from labctl.exports.bdf_columns import BALANCES, COLUMNS, CYCLE, REQUIRED, STEP, TIME

ROUNDING = 1e-9
"""Share of all charge passed by which net and increments may differ: sums of 1e6 rows round to 1e-10."""

GROWING = (TIME, CYCLE, STEP, *(column for balance in BALANCES for column in balance[:2]))
"""Columns that never go down; a clock on the wall may be set back."""


@dataclass(frozen=True)
class Fault:
    """What is wrong, and in which row, counted from 0 over all batches."""

    row: int
    text: str


@dataclass
class BdfChecks:
    """Laws over a table that comes in batches: finite values, time and counters that do not go down, balances."""

    rows: int = 0
    _last: dict[str, float] = field(default_factory=dict)

    def find_fault(self, table: Mapping[str, NDArray[np.float64]]) -> Fault | None:
        """Return the first fault of the next batch, None when there is none.

        table: arrays (n,) by label.
        """
        for column in REQUIRED:
            if column.label not in table:
                return Fault(self.rows, f"there is no column {column.label}")
        fault = self._not_finite(table) or self._going_down(table) or self._unbalanced(table)
        for label, values in table.items():
            if len(values):
                self._last[label] = float(values[-1])
        self.rows += len(table[TIME.label])
        return fault

    def _not_finite(self, table: Mapping[str, NDArray[np.float64]]) -> Fault | None:
        for column in COLUMNS:
            values = table.get(column.label)
            if values is None:
                continue
            bad = np.isinf(values) if column.may_be_missing else ~np.isfinite(values)
            if bad.any():
                row = int(np.argmax(bad))
                return Fault(self.rows + row, f"{column.label} is {values[row]}")
        return None

    def _going_down(self, table: Mapping[str, NDArray[np.float64]]) -> Fault | None:
        for column in GROWING:
            values = table.get(column.label)
            if values is None or not len(values):
                continue
            before = np.concatenate([[self._last.get(column.label, values[0])], values[:-1]])
            down = values < before
            if down.any():
                row = int(np.argmax(down))
                return Fault(
                    self.rows + row,
                    f"{column.label} goes down from {float(before[row])!r} to {float(values[row])!r}",
                )
        return None

    def _unbalanced(self, table: Mapping[str, NDArray[np.float64]]) -> Fault | None:
        for gain, loss, net in BALANCES:
            if not all(each.label in table for each in (gain, loss, net)):
                continue
            up, down, left = (table[each.label] for each in (gain, loss, net))
            off = np.abs(up - down - left) > ROUNDING * (up + down)
            if off.any():
                row = int(np.argmax(off))
                passed = f"{gain.label} less {loss.label} is {float(up[row] - down[row])!r}"
                return Fault(self.rows + row, f"{passed}, not {net.label} {float(left[row])!r}")
        return None
