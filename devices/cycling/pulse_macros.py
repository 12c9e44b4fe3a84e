"""Macros that disturb a cell a little and watch it: titrations, pulses, steps of power."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize, PositiveRate
from devices.cycling.macros import Direction, Pause, Seconds, VoltageRate, WindowMacro
from devices.cycling.programs import Loop, Program, Step
from devices.cycling.techniques import ConstantPower, OpenCircuit, Until
from devices.errors import ProgramError
from devices.quantities import STRICT, Unit

Count = Annotated[int, Field(ge=1, le=10_000)]
PowerDensity = Annotated[float, Field(gt=0, le=1e6), Unit("W/m^2")]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class GalvanostaticTitration(WindowMacro):
    """GITT: `pulses` times a current for `pulse_duration` [s], then a rest.

    A rest ends when |dV/dt| fell to `relaxed` [V/s], or after longest_rest [s]; a pulse at the window's end is cut
    there, and so are those after it. The instrument runs it all by itself: no row is lost at the start of a rest.
    """

    rate: PositiveRate
    pulse_duration: Seconds
    pulses: Count
    direction: Direction = "charge"
    relaxed: VoltageRate | None = None
    longest_rest: Seconds = 4 * 3600.0

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        current = self.rate.on(cell)
        drive = self.charge if self.direction == "charge" else self.discharge
        until = Until(voltage_rate_below=self.relaxed, duration=self.longest_rest)
        body = (drive(current, duration=self.pulse_duration), Step(OpenCircuit(), until, self.record))
        return self.program((Loop(body, self.pulses),), current)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class PotentiostaticTitration(WindowMacro):
    """PITT: hold one voltage after the other, `step` [V] apart, each until the current fell to `cutoff`.

    On a charge the levels go from one step above `lower` to `upper`, on a discharge from one below `upper` to
    `lower`; "both" is a charge and then a discharge. longest_hold [s] ends a level whose current does not fall;
    current_limit stops the run.
    """

    step: Annotated[float, Field(gt=0, le=1), Unit("V")]
    cutoff: PositiveRate
    current_limit: PositiveRate
    direction: Literal["charge", "discharge", "both"] = "charge"
    longest_hold: Seconds = 24 * 3600.0

    @model_validator(mode="after")
    def _steps_fill_the_window(self) -> Self:
        count = (self.upper - self.lower) / self.step
        if not math.isclose(count, round(count), abs_tol=1e-6) or not 1 <= round(count) <= 1000:
            raise ValueError(
                f"the window of {self.upper - self.lower:g} V must be 1 to 1000 whole steps of {self.step:g} V"
            )
        return self

    def levels(self) -> tuple[float, ...]:
        """Return the voltages [V] in the order they are held."""
        count = round((self.upper - self.lower) / self.step)
        # Rounded to the microvolt, so that the last level is the window's end and not its neighbour.
        up = [round(self.lower + self.step * number, 6) for number in range(1, count)]
        rise, fall = (*up, self.upper), (*reversed(up), self.lower)
        return {"charge": rise, "discharge": fall, "both": (*rise, *fall)}[self.direction]

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        cutoff, most = self.cutoff.on(cell), self.current_limit.on(cell)
        if cutoff >= most:
            raise ProgramError(f"{self.name}: cutoff {cutoff:g} A must be below current_limit {most:g} A")
        steps = tuple(self.hold(level, cutoff, self.longest_hold) for level in self.levels())
        return self.program(steps, most)


@dataclass(frozen=True, config=STRICT, kw_only=True)
class HybridPulsePower(WindowMacro):
    """HPPC: charge fully; at each state of charge a discharge pulse, a pause, a weaker charge pulse.

    Between the states a share of the capacity is taken at `rate`, then a rest [s]. The default times and shares
    (10 s, 40 s, 10 s at three quarters; a tenth of the capacity; 1 h) are those of the US DOE's battery test manuals.
    """

    rate: PositiveRate
    pulse_rate: PositiveRate
    cutoff: PositiveRate
    states: Annotated[int, Field(ge=1, le=100)] = 9
    share: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.1
    charge_share: Annotated[float, Field(gt=0, le=1), Unit("1")] = 0.75
    pulse_duration: Seconds = 10.0
    pause: Seconds = 40.0
    rest_duration: Seconds = 3600.0

    @model_validator(mode="after")
    def _states_exhaust_no_more_than_the_cell(self) -> Self:
        if self.states * self.share > 1 + 1e-9:
            raise ValueError(f"{self.states} states of {self.share:g} are more than the whole capacity")
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell. Raises ProgramError when its capacity is unknown."""
        if cell.capacity is None:
            raise ProgramError(
                f"{self.name}: a share of the capacity needs the cell's capacity, which is unknown"
            )
        current, pulse, cutoff = (rate.on(cell) for rate in (self.rate, self.pulse_rate, self.cutoff))
        rest = self.rest(self.rest_duration)
        full = (self.charge(current), self.hold(self.upper, cutoff), *rest)
        state = (
            self.discharge(current, charge=self.share * cell.capacity),
            *rest,
            self.discharge(pulse, duration=self.pulse_duration),
            *self.rest(self.pause),
            self.charge(self.charge_share * pulse, duration=self.pulse_duration),
            *self.rest(self.pause),
        )
        empty = (self.discharge(current), *rest)
        return self.program((*full, Loop(state, self.states), *empty), max(current, pulse))


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Ragone(WindowMacro):
    """Discharge at one constant power per area [W/m2] after the other, in their order, each after a full charge.

    A charge goes at `charge_rate` to `upper` and holds there until the current fell to `cutoff`. Each charge and
    discharge is a cycle, so the energy of each power is a row of `cycles`.
    """

    charge_rate: PositiveRate
    cutoff: PositiveRate
    powers: Annotated[tuple[PowerDensity, ...], Field(min_length=1, max_length=50)]
    rest_duration: Pause = 600.0

    @model_validator(mode="after")
    def _power_needs_a_voltage(self) -> Self:
        if self.lower < 0.1:
            raise ValueError(
                "a constant power needs lower to be at least 0.1 V; its current would have no bound"
            )
        return self

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        current, cutoff = self.charge_rate.on(cell), self.cutoff.on(cell)
        rest = self.rest(self.rest_duration)
        powers = [density * cell.area for density in self.powers]
        passes = tuple(
            Loop(
                (
                    self.charge(current),
                    self.hold(self.upper, cutoff),
                    *rest,
                    Step(ConstantPower(-power), Until(voltage_below=self.lower), self.record),
                    *rest,
                ),
                1,
                counts_cycles=True,
            )
            for power in powers
        )
        return self.program(passes, max(current, max(powers) / self.lower))


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Pulses(WindowMacro):
    """A train of equal pulses: discharge, pause, charge, pause, `pulses` times; the cell is left as it was."""

    rate: PositiveRate
    pulse_duration: Seconds
    pause: Seconds
    pulses: Count

    def on(self, cell: CellSize) -> Program:
        """Return the program for this cell."""
        current, pause = self.rate.on(cell), self.rest(self.pause)
        body = (
            self.discharge(current, duration=self.pulse_duration),
            *pause,
            self.charge(current, duration=self.pulse_duration),
            *pause,
        )
        return self.program((Loop(body, self.pulses),), current)
