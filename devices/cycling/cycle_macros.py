"""Macros that charge and discharge a cell again and again."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize, PositiveRate
from devices.cycling.macros import Cycles, OptionalRate, Pause, Seconds, WindowMacro
from devices.cycling.programs import Loop, Program, Step, When
from devices.errors import ProgramError
from devices.quantities import STRICT, Unit


@dataclass(frozen=True, config=STRICT, kw_only=True)
class ConstantCurrentConstantVoltage(WindowMacro):
    """CCCV: charge at a current to `upper`, hold there until the current fell to `cutoff`, discharge to `lower`.

    rest [s] after charge and after discharge; longest_hold [s] ends a hold whose current does not fall.
    """

    charge_rate: PositiveRate
    discharge_rate: PositiveRate
    cutoff: PositiveRate
    cycles: Cycles
    rest_duration: Pause = 0.0
    longest_hold: Seconds = 86400.0

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ProgramError when the hold would end before it began."""
        into, out, cutoff = (rate.on(cell) for rate in (self.charge_rate, self.discharge_rate, self.cutoff))
        if cutoff >= into:
            raise ProgramError(
                f"{self.name}: cutoff {cutoff:g} A must be below the charge current {into:g} A"
            )
        rest = self.rest(self.rest_duration)
        hold = self.hold(self.upper, cutoff, self.longest_hold)
        body = (self.charge(into), hold, *rest, self.discharge(out), *rest)
        return self.program((Loop(body, self.cycles, counts_cycles=True),), max(into, out))


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PotentiostaticCharge(WindowMacro):
    """Charge by holding `upper` until the current fell to `cutoff`; discharge at a current to `lower`.

    current_limit is what the instrument lets the hold draw at the most: it is stopped beyond.
    """

    cutoff: PositiveRate
    discharge_rate: PositiveRate
    current_limit: PositiveRate
    cycles: Cycles
    rest_duration: Pause = 0.0
    longest_hold: Seconds = 86400.0

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        cutoff, out, most = (rate.on(cell) for rate in (self.cutoff, self.discharge_rate, self.current_limit))
        rest = self.rest(self.rest_duration)
        body = (self.hold(self.upper, cutoff, self.longest_hold), *rest, self.discharge(out), *rest)
        return self.program((Loop(body, self.cycles, counts_cycles=True),), max(most, out))


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Formation(WindowMacro):
    """A few slow cycles with rests [s] between, then a long rest [s].

    With a cutoff each charge ends with a hold at `upper` until the current fell to it.
    """

    rate: PositiveRate
    cycles: Annotated[int, Field(ge=1, le=100)] = 3
    cutoff: OptionalRate = None
    rest_duration: Seconds = 1800.0
    final_rest: Seconds = 12 * 3600.0

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        current, rest = self.rate.on(cell), self.rest(self.rest_duration)
        hold = () if self.cutoff is None else (self.hold(self.upper, self.cutoff.on(cell)),)
        body = (self.charge(current), *hold, *rest, self.discharge(current), *rest)
        cycles = Loop(body, self.cycles, counts_cycles=True)
        return self.program((cycles, *self.rest(self.final_rest)), current)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class CycleLife(WindowMacro):
    """Cycle until the capacity faded: a slow reference cycle first, and again after every `reference_every` cycles.

    The run ends after `cycles` cycles, or when a reference cycle's discharge capacity fell to `retention` of the
    first one's. Reference is compared with reference, so the rate does not pass for fade. With a cutoff each
    charge ends with a hold at `upper`.
    """

    charge_rate: PositiveRate
    discharge_rate: PositiveRate
    reference_rate: PositiveRate
    cycles: Cycles
    reference_every: Cycles
    retention: Annotated[float, Field(gt=0, lt=1), Unit("1")] = 0.8
    cutoff: OptionalRate = None
    rest_duration: Pause = 0.0

    @model_validator(mode="after")
    def _references_divide_the_cycles(self) -> Self:
        if self.cycles % self.reference_every:
            raise ValueError(
                f"cycles = {self.cycles} must be a multiple of reference_every = {self.reference_every}"
            )
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        into, out = self.charge_rate.on(cell), self.discharge_rate.on(cell)
        slow = self.reference_rate.on(cell)
        reference = Loop(self._cycle(slow, slow, cell), 1, counts_cycles=True)
        between = Loop(self._cycle(into, out, cell), self.reference_every, counts_cycles=True)
        aged = Loop(
            (between, reference),
            self.cycles // self.reference_every,
            until=When(retention_below=self.retention),
        )
        return self.program((reference, aged), max(into, out, slow))

    def _cycle(self, into: float, out: float, cell: CellSize) -> tuple[Step, ...]:
        hold = () if self.cutoff is None else (self.hold(self.upper, self.cutoff.on(cell)),)
        rest = self.rest(self.rest_duration)
        return (self.charge(into), *hold, *rest, self.discharge(out), *rest)
