"""The language of cycling: a program is a tree of frozen nodes, the same for every potentiostat.

Steps and loops run on the instrument. A condition that looks back on what was measured (`When`) is judged by
the station, between parts of a program; it stands at the top level only, so that what the instrument runs by
itself always has an end. Every step has a stable `step_index`, its place in path order; how often steps ran is
the row's `step_count`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, fields
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize
from devices.cycling.ends import EndReason
from devices.cycling.techniques import (
    ConstantCurrent,
    ConstantPower,
    ConstantResistance,
    ConstantVoltage,
    CurrentRamp,
    GalvanostaticImpedance,
    OpenCircuit,
    PotentiostaticImpedance,
    Record,
    Technique,
    Until,
    VoltageRamp,
    Volts,
    setpoint_current,
    setpoint_voltages,
)
from devices.quantities import STRICT, Unit
from devices.samples import SafeId


class Refusals(ValueError):
    """Everything that is wrong with a program, not only what was met first: one sentence each.

    of_steps: by a step's index, those that are one step's fault; they stand among `found`, too.
    """

    def __init__(self, found: Sequence[str], of_steps: Mapping[int, str] | None = None) -> None:
        self.found, self.of_steps = tuple(found), dict(of_steps or {})
        super().__init__("; ".join(self.found))


Tags = Annotated[tuple[SafeId, ...], Field(max_length=16)]
MOST_TIMES = 100_000
"""Passes of one loop."""

Times = Annotated[int, Field(ge=1, le=MOST_TIMES)]


@dataclass(frozen=True, config=STRICT)
class Step:
    """One technique until its end; a step without an end is refused.

    temperature [K] is the surroundings' that the step asks for; None: as they are.
    """

    run: Technique
    until: Until = Until()
    record: Record = Record()
    tags: Tags = ()
    temperature: Annotated[float | None, Field(ge=150, le=700), Unit("K")] = None

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        needed = _ends_needed(self.run)
        if isinstance(self.run, PotentiostaticImpedance | GalvanostaticImpedance):
            if self.until.named():
                raise ValueError("a spectrum ends with its last frequency; leave `until` out")
        elif needed and not any(getattr(self.until, name) is not None for name in needed):
            raise ValueError(f"a {self.run.technique} step needs an end: one of {', '.join(needed)}")
        return self


def _ends_needed(technique: Technique) -> tuple[str, ...]:
    """Return the ends of which a technique needs one; none for what ends by itself."""
    match technique:
        case ConstantCurrent(current=drive) | ConstantPower(power=drive):
            if drive == 0.0:
                return ("duration", "voltage_rate_below")
            limit = "voltage_above" if drive > 0 else "voltage_below"
            return (limit, "duration", "charge", "energy")
        case ConstantVoltage():
            return ("current_below", "duration", "current_rate_below")
        case ConstantResistance():
            return ("voltage_below", "current_below", "duration")
        case OpenCircuit():
            return ("duration", "voltage_rate_below")
        case CurrentRamp() | VoltageRamp() | PotentiostaticImpedance() | GalvanostaticImpedance():
            return ()


@dataclass(frozen=True, config=STRICT)
class When:
    """A condition on what was measured; true when any part of it is.

    ended_by: why the last step ended. voltage at the end of the last step [V]. discharge_capacity_below [C],
    retention_below (discharge capacity over that of the first whole cycle of the run that was discharged by the same
    technique to the same ends: a rate does not pass for fade) and efficiency_below (coulombic) of the last whole cycle;
    cycle_at_least: its number in the run.
    """

    ended_by: EndReason | None = None
    voltage_above: Volts | None = None
    voltage_below: Volts | None = None
    discharge_capacity_below: Annotated[float | None, Field(gt=0, le=1e7), Unit("C")] = None
    retention_below: Annotated[float | None, Field(gt=0, le=2), Unit("1")] = None
    efficiency_below: Annotated[float | None, Field(gt=0, le=2), Unit("1")] = None
    cycle_at_least: Annotated[int | None, Field(ge=1)] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, each.name) is None for each in fields(self)):
            raise ValueError("a condition needs at least one part")
        return self


@dataclass(frozen=True, config=STRICT)
class Loop:
    """Run the body `times` times, or until a condition holds at the end of a pass.

    Each pass of a loop that counts as a cycle advances the cycle number.
    """

    body: Annotated[tuple[Step | Loop, ...], Field(min_length=1)]
    times: Times
    counts_cycles: bool = False
    until: When | None = None
    tags: Tags = ()


@dataclass(frozen=True, config=STRICT)
class Jump:
    """Go on at the top-level node that carries the tag `to`, when the condition holds; at most so many times."""

    to: SafeId
    when: When | None = None
    at_most: Times = 1


@dataclass(frozen=True, config=STRICT)
class CellLimits:
    """What the instrument itself must never let the cell leave, apart from the steps' ends.

    voltage [V], |current| [A], |charge| of any one step [C].
    """

    voltage_min: Volts
    voltage_max: Volts
    current_max: Annotated[float, Field(gt=0, le=10), Unit("A")]
    charge_max: Annotated[float | None, Field(gt=0, le=1e7), Unit("C")] = None

    @model_validator(mode="after")
    def _window_is_open(self) -> Self:
        if self.voltage_min >= self.voltage_max:
            raise ValueError("limits.voltage_min must be below limits.voltage_max")
        return self


Node: TypeAlias = "Step | Loop | Jump"


@dataclass(frozen=True, config=STRICT)
class Program:
    """What a potentiostat runs: nodes in order, under the cell's limits, and what a lost host means for it.

    rates_on: the cell whose capacity its C-rates were reckoned with, where that is not the sample's own.
    """

    name: SafeId
    steps: Annotated[tuple[Step | Loop | Jump, ...], Field(min_length=1)]
    limits: CellLimits
    on_host_loss: Literal["keep", "open"] = "keep"
    rates_on: CellSize | None = field(default=None, compare=False)

    def on(self, cell: CellSize) -> Self:
        """Return itself: its currents are those of this very cell."""
        return self

    def leaves(self) -> tuple[Step, ...]:
        """Return the steps in path order; the position is the step_index."""
        return tuple(leaves(self.steps))

    @model_serializer(mode="wrap")
    def _said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return what is said of it only, so that the hash of a program without `rates_on` stays what it was."""
        body: dict[str, Any] = dump(self)
        return body if self.rates_on is not None else {k: v for k, v in body.items() if k != "rates_on"}

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        of_steps = {
            index: "; ".join(found)
            for index, step in enumerate(self.leaves())
            if (found := [f"step {index}: {said}" for said in beyond(step, self.limits)])
        }
        found = [*of_steps.values(), *_misplaced(self.steps), *_astray(self.steps)]
        if found:
            raise Refusals(found, of_steps)
        return self


