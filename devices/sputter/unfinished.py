"""A film as its station remembers it beyond its own end: what was asked, what is known to have been put on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class UnfinishedFilm:
    """The last film that was begun and did not come to its end.

    sample, recipe: its id and its hash; material. asked, done: nanometres. thickness [m] and open_time [s] of the
    shutter by the station's last word; began: time label [s]. doubts: why it is doubtful. accounted: whether what was
    put on is recorded, so that the sample's past is known.
    """

    sample: str
    recipe: str
    material: str
    asked: int
    done: int
    thickness: float | None
    open_time: float
    began: float
    doubts: tuple[str, ...] = ()
    accounted: bool = False

    def told(self) -> dict[str, Any]:
        """Return it in JSON."""
        return {**asdict(self), "doubts": list(self.doubts)}

    @classmethod
    def heard(cls, told: Mapping[str, Any] | None) -> Self | None:
        """Return what told() was made from; None for nothing."""
        return None if told is None else cls(**{**told, "doubts": tuple(told["doubts"])})
