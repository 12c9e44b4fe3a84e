"""Programs that people ask for by name: each becomes a Program on the size of a cell."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cells import CellSize, PositiveRate
from devices.programs import CellLimits, Loop, Program, Step
from devices.quantities import STRICT, Unit
from devices.samples import SafeId
from devices.techniques import ConstantCurrent, Record, Until

CellVoltage = Annotated[float, Field(ge=0, le=5), Unit("V")]


class Macro(Protocol):
    """What becomes a program once the cell is known."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ProgramError, ValidationError when it cannot be one."""


@dataclass(frozen=True, config=STRICT)
class RateTest:
    """Constant current both ways between two voltages, `cycles` times at each rate, in their order.

    lower and upper [V]; the safety limits lie `margin` [V] beyond the window and a tenth above the largest
    current.
    """

    name: SafeId
    rates: Annotated[tuple[PositiveRate, ...], Field(min_length=1, max_length=50)]
    lower: CellVoltage
    upper: CellVoltage
    cycles: Annotated[int, Field(ge=1, le=10_000)]
    record: Record = Record()
    margin: Annotated[float, Field(ge=0.01, le=0.5), Unit("V")] = 0.05
    on_host_loss: Literal["keep", "open"] = "keep"

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError("lower must be below upper")
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        currents = [rate.on(cell) for rate in self.rates]
        passes = tuple(
            Loop(
                body=(
                    Step(ConstantCurrent(current), Until(voltage_above=self.upper), self.record),
                    Step(ConstantCurrent(-current), Until(voltage_below=self.lower), self.record),
                ),
                times=self.cycles,
                counts_cycles=True,
            )
            for current in currents
        )
        limits = CellLimits(
            voltage_min=self.lower - self.margin,
            voltage_max=self.upper + self.margin,
            current_max=1.1 * max(currents),
        )
        return Program(self.name, passes, limits, self.on_host_loss)