def leaves(nodes: Sequence[Node]) -> Iterator[Step]:
    """Return the steps of some nodes in path order."""
    for node in nodes:
        if isinstance(node, Loop):
            yield from leaves(node.body)
        elif isinstance(node, Step):
            yield node


def loops(nodes: Sequence[Node]) -> Iterator[Loop]:
    """Return the loops of some nodes, outer ones first."""
    for node in nodes:
        if isinstance(node, Loop):
            yield node
            yield from loops(node.body)


def _misplaced(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield what stands where it cannot: a condition inside another loop, no step at all."""
    for node in nodes:
        if isinstance(node, Loop) and any(inner.until is not None for inner in loops(node.body)):
            yield "a loop with a condition stands at the top level, not inside another"
    if next(leaves(nodes), None) is None:
        yield "a program needs at least one step"


def _astray(nodes: Sequence[Node]) -> Iterator[str]:
    """Yield the jumps that do not know where to go."""
    tags = [tag for node in nodes if not isinstance(node, Jump) for tag in node.tags]
    for node in nodes:
        if isinstance(node, Jump) and tags.count(node.to) != 1:
            many = "no" if node.to not in tags else "more than one"
            yield f"a jump goes to {node.to!r}, and {many} node at the top level has that tag"


def beyond(step: Step, limits: CellLimits) -> Iterator[str]:
    """Yield what a step asks for beyond the cell's limits."""
    low, high, most = limits.voltage_min, limits.voltage_max, limits.current_max
    asked = [(f"{step.run.technique} of", volts) for volts in setpoint_voltages(step.run)]
    ends = {name: getattr(step.until, name) for name in ("voltage_above", "voltage_below")}
    asked += [(f"until.{name} =", volts) for name, volts in ends.items() if volts is not None]
    for what, volts in asked:
        if not low <= volts <= high:
            yield f"{what} {volts:g} V is outside the cell's limits"
    current = setpoint_current(step.run)
    for what, amperes in (("", current), ("until.current_above = ", step.until.current_above)):
        if amperes is not None and amperes > most:
            yield f"{what}{amperes:g} A exceeds limits.current_max"
    if isinstance(step.run, ConstantPower) and abs(step.run.power) > most * max(abs(low), abs(high)):
        yield f"{step.run.power:g} W needs more than limits.current_max"
