"""Capacity per cycle from rows of voltage, current and net charge."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class CycleCapacity:
    """One cycle: its number, mean discharge current [A] (positive), charge and discharge capacity (unit of charge)."""

    cycle: int
    discharge_current: float
    charge_capacity: float
    discharge_capacity: float

    @property
    def efficiency(self) -> float:
        """Return discharge over charge capacity [-]; NaN without a charge."""
        return self.discharge_capacity / self.charge_capacity if self.charge_capacity > 0.0 else math.nan


def capacities(cycle: Integers, current: Floats, charge: Floats) -> list[CycleCapacity]:
    """Return the capacities of each cycle.

    cycle (n,), current [A] (n,) positive on charge, charge (n,) net and cumulative, in any unit: capacities come in
    the same unit. A cycle without a discharge is left out.
    """
    rises = np.diff(charge)
    found = []
    for number in np.unique(cycle):
        rows = cycle == number
        within = rows[1:]
        discharging = rows & (current < 0)
        if not discharging.any():
            continue
        found.append(
            CycleCapacity(
                cycle=int(number),
                discharge_current=float(-current[discharging].mean()),
                charge_capacity=float(rises[within & (rises > 0)].sum()),
                discharge_capacity=float(-rises[within & (rises < 0)].sum()),
            )
        )
    return found


def branches(
    cycle: Integers, current: Floats, charge: Floats, voltage: Floats, number: int
) -> list[tuple[Floats, Floats]]:
    """Return charge and discharge branch of one cycle as (charge passed since its start, voltage).

    Arrays (n,) as in `capacities`; voltage [V]. A branch without rows is left out.
    """
    rows = cycle == number
    found = []
    for sign in (1, -1):
        chosen = rows & (np.sign(current) == sign)
        if chosen.any():
            found.append((np.abs(charge[chosen] - charge[chosen][0]), voltage[chosen]))
    return found
