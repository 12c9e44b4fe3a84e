"""Things that happen by chance at a rate: drawn once, as an integrated hazard, so that no step length matters."""

import math
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

_SEEDS_APART = 2**64


@dataclass(frozen=True, slots=True)
class Hazard:
    """Hold the luck of one kind of event.

    left [1]: integrated hazard until the next; it was drawn as an exponential of mean 1 from seed and drawn, the number
    of events so far. Whoever only looks draws nothing.
    """

    seed: int
    drawn: int
    left: float

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        return cls(**fields)


def drawn(seed: int, number: int = 0) -> Hazard:
    """Return the luck until event `number`, counted from 0; the same seed and number give the same."""
    return Hazard(seed, number, -math.log1p(-chance(seed, number)))


def chance(seed: int, number: int) -> float:
    """Return a number in [0, 1) that belongs to event `number` of a seed."""
    return random.Random(seed * _SEEDS_APART + number).random()


def spent(hazard: Hazard, amount: float) -> tuple[Hazard, int]:
    """Return the luck after an integrated hazard `amount` [1], and how many events it brought."""
    before = hazard.drawn
    while amount >= hazard.left:
        amount -= hazard.left
        hazard = drawn(hazard.seed, hazard.drawn + 1)
    if amount > 0.0:
        hazard = Hazard(hazard.seed, hazard.drawn, hazard.left - amount)
    return hazard, hazard.drawn - before
