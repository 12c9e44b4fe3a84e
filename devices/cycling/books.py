"""What stands open in the books of a cycling run: the step and the cycle under way, and where the books begin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

from devices.cycling.cells import SECONDS_PER_HOUR
from devices.cycling.columns import CycleFlag
from devices.cycling.cycler import RowTaken
from devices.cycling.ends import EndReason
from devices.cycling.programs import Step
from devices.cycling.sequence import Seen
from devices.cycling.verdict import Measured

Plain = dict[str, Any]
"""Plain JSON values; null stands for what is not a number."""


@dataclass(frozen=True)
class Offsets:
    """What was counted before these books begin: their rows count from there [Ah, Wh, s]."""

    cycle: int = 0
    step_count: int = 0
    record: int = 0
    charge: float = 0.0
    energy: float = 0.0
    test_time: float = 0.0

    def as_json(self) -> Plain:
        """Return them as a start document has them."""
        return dict(vars(self))


@dataclass
class Counts:
    """What the books have counted: steps, cycles, spectra; charge [Ah] and energy [Wh] since the beginning.

    walked: executions of the part in hand that have begun; its times count from `offset` [s] after the run's start.
    last_time [s]: of the last row, likewise.
    """

    walked: int = 0
    offset: float = 0.0
    last_time: float = 0.0
    count: int = 0
    cycle_number: int = 0
    spectra: int = 0
    charge: float = 0.0
    energy: float = 0.0

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        """Return them from plain values, among which others may be."""
        return cls(**{each.name: kept[each.name] for each in fields(cls)})


@dataclass(frozen=True)
class Execution:
    """One execution of a step: place in path order (from 0), number in the run, cycle (both from 1).

    Steps before the first counted pass bear the number 1, steps after the last one the last; where a program
    counts cycles, they add nothing to a cycle's capacities. Passes of nested counting loops that begin together
    are one cycle.
    """

    step: Step
    step_index: int
    step_count: int
    cycle: int
    counted: bool = True

    @cached_property
    def way(self) -> str:
        """What tells ways to cycle from one another: the technique and its ends."""
        return f"{self.step.run} {self.step.until}"


@dataclass
class OpenStep:
    """The step under way; charge [Ah] and energy [Wh] since it began; `said` is the instrument's own reason.

    idle [s]: for how long of the time since its first row it did not run, because it was broken off.
    """

    execution: Execution
    first: RowTaken | None = None
    last: RowTaken | None = None
    good: RowTaken | None = None
    before: RowTaken | None = None
    charge: float = 0.0
    energy: float = 0.0
    points: int = 0
    idle: float = 0.0
    said: EndReason | None = None
    flags: CycleFlag = CycleFlag.OK

    def measured(self) -> Measured | None:
        """Return what its rows say, None without any; a failed last reading has the values of the one before."""
        if self.first is None or self.last is None:
            return None
        charge, energy = self.charge * SECONDS_PER_HOUR, self.energy * SECONDS_PER_HOUR
        last = self.last if self.good is None else replace(self.good, time=self.last.time)
        first = replace(self.first, time=self.first.time + self.idle)
        return Measured(first, last, charge, energy, self.before)

    def was_broken_off(self, until: float) -> None:
        """Go on after a break that ended at a time [s]; nothing is integrated over it: nobody knows what passed."""
        if self.last is not None:
            self.idle += until - self.last.time
        self.good = self.before = None
        self.points = 0

    def move(self, axis: float) -> None:
        """Let its times count from `axis` [s] of the times so far."""
        for name in ROWS:
            row = getattr(self, name)
            if row is not None:
                setattr(self, name, replace(row, time=row.time - axis))

    def as_json(self) -> Plain:
        """Return it in plain values, without its execution."""
        rows = {name: _row_as_json(getattr(self, name)) for name in ROWS}
        said = None if self.said is None else str(self.said)
        sums = {"charge": self.charge, "energy": self.energy, "points": self.points, "idle": self.idle}
        return {**rows, **sums, "said": said, "flags": int(self.flags)}

    @classmethod
    def restored(cls, execution: Execution, kept: Mapping[str, Any]) -> Self:
        """Return a step from plain values."""
        step = cls(execution)
        for name in ROWS:
            setattr(step, name, _row_from_json(kept[name]))
        step.charge, step.energy = kept["charge"], kept["energy"]
        step.points, step.idle = kept["points"], kept["idle"]
        step.said = None if kept["said"] is None else EndReason(kept["said"])
        step.flags = CycleFlag(kept["flags"])
        return step


@dataclass
class OpenCycle:
    """The cycle under way, as `cycles` has it; a fragment was cut short and is no whole cycle to a condition.

    discharges: what each way of discharging drew [Ah].
    """

    number: int
    charge_capacity: float = 0.0
    discharge_capacity: float = 0.0
    charge_energy: float = 0.0
    discharge_energy: float = 0.0
    end_voltage_rest: float = math.nan
    fragment: bool = False
    discharges: dict[str, float] = field(default_factory=dict)

    def add(self, charge: float, energy: float, way: str) -> None:
        """Add an increment of a way to cycle: what flows in charges, what flows out discharges."""
        if charge >= 0:
            self.charge_capacity += charge
            self.charge_energy += energy
        else:
            self.discharge_capacity -= charge
            self.discharge_energy -= energy
            self.discharges[way] = self.discharges.get(way, 0.0) - charge

    @property
    def efficiency(self) -> float:
        """Return discharge over charge capacity, NaN when one is missing."""
        if self.has_discharge and self.charge_capacity > LEAST_SHARE * self.discharge_capacity:
            return self.discharge_capacity / self.charge_capacity
        return math.nan

    @property
    def has_discharge(self) -> bool:
        """Whether it drew a charge that is more than noise beside what it put in."""
        return self.discharge_capacity > LEAST_SHARE * self.charge_capacity

    def added_to(self, seen: Seen) -> Seen:
        """Return what was seen with this cycle added, if it has a discharge."""
        if not self.has_discharge:
            return seen
        capacity = self.discharge_capacity * SECONDS_PER_HOUR
        way = max(self.discharges, key=lambda each: self.discharges[each])
        firsts = {way: capacity, **seen.first_discharges}
        efficiency = None if math.isnan(self.efficiency) else self.efficiency
        return Seen(
            seen.ended_by, seen.voltage, self.number, capacity, efficiency, capacity / firsts[way], firsts
        )

    def as_json(self) -> Plain:
        """Return it in plain values."""
        rest = None if math.isnan(self.end_voltage_rest) else self.end_voltage_rest
        return {**vars(self), "discharges": dict(self.discharges), "end_voltage_rest": rest}

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> Self:
        """Return a cycle from plain values."""
        rest = kept["end_voltage_rest"]
        return cls(**{**kept, "end_voltage_rest": math.nan if rest is None else rest})


LEAST_SHARE = 1e-3
"""Part of what flowed the other way at or below which a cycle has no charge, or no discharge: a reading that is off by
6e-5 of its range [SPEC-2450] adds up to that in a hold beside a charge at a tenth of it; noise and the bias of spectra
stay below (guess)."""

ROWS = ("first", "last", "good", "before")


def seen_as_json(seen: Seen) -> Plain:
    """Return what was seen in plain values."""
    ended_by = None if seen.ended_by is None else str(seen.ended_by)
    return {**vars(seen), "ended_by": ended_by}


def seen_from_json(kept: Mapping[str, Any]) -> Seen:
    """Return what was seen from plain values."""
    ended_by = None if kept["ended_by"] is None else EndReason(kept["ended_by"])
    return Seen(**{**kept, "ended_by": ended_by})


def _row_as_json(row: RowTaken | None) -> list[Any] | None:
    if row is None:
        return None
    return [None if value != value else value for value in vars(row).values()]


def _row_from_json(kept: list[Any] | None) -> RowTaken | None:
    if kept is None:
        return None
    return RowTaken(kept[0], *(math.nan if value is None else value for value in kept[1:]))
