"""The language of cycling: a program is a tree of frozen nodes, the same for every potentiostat.

Positive current charges. Every leaf has a stable `step_index` (its place in path order); how often it ran is
the row's `step_count`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit
from devices.samples import SafeId


@dataclass(frozen=True, config=STRICT)
class OpenCircuit:
    """Let the cell rest without current."""

    technique: Literal["open_circuit"] = "open_circuit"


@dataclass(frozen=True, config=STRICT)
class ConstantCurrent:
    """Hold the current [A]; positive charges."""

    current: Annotated[float, Field(ge=-10, le=10), Unit("A")]
    technique: Literal["constant_current"] = "constant_current"


Technique = Annotated[OpenCircuit | ConstantCurrent, Field(discriminator="technique")]


@dataclass(frozen=True, config=STRICT)
class Until:
    """When a step ends, whichever comes first: voltage at or above, at or below [V], duration [s]."""

    voltage_above: Annotated[float | None, Field(ge=-5, le=10), Unit("V")] = None
    voltage_below: Annotated[float | None, Field(ge=-5, le=10), Unit("V")] = None
    duration: Annotated[float | None, Field(gt=0, le=3.2e7), Unit("s")] = None


@dataclass(frozen=True, config=STRICT)
class Record:
    """When a row is taken: every `interval` [s], and sooner when the voltage moved by `voltage_change` [V]."""

    interval: Annotated[float, Field(ge=1e-3, le=86400), Unit("s")] = 30.0
    voltage_change: Annotated[float | None, Field(gt=0, le=1), Unit("V")] = None


@dataclass(frozen=True, config=STRICT)
class Step:
    """One technique until its end; a step without an end is refused."""

    run: Technique
    until: Until
    record: Record = Record()

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        end = self.until
        if isinstance(self.run, ConstantCurrent):
            limit = end.voltage_above if self.run.current > 0 else end.voltage_below
            if limit is None and end.duration is None:
                raise ValueError("a current step needs a voltage limit in its own direction, or a duration")
        elif end.duration is None:
            raise ValueError("a rest needs a duration")
        return self


@dataclass(frozen=True, config=STRICT)
class Loop:
    """Run the body `times` times; each pass of a loop that counts as a cycle advances the cycle number."""

    body: Annotated[tuple[Step | Loop, ...], Field(min_length=1)]
    times: Annotated[int, Field(ge=1, le=100_000)]
    counts_cycles: bool = False


@dataclass(frozen=True, config=STRICT)
class CellLimits:
    """What the instrument itself must never let the cell leave: voltage [V] and current [A], apart from ends."""

    voltage_min: Annotated[float, Field(ge=-5, le=10), Unit("V")]
    voltage_max: Annotated[float, Field(ge=-5, le=10), Unit("V")]
    current_max: Annotated[float, Field(gt=0, le=10), Unit("A")]


@dataclass(frozen=True, config=STRICT)
class Program:
    """What a potentiostat runs: steps in order, under the cell's limits, and what a lost host means for it."""

    name: SafeId
    steps: Annotated[tuple[Step | Loop, ...], Field(min_length=1)]
    limits: CellLimits
    on_host_loss: Literal["keep", "open"] = "keep"

    def leaves(self) -> tuple[Step, ...]:
        """Return the steps in path order; the position is the step_index."""
        return tuple(_leaves(self.steps))

    @model_validator(mode="after")
    def _stays_inside_its_limits(self) -> Self:
        limits = self.limits
        if limits.voltage_min >= limits.voltage_max:
            raise ValueError("limits.voltage_min must be below limits.voltage_max")
        for index, step in enumerate(self.leaves()):
            if isinstance(step.run, ConstantCurrent) and abs(step.run.current) > limits.current_max:
                raise ValueError(f"step {index}: {step.run.current:g} A exceeds limits.current_max")
            for name in ("voltage_above", "voltage_below"):
                value = getattr(step.until, name)
                if value is not None and not limits.voltage_min <= value <= limits.voltage_max:
                    raise ValueError(f"step {index}: until.{name} = {value:g} V is outside the cell's limits")
        return self


def _leaves(nodes: tuple[Step | Loop, ...]) -> Iterator[Step]:
    for node in nodes:
        if isinstance(node, Loop):
            yield from _leaves(node.body)
        else:
            yield node


@dataclass(frozen=True, config=STRICT)
class RateTest:
    """A macro: constant current both ways between two voltages, `cycles` times at each current density.

    current_densities [A/m2] in the order they are run, lower and upper [V]; the safety limits lie `margin` [V]
    beyond the window and a tenth above the largest current.
    """

    name: SafeId
    current_densities: Annotated[
        tuple[Annotated[float, Field(gt=0, le=1e4), Unit("A/m^2")], ...], Field(min_length=1, max_length=50)
    ]
    lower: Annotated[float, Field(ge=0, le=5), Unit("V")]
    upper: Annotated[float, Field(ge=0, le=5), Unit("V")]
    cycles: Annotated[int, Field(ge=1, le=10_000)]
    record: Record = Record()
    margin: Annotated[float, Field(ge=0.01, le=0.5), Unit("V")] = 0.05
    on_host_loss: Literal["keep", "open"] = "keep"

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError("lower must be below upper")
        return self

    def program(self, area: float) -> Program:
        """Return the program for a cell of `area` [m2]."""
        loops = tuple(
            Loop(
                body=(
                    Step(ConstantCurrent(density * area), Until(voltage_above=self.upper), self.record),
                    Step(ConstantCurrent(-density * area), Until(voltage_below=self.lower), self.record),
                ),
                times=self.cycles,
                counts_cycles=True,
            )
            for density in self.current_densities
        )
        limits = CellLimits(
            voltage_min=self.lower - self.margin,
            voltage_max=self.upper + self.margin,
            current_max=1.1 * max(self.current_densities) * area,
        )
        return Program(self.name, loops, limits, self.on_host_loss)
