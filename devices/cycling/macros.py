"""Programs that people ask for by name: each becomes a Program on the size of a cell.

Here is what they share, and the rate test; the others stand in cycling_macros, pulse_macros, sweep_macros.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Protocol, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize, PositiveRate, Rate, RateText
from devices.cycling.programs import CellLimits, Jump, Loop, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Record, Until
from devices.quantities import STRICT, Unit
from devices.samples import SafeId

CellVoltage = Annotated[float, Field(ge=0, le=6), Unit("V")]
Seconds = Annotated[float, Field(gt=0, le=3.2e7), Unit("s")]
Pause = Annotated[float, Field(ge=0, le=3.2e7), Unit("s")]
VoltageRate = Annotated[float, Field(gt=0, le=1e4), Unit("V/s")]
Cycles = Annotated[int, Field(ge=1, le=100_000)]
Direction: TypeAlias = Literal["charge", "discharge"]


def _positive_or_none(rate: Rate | None) -> Rate | None:
    if rate is not None and not rate.value > 0:
        raise ValueError(f"{rate.value:g} {rate.basis} must be above zero, or left out")
    return rate


OptionalRate = Annotated[Rate | None, RateText(), AfterValidator(_positive_or_none)]
"""A rate without a sign that may be left out."""


class Macro(Protocol):
    """What becomes a program once the cell is known."""

    @property
    def name(self) -> str:
        """Return what it is called."""

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ProgramError, ValidationError when it cannot be one."""


@dataclass(frozen=True, config=STRICT, kw_only=True)
class WindowMacro:
    """What every macro with a voltage window has.

    lower and upper [V]: the program itself goes no further. The safety limits lie `margin` [V] beyond them and a
    tenth above the largest current.
    """

    name: SafeId
    lower: CellVoltage
    upper: CellVoltage
    record: Record = Record()
    margin: Annotated[float, Field(ge=0.01, le=0.5), Unit("V")] = 0.05
    on_host_loss: Literal["keep", "open"] = "keep"

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError("lower must be below upper")
        return self

    def charge(self, current: float, **ends: float) -> Step:
        """Return a charge with this current [A] to the upper voltage, or an earlier end."""
        return Step(ConstantCurrent(current), Until(voltage_above=self.upper, **ends), self.record)

    def discharge(self, current: float, **ends: float) -> Step:
        """Return a discharge with this current [A], without sign, to the lower voltage, or an earlier end."""
        return Step(ConstantCurrent(-current), Until(voltage_below=self.lower, **ends), self.record)

    def hold(self, voltage: float, current: float | None = None, duration: float | None = None) -> Step:
        """Return a hold [V] until the current [A] fell to this, or for so long [s]."""
        return Step(ConstantVoltage(voltage), Until(current_below=current, duration=duration), self.record)

    def rest(self, duration: float) -> tuple[Step, ...]:
        """Return a rest of so long [s]; none for no time. No row is taken for a current that does not flow."""
        record = replace(self.record, current_change=None)
        return (Step(OpenCircuit(), Until(duration=duration), record),) if duration else ()

    def program(self, steps: tuple[Step | Loop | Jump, ...], largest: float) -> Program:
        """Return the program of these steps, whose largest current is this [A]."""
        limits = CellLimits(
            voltage_min=self.lower - self.margin,
            voltage_max=self.upper + self.margin,
            current_max=1.1 * largest,
        )
        return Program(self.name, steps, limits, self.on_host_loss)


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
