"""Cycles of a train that need not be calculated, since those before them tell what they come to.

A train of equal pulses drifts towards its steady state. Once what is fast in the stack repeats itself, one slow mode is
left, and whatever a cycle gains goes on geometrically: q(n) = q(end) + b r^n. Thick plates of glass need hundreds of
cycles for it, of which a few tell all others.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.physics.anneal.state import AnnealState, PulseHistory
from sim.physics.lamp.bank import Discharge

Array = NDArray[np.float64]

LEAP = 6e4  # J m-3, about 0.01 K: what leaving cycles out may add up to before one is calculated again
LONGEST_LEAP = 3  # cycles left out, for every cycle between the last two calculated ones


@dataclass(frozen=True, eq=False)
class Cycle:
    """Hold one pulse and its wait: what was asked, enthalpies before [J m-3], and the state after.

    foil: where it happened; absorptance [1] of the film then; gained: dose, peaks and pulses of this cycle alone,
    and the enthalpies after it; change: the largest difference [J m-3] of its start from that of the cycle before;
    number: how many cycles of its train came before it; ratio: by which the drift shrinks from one cycle to the
    next, no number where that is not known; lean: by how much enthalpies [J m-3] go with the absorptance (n,).
    """

    foil: object
    discharge: Discharge
    period: float
    start: Array
    absorptance: float
    gained: AnnealState
    change: float
    history: PulseHistory
    number: int = 0
    ratio: float = math.nan
    lean: Array | None = None

    @property
    def drift(self) -> Array:
        """Return by how much enthalpies [J m-3] grew over the cycle (n,)."""
        return self.gained.enthalpy - self.start

    def after(self, before: Self) -> tuple[Self, int]:
        """Return this cycle with its ratio, learnt from an earlier one of its train, and how many may be left out.

        The ratio itself changes a little from cycle to cycle, as properties and radiation depend on temperature:
        over m cycles left out that adds up to m^3 / 6 times the change, times the drift.
        """
        if self.absorptance != before.absorptance:
            return self._after_other_light(before)
        apart, drift, earlier = self.number - before.number, self.drift, before.drift
        shrunk = float(drift @ earlier) / max(float(earlier @ earlier), math.ulp(0.0))
        if not 0.0 < shrunk < 1.0:
            return self, 0
        ratio = shrunk ** (1.0 / apart)
        alike = float(np.abs(drift - shrunk * earlier).max()) < LEAP
        bend = abs(ratio - before.ratio) / apart * float(np.abs(drift).max())
        if not (alike and bend < LEAP):
            return replace(self, ratio=ratio), 0
        most = LONGEST_LEAP * apart
        leaps = most if bend == 0.0 else min(most, int((6.0 * LEAP / bend) ** (1.0 / 3.0)))
        return replace(self, ratio=ratio), leaps

    def _after_other_light(self, before: Self) -> tuple[Self, int]:
        """Do as after does where the film absorbs otherwise than in the earlier cycle.

        A film that crystallises slowly takes the stack along: once that is warm, it goes with the absorptance.
        """
        apart, passed = self.number - before.number, self.absorptance - before.absorptance
        lean = (self.gained.enthalpy - before.gained.enthalpy) / passed
        if before.lean is None:
            return replace(self, lean=lean), 0
        bend = float(np.abs(lean - before.lean).max()) * abs(passed)
        leaps = min(LONGEST_LEAP * apart, int(apart * LEAP / bend)) if bend < LEAP else 0
        return replace(self, lean=lean), leaps

    def onward(
        self, before: Self, start: AnnealState, cycles: int, absorptance: float, widths: Array
    ) -> Self:
        """Return the cycle that comes so many cycles after this one, begun in a state; widths of cells [m] (n,).

        Whatever it gains goes on geometrically from an earlier cycle and this one, or with the absorptance [1] that it
        begins with where that changes; doses and losses by their logarithms. It loses what it absorbs and does not
        store.
        """
        if self.absorptance == before.absorptance:
            factor = _progress(self.ratio, self.number - before.number, cycles)
        else:
            factor = (absorptance - self.absorptance) / (self.absorptance - before.absorptance)
        ours, theirs = self.gained, before.gained

        def line(name: str) -> float:
            value: float = getattr(ours, name)
            return value + factor * (value - float(getattr(theirs, name)))

        enthalpy = ours.enthalpy + factor * (ours.enthalpy - theirs.enthalpy)
        stored = float(widths @ (enthalpy - start.enthalpy))
        gained = replace(
            ours,
            enthalpy=enthalpy,
            dose=_steepened(ours.dose, theirs.dose, factor),
            peak=ours.peak + factor * (ours.peak - theirs.peak),
            surface_peak=line("surface_peak"),
            foil_peak=line("foil_peak"),
            molten=min(max(line("molten"), 0.0), 1.0),
            lithium_loss=float(
                _steepened(np.array(ours.lithium_loss), np.array(theirs.lithium_loss), factor)
            ),
            strain=line("strain"),
            substrate_margin=line("substrate_margin"),
            absorbed=line("absorbed"),
            lost=line("absorbed") - stored,
            stored=stored,
        )
        return replace(
            self,
            absorptance=absorptance,
            start=start.enthalpy,
            gained=gained,
            history=self.history.onward(before.history, factor),
            number=self.number + cycles,
        )


@dataclass
class CycleMemo:
    """Remember the last calculated cycles of a train, so that those after them need not all be calculated.

    last, before: the last calculated cycle and the one before it; shown: the last cycle, calculated or not; leaps: how
    many more may be left out.
    """

    last: Cycle | None = None
    before: Cycle | None = None
    shown: Cycle | None = None
    leaps: int = 0

    def forget(self) -> None:
        """Begin a new train."""
        self.last = self.before = self.shown = None
        self.leaps = 0

    def calculated(self, cycle: Cycle) -> Cycle:
        """Take a cycle that was calculated, and return it."""
        self.before = self.last
        self.leaps = 0
        if self.before is not None:
            cycle, self.leaps = cycle.after(self.before)
        self.last = self.shown = cycle
        return cycle

    def leap(self, start: AnnealState, change: float, absorptance: float, widths: Array) -> Cycle:
        """Return the next cycle without calculating it; change as in Cycle."""
        assert self.last is not None
        assert self.before is not None
        assert self.shown is not None
        passed = self.shown.number + 1 - self.last.number
        self.leaps -= 1
        onward = self.last.onward(self.before, start, passed, absorptance, widths)
        self.shown = replace(onward, change=change)
        return self.shown


def _progress(ratio: float, apart: int, cycles: int) -> float:
    """Return how far q goes in some cycles, over how far it went between two cycles so far apart."""
    return float(ratio**apart * math.expm1(cycles * math.log(ratio)) / math.expm1(apart * math.log(ratio)))


def _steepened(value: Array, earlier: Array, factor: float) -> Array:
    """Return values whose logarithms go on from earlier ones by a factor; as they are where one is zero."""
    known = (value > 0.0) & (earlier > 0.0)
    ratio = np.where(known, value, 1.0) / np.where(known, earlier, 1.0)
    return np.asarray(value * ratio**factor)
