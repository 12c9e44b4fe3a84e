"""What every heat engine takes and gives: three ways to solve the same row of cells.

modal.py    linear, exact in time, a train of pulses in closed form
stepping.py linear, TR-BDF2, one factorisation for each size of step
enthalpy.py properties that depend on temperature, melting, radiation: TR-BDF2 with damped Newton

All three keep the enthalpy of each cell, so one drive can be given to any of them and the answers be compared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.physics.heat.errors import EnergyGate
from sim.physics.heat.stack import Environment, Stack

Array = NDArray[np.float64]

GAMMA = 2.0 - math.sqrt(2.0)  # of TR-BDF2: both stages then share one matrix, and the scheme is L-stable
STAGE = 1.0 / (GAMMA * (2.0 - GAMMA))
TAIL = (1.0 - GAMMA) / (2.0 - GAMMA)
WEIGHTS = (0.5 / (2.0 - GAMMA), 0.5 / (2.0 - GAMMA), TAIL)  # of the rates at start, stage and end in one step

IMBALANCE = 1e-10  # of the energy turned over
EXCESS = 1e-9  # round-off allowed in a sum of shares


@dataclass(frozen=True, eq=False)
class Drive:
    """Hold what a stretch of time does to a stack.

    times (m + 1,) [s]; power (m,) [W m-2], the mean incident power of each step; shares (n,) [1] what each cell
    absorbs of it; chuck (m,) [K], the mean temperature behind the stack in each step, where it is not that of
    the environment.
    Raises ValueError for times that do not increase, a power or share that is negative or no number, or shares
    of more than 1 in sum.
    """

    times: Array
    power: Array
    shares: Array
    chuck: Array | None = None

    def __post_init__(self) -> None:
        if not (np.all(np.isfinite(self.times)) and np.all(np.diff(self.times) > 0.0)):
            raise ValueError("times [s] of a drive must be finite and increase")
        if len(self.power) != len(self.times) - 1:
            raise ValueError(f"power has {len(self.power)} entries for {len(self.times) - 1} steps")
        for name, values in (("power [W/m2]", self.power), ("absorptance [1]", self.shares)):
            if not np.all((values >= 0.0) & np.isfinite(values)):
                raise ValueError(f"{name} of a drive must be finite and not negative")
        if self.shares.sum() > 1.0 + EXCESS:
            raise ValueError(f"absorptance = {self.shares.sum():.6g} is more than 1")
        if self.chuck is not None and not np.all(np.isfinite(self.chuck)):
            raise ValueError("chuck temperature [K] of a drive must be finite")

    @property
    def absorbed(self) -> float:
        """Return the energy that the stack takes in [J m-2]."""
        return float(np.diff(self.times) @ self.power * self.shares.sum())


@dataclass(frozen=True, eq=False)
class March:
    """Hold a stretch of time: times [s] (m + 1,), enthalpies [J m-3] and temperatures [K] (m + 1, n) at each.

    absorbed, lost: energies [J m-2] over the stretch; imbalance: what is missing, as a share of all that
    moved.
    """

    times: Array
    enthalpies: Array
    temperatures: Array
    absorbed: float
    lost: float
    imbalance: float


@dataclass(frozen=True, eq=False)
class Train:
    """Hold what a train of equal cycles did.

    end (n,) [J m-3] after the last; highest (p,) [K] at each probe; absorbed, lost [J m-2] and imbalance [1] in
    sum; bases and peaks (pulses, p) [K], at the start and at the hottest of each cycle, where they were asked
    for.
    """

    end: Array
    highest: Array
    absorbed: float
    lost: float
    imbalance: float
    bases: Array | None = None
    peaks: Array | None = None


class Engine(Protocol):
    """Solve heat in one stack between its two sides."""

    stack: Stack
    environment: Environment

    def march(self, enthalpy: Array, drive: Drive) -> March:
        """Advance from enthalpy (n,) [J m-3] over the steps of a drive.

        Raises HeatError when the result must not be used.
        """

    def train(
        self, enthalpy: Array, cycle: Drive, pulses: int, probes: Array, *, history: bool = False
    ) -> Train:
        """Repeat a cycle; probes (p, n) are weights of cell temperatures.

        Memory does not grow with the number of pulses unless history is asked for.
        Raises HeatError when the result must not be used.
        """


def by_marching(
    engine: Engine, enthalpy: Array, cycle: Drive, pulses: int, probes: Array, history: bool
) -> Train:
    """Repeat a cycle by marching through each."""
    highest = np.full(len(probes), -np.inf)
    bases, peaks = [], []
    absorbed, lost, start = 0.0, 0.0, enthalpy
    for _ in range(pulses):
        walked = engine.march(enthalpy, cycle)
        seen = walked.temperatures @ probes.T
        peak = seen.max(axis=0)
        highest = np.maximum(highest, peak)
        if history:
            bases.append(seen[0])
            peaks.append(peak)
        absorbed, lost = absorbed + walked.absorbed, lost + walked.lost
        enthalpy = walked.enthalpies[-1]
    return Train(
        end=enthalpy,
        highest=highest,
        absorbed=absorbed,
        lost=lost,
        imbalance=balance(engine.stack, start, enthalpy, absorbed, lost),
        bases=np.array(bases) if history else None,
        peaks=np.array(peaks) if history else None,
    )


def balance(stack: Stack, start: Array, end: Array, absorbed: float, lost: float) -> float:
    """Return the energy missing between two enthalpies (n,) [J m-3], as a share of what was turned over [1].

    absorbed, lost [J m-2]. Raises EnergyGate where it is too large to be round-off.
    """
    stored = float(stack.widths @ (end - start))
    turnover = absorbed + abs(lost) + stack.warming
    imbalance = (absorbed - lost - stored) / turnover
    if not abs(imbalance) <= IMBALANCE:
        raise EnergyGate(f"energy does not add up: {imbalance:.2g} of what was turned over is missing")
    return imbalance


def whole_balance(stack: Stack, absorbed: float, lost: float, stored: float) -> float:
    """Return the energy missing in a whole run of several stretches, as a share of what was absorbed [1].

    absorbed, lost, stored [J m-2], each summed over the stretches. Where nothing was absorbed, what was stored
    or the heat of 1 K takes its place. Raises EnergyGate where it is too large to be round-off.
    """
    imbalance = (absorbed - lost - stored) / max(absorbed, abs(stored), stack.warming)
    if not abs(imbalance) <= IMBALANCE:
        raise EnergyGate(
            f"energy of the whole run does not add up: {imbalance:.2g} of what was absorbed is missing"
        )
    return imbalance


def lost_by(environment: Environment, steps: Array, ends: Array, stages: Array, chuck: Array | None) -> float:
    """Return the energy [J m-2] lost on both sides, summed with the weights of TR-BDF2 over steps (m,) [s].

    ends (m + 1, n) and stages (m, n): temperatures [K]; chuck (m,) [K] as in Drive.
    """
    total = 0.0
    for side, cell, there in ((environment.front, 0, None), (environment.back, -1, chuck)):
        losses: Sequence[Array] = (
            side.loss(ends[:-1, cell], there),
            side.loss(stages[:, cell], there),
            side.loss(ends[1:, cell], there),
        )
        total += sum(weight * float(steps @ loss) for weight, loss in zip(WEIGHTS, losses, strict=True))
    return total
