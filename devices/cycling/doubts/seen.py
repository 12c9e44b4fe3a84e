"""What a doubt looks at: a step in its place, on its cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from devices.cycling.cells import SECONDS_PER_HOUR, CellSize
from devices.cycling.programs import CellLimits, Step
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    CurrentRamp,
    VoltageRamp,
)
from devices.cycling.windows import STABLE, against, window_of

FASTEST = 20.0
"""C-rate above which a current is doubted; the FLA paper cycles at 10C."""

SLOWEST = 1e-3
"""C-rate below which a charge or discharge is doubted; guess: six weeks one way."""


@dataclass(frozen=True)
class Seen:
    """A step in its place: the step before it (None: none), the limits, the cell; capacity [C], NaN if unknown."""

    step: Step
    before: Step | None
    limits: CellLimits
    cell: CellSize

    @property
    def capacity(self) -> float:
        """The film's capacity [C]."""
        return math.nan if self.cell.capacity is None else self.cell.capacity

    @property
    def holds(self) -> str:
        """The film's capacity in words."""
        return f"the film's {micro(self.capacity / SECONDS_PER_HOUR)}Ah"

    @property
    def window(self) -> tuple[float, float]:
        """The voltages [V] of the cell at which the cathode is itself."""
        return window_of(self.cell)

    @property
    def stable(self) -> tuple[float, float]:
        """The voltages [V] of the cell at which the electrolyte is stable; all there are, where it is not known."""
        return against(self.cell, self.cell.stable or STABLE.get((*self.cell.materials, "", "")[1]))

    @property
    def lowest(self) -> float:
        """The least voltage [V] that power or load meets."""
        return max(self.limits.voltage_min, 0.1)

    def rate(self, current: float) -> float:
        """Return a current [A] as a C-rate [1/h]."""
        return current * SECONDS_PER_HOUR / self.capacity

    @property
    def lasts(self) -> float:
        """How long [s] the step takes at the most; NaN where nothing tells it but a current no film bears."""
        run, known = self.step.run, [self.step.until.duration]
        known += [run.duration] if isinstance(run, CurrentRamp | VoltageRamp) else []
        if isinstance(run, ConstantCurrent) and 0 < self.rate(abs(run.current)) <= FASTEST:
            known.append(self.capacity / abs(run.current))
        return min((each for each in known if each is not None), default=math.nan)


def drives(step: Step) -> bool:
    """Tell whether the step moves charge through the cell by itself."""
    return isinstance(
        step.run, ConstantCurrent | ConstantPower | ConstantResistance | CurrentRamp | VoltageRamp
    )


def direction(step: Step) -> int:
    """Return 1 for a charge, -1 for a discharge, 0 for what may be either."""
    match step.run:
        case ConstantCurrent(current=drive) | ConstantPower(power=drive):
            return int(math.copysign(1, drive)) if drive else 0
        case ConstantResistance():
            return -1
    return 0


def micro(value: float) -> str:
    """Return a value with a metric prefix, to three digits."""
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6)):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value / 1e-9:.3g} n"
