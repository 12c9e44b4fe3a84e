"""What a difference between a cell and its model looks like: a few causes, each with a shape of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from labctl.shadow.cell import Sight

Kind = Literal["resistance", "transport", "capacity", "leak"]
Chosen = tuple[int, ...]
KINDS: tuple[Kind, ...] = ("resistance", "transport", "capacity", "leak")

STRAY = 0.005
"""V that the model is off unsuspected: what its open-circuit potential was fitted to within."""

STRAY_FILLING = 0.002
"""Of x, by which a filling is unsure: its weight falls where the potential is steep; guess."""

ENOUGH = 0.8
"""Share of the difference at which no further cause is looked for; guess."""

LEAST = 0.5
"""Share of the difference that causes explain at least, else none is named; guess."""

WORTH = 0.1
"""Share of the difference by which one explanation is better than another at least; guess."""

ALIKE = 2.0
"""Times what one explanation leaves over, which another may leave over to be as good; guess."""

NOISE = 0.02
"""Share of the difference that is left over in any case; guess."""

FEWEST = 20
"""Comparisons before a cause is named; guess."""

KEPT = 0.5
"""Share of what was learned in a cycle that counts in the next; guess."""


@dataclass(frozen=True)
class Cause:
    """A cause and how large it is: resistance and transport over the model's, lost capacity, leak [1/ohm]."""

    kind: Kind
    size: float


@dataclass(frozen=True)
class Found:
    """Which causes explain a difference together, the largest first, and which share [1] of it; none where none does.

    instead: others of which each explains it alone hardly worse, so that nobody can tell yet.
    """

    causes: tuple[Cause, ...]
    share: float
    instead: tuple[Cause, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether there is a cause and nothing else would explain it."""
        return bool(self.causes) and not self.instead

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the causes."""
        return frozenset(each.kind for each in self.causes + self.instead)

    def size(self, kind: Kind) -> float:
        """Return the size of a cause, 0 where it is not among those found."""
        return sum(each.size for each in self.causes if each.kind == kind)

    def in_words(self, resistance: float) -> str:
        """Return what it looks like; resistance: the model's own [ohm]."""
        if not self.causes:
            return "looks like nothing that is known here"
        together = " and ".join(_words(each, resistance) for each in self.causes)
        return "looks like " + ", or ".join([together, *(_words(each, resistance) for each in self.instead)])


class Causes:
    """Compares differences with the shapes of the causes, by weighted least squares; a fixed, small memory.

    A resistance moves the voltage with the current; slow transport moves the surface's filling with how far it is off
    the film's; a smaller film moves it with the charge passed, a leak with the time passed.
    """

    def __init__(self, resistance: float, site_charge: float) -> None:
        """Take the model's resistance [ohm] and the charge of its sites [C]."""
        self._resistance, self._site_charge = resistance, site_charge
        self._count = 0.0
        self._normal, self._moment, self._square = np.zeros((4, 4)), np.zeros(4), 0.0

    def add(
        self, difference: float, sight: Sight, *, current: float, passed: float, volt_seconds: float
    ) -> None:
        """Take one difference [V], measured - predicted, where the model stood, and what else it may come from.

        current [A]; passed: x that was taken out of the film [1], and volt_seconds, the integral of the voltage
        [V s], since both cell and model were known to be alike.
        """
        shapes = np.array(
            [
                self._resistance * current,
                sight.secant * (sight.lithium - sight.surface),
                sight.secant * passed,
                -sight.secant * volt_seconds / self._site_charge,
            ]
        )
        weight = 1.0 / (STRAY * STRAY + (STRAY_FILLING * sight.slope) ** 2)
        self._normal += weight * np.outer(shapes, shapes)
        self._moment += (weight * difference) * shapes
        self._square += weight * difference * difference
        self._count += 1.0

    def forget(self) -> None:
        """Let what was learned so far count less."""
        self._count *= KEPT
        self._normal *= KEPT
        self._moment *= KEPT
        self._square *= KEPT

    def found(self) -> Found:
        """Return the one cause, or the two, that explain the differences."""
        if self._count < FEWEST or self._square <= 0.0:
            return Found((), 0.0)
        singles: list[tuple[float, Chosen]] = [(self._explained((index,)), (index,)) for index in range(4)]
        share, chosen = max(singles)
        if share < ENOUGH:
            both, pair = max((self._explained(each), each) for each in combinations(range(4), 2))
            if both - share > WORTH:
                share, chosen = both, pair
        if share < LEAST:
            return Found((), share)
        sizes = self._sizes(chosen)
        weights = sizes**2 * np.diagonal(self._normal)[list(chosen)]
        order = np.argsort(-weights).tolist()
        instead = tuple(
            self._cause(other[0], float(self._sizes(other)[0]))
            for as_good, other in singles
            if len(chosen) == 1 and other != chosen and 1.0 - as_good < ALIKE * (1.0 - share) + NOISE
        )
        causes = tuple(self._cause(chosen[index], float(sizes[index])) for index in order)
        return Found(causes, share, instead)

    def _sizes(self, chosen: Chosen) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        some = np.ix_(chosen, chosen)
        return np.asarray(np.linalg.lstsq(self._normal[some], self._moment[list(chosen)], rcond=1e-12)[0])

    def _explained(self, chosen: Chosen) -> float:
        return float(self._moment[list(chosen)] @ self._sizes(chosen)) / self._square

    @staticmethod
    def _cause(index: int, size: float) -> Cause:
        kind = KINDS[index]
        # A film of a share f of its sites moves x by 1/f of what the model says.
        return Cause(kind, size / (1.0 + size) if kind == "capacity" and size > -1.0 else size)


def _words(cause: Cause, resistance: float) -> str:
    """Return a cause in words; resistance: the model's own [ohm]."""
    size = cause.size
    match cause.kind:
        case "resistance":
            ohms = size * resistance
            if ohms > 0.0:
                return f"{ohms:.3g} ohm more in series: a contact, a lead, an interface"
            return f"{-ohms:.3g} ohm less in series than believed"
        case "transport":
            return f"{'slower' if size > 0.0 else 'faster'} transport in the film, {1.0 + size:.2g} times as polarised"
        case "capacity":
            return f"{abs(size):.0%} {'less' if size > 0.0 else 'more'} active film than believed"
        case "leak":
            if size > 0.0:
                return f"a soft short or self-discharge, as through {1.0 / size:.2g} ohm"
            return "a current that is not measured right: charge comes from nowhere"
