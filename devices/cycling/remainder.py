"""What is left of a program that was broken off: of the step under way, and of the nodes behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from devices.cycling.cycler import Nodes
from devices.cycling.programs import Step
from devices.cycling.sequence import executions
from devices.cycling.techniques import CurrentRamp, Impedance, VoltageRamp

LEAST_TIME = 0.1
"""Seconds below which nothing is left of a step: no instrument here does a shorter one."""

LEAST_SHARE = 1e-3
"""Part of a charge, an energy or a ramp below which nothing is left of it; guess, far below what a row tells."""

LEAST_SWEEP = 1e-3
"""Volts below which nothing is left of a voltage ramp: the smallest stair of the coarsest source."""


@dataclass(frozen=True)
class Spent:
    """How long [s] a step ran, and the charge [C] and energy [J] that passed in it."""

    time: float
    charge: float
    energy: float


@dataclass(frozen=True)
class Rest:
    """What of a part a job runs: all behind `over` executions; of the first of these, `spent` is over already.

    spent None: that first one begins anew.
    """

    over: int = 0
    spent: Spent | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the part was run before."""
        return self.over == 0 and self.spent is None

    def of(self, nodes: Nodes) -> Nodes:
        """Return the nodes of the job."""
        if self.is_whole:
            return nodes
        spent = self.spent
        return behind(
            nodes, self.over, lambda step: step if spent is None else remaining(step, spent) or step
        )

    def as_json(self) -> dict[str, Any]:
        """Return it in plain values."""
        spent = self.spent
        told = None if spent is None else [spent.time, spent.charge, spent.energy]
        return {"over": self.over, "spent": told}

    @classmethod
    def heard(cls, kept: Mapping[str, Any]) -> Self:
        """Return it from plain values."""
        return cls(kept["over"], None if kept["spent"] is None else Spent(*kept["spent"]))


WHOLE = Rest()
"""A part of which nothing was run."""


def remaining(step: Step, spent: Spent) -> Step | None:
    """Return what is to be done yet of a step; None when nothing is.

    A time, a charge or an energy is lessened by what passed; a ramp goes on where its setpoint was; what ends by the
    cell's voltage or current is done again, and so is a spectrum.
    """
    run, until = step.run, step.until
    if isinstance(run, Impedance):
        return step
    left = {}
    for name, passed, least in (
        ("duration", spent.time, LEAST_TIME),
        ("charge", abs(spent.charge), LEAST_SHARE * (until.charge or 0.0)),
        ("energy", abs(spent.energy), LEAST_SHARE * (until.energy or 0.0)),
    ):
        asked = getattr(until, name)
        if asked is None:
            continue
        if asked - passed < least:
            return None
        left[name] = asked - passed
    if isinstance(run, VoltageRamp | CurrentRamp):
        span = run.end - run.start
        least = LEAST_SWEEP if isinstance(run, VoltageRamp) else LEAST_SHARE * abs(span)
        if abs(span) - run.rate * spent.time < max(least, LEAST_TIME * run.rate):
            return None
        run = replace(run, start=run.start + math.copysign(run.rate * spent.time, span))
    return replace(step, run=run, until=replace(until, **left))


def behind(nodes: Nodes, over: int, first: Callable[[Step], Step]) -> Nodes:
    """Return the nodes behind `over` executions; `first` makes of the next step what stands in its place."""
    for at, node in enumerate(nodes):
        size = executions(node)
        if over >= size:
            over -= size
            continue
        after = nodes[at + 1 :]
        if isinstance(node, Step):
            return (first(node), *after)
        passes, inside = divmod(over, size // node.times)
        opened = behind(node.body, inside, first)
        whole = node.times - passes - 1
        return (*opened, *((replace(node, times=whole),) if whole else ()), *after)
    return ()
