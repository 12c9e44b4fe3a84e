"""A train as its station remembers it beyond its own end: what was asked, what is known to have been done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

COUNTER = 65536
"""Where a board's counter of flashes begins anew."""


@dataclass(frozen=True)
class Unfinished:
    """The last train that was begun and did not come to its end.

    sample, recipe: its id and its hash. asked, done: pulses, those recorded. began: time label [s]. flashes_before:
    the board's counter at its start, None where nothing counts, or nothing could fire yet. gates: of one pulse.
    accounted: whether all that was flashed is recorded, so that the sample's past is known. void: whether the counter
    began anew since then.
    """

    sample: str
    recipe: str
    asked: int
    done: int
    began: float
    flashes_before: int | None = None
    gates: int = 1
    accounted: bool = False
    void: bool = False

    def counted(self, flashes: int) -> int | None:
        """Return how many pulses a board's counter says; None where it was not looked at before, or began anew."""
        if self.flashes_before is None or self.void:
            return None
        return -(-((flashes - self.flashes_before) % COUNTER) // self.gates)

    def told(self) -> dict[str, Any]:
        """Return it in JSON."""
        return asdict(self)

    @classmethod
    def heard(cls, told: Mapping[str, Any] | None) -> Self | None:
        """Return what told() was made from; None for nothing."""
        return None if told is None else cls(**told)
