"""Macros in which the voltage is set and the current answers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize, PositiveRate
from devices.cycling.macros import CellVoltage, Cycles, Pause, Seconds, VoltageRate, WindowMacro
from devices.cycling.programs import Loop, Program, Step
from devices.cycling.techniques import VoltageRamp
from devices.quantities import STRICT


@dataclass(frozen=True, config=STRICT, kw_only=True)
class CyclicVoltammetry(WindowMacro):
    """Sweep the voltage from `lower` to `upper` and back at a rate [V/s], `cycles` times.

    With a `start` [V] a sweep from there to `lower` comes first. current_limit stops the run.
    """

    rate: VoltageRate
    cycles: Cycles
    current_limit: PositiveRate
    start: CellVoltage | None = None

    @model_validator(mode="after")
    def _start_is_in_the_window(self) -> Self:
        if self.start is not None and not self.lower <= self.start <= self.upper:
            raise ValueError("start must be within lower and upper")
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        up = Step(VoltageRamp(self.lower, self.upper, self.rate), record=self.record)
        down = Step(VoltageRamp(self.upper, self.lower, self.rate), record=self.record)
        first: tuple[Step, ...] = ()
        if self.start is not None and self.start != self.lower:
            first = (Step(VoltageRamp(self.start, self.lower, self.rate), record=self.record),)
        loop = Loop((up, down), self.cycles, counts_cycles=True)
        return self.program((*first, loop), self.current_limit.on(cell))


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Chronoamperometry(WindowMacro):
    """Step through voltages [V] in their order, each held for `duration` [s]; all of it `cycles` times.

    rest_duration [s] before the first level of each pass. current_limit stops the run.
    """

    voltages: Annotated[tuple[CellVoltage, ...], Field(min_length=1, max_length=1000)]
    duration: Seconds
    current_limit: PositiveRate
    cycles: Cycles = 1
    rest_duration: Pause = 0.0

    @model_validator(mode="after")
    def _levels_are_in_the_window(self) -> Self:
        outside = [level for level in self.voltages if not self.lower <= level <= self.upper]
        if outside:
            raise ValueError(f"{outside[0]:g} V is not within lower and upper")
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        holds = (self.hold(level, duration=self.duration) for level in self.voltages)
        body = (*self.rest(self.rest_duration), *holds)
        return self.program((Loop(body, self.cycles),), self.current_limit.on(cell))
