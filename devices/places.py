"""Where a foil lies under the lamp, in the words of a bench file: of its station as believed, of the world as it is."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from devices.quantities import STRICT, Unit

Mount = Literal["chuck", "hanging"]
"""On a chuck, or hanging with air behind."""

FilmModel = Literal["S1", "S2"]
"""By which set a film is calculated: its absorptance goes with its thickness (S1) or with its phase (S2)."""

ChuckTemperature = Annotated[float, Field(ge=200, le=700), Unit("K")]
ChuckTransfer = Annotated[float, Field(ge=0, le=10_000), Unit("W/(m^2 K)")]


@dataclass(frozen=True, config=STRICT)
class ChuckPoint:
    """A chuck's temperature [K] at a time [s] after a foil's first flash; straight lines between points."""

    time: Annotated[float, Field(ge=0, le=1e6), Unit("s")]
    temperature: ChuckTemperature


def _rising(course: tuple[ChuckPoint, ...]) -> tuple[ChuckPoint, ...]:
    for before, after in pairwise(course):
        if not before.time < after.time:
            raise ValueError(f"the times must rise; {after.time:g} s comes after {before.time:g} s")
    return course


ChuckCourse = Annotated[tuple[ChuckPoint, ...], Field(max_length=1000), AfterValidator(_rising)]
"""A chuck that warms up or cools down; where it is empty, the constant temperature holds."""


def require_chuck(mount: Mount, course: ChuckCourse) -> None:
    """Raise ValueError for the course of a chuck that is not there."""
    if mount == "hanging" and course:
        raise ValueError('chuck_course: a foil with mount = "hanging" has no chuck')
