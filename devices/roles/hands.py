"""Whoever carries samples, and what hands are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ophyd.status import StatusBase

from devices.recipes import FurnaceRecipe
from devices.samples import SampleRef


@dataclass(frozen=True)
class Film:
    """What will be put on a sample: of which material, how thick [m]; goes_on: with a film that broke off."""

    material: str
    thickness: float
    goes_on: bool = False


@dataclass(frozen=True)
class Heat:
    """How hot a sample will be made at the most [K]."""

    temperature: float

    @classmethod
    def of(cls, recipe: FurnaceRecipe) -> Heat:
        """Return how hot a furnace's recipe makes it."""
        return cls(max(segment.temperature for segment in recipe.segments))


@dataclass(frozen=True)
class Bring:
    """A task for hands: have the sample at `place` (a station's name, or "name/channel"), under a mask if any.

    then: what will be done to it there, which a person is asked about where it does not go with what lies on it.
    instead_of: the id of the sample that was brought there last, which comes out first; empty where nobody knows one.
    """

    sample: SampleRef
    place: str
    mask: str = ""
    then: Film | Heat | None = None
    instead_of: str = ""


@dataclass(frozen=True)
class Assemble:
    """A task for hands: have the sample's cell layers put on."""

    sample: SampleRef


@dataclass(frozen=True)
class Confirm:
    """A task for hands: have a person agree to what will be done to the sample at a station."""

    sample: SampleRef
    place: str
    question: str


@dataclass(frozen=True)
class Measure:
    """A task for hands: have the step of the film of a material on a sample measured, as by a profilometer."""

    sample: SampleRef
    material: str


@dataclass(frozen=True)
class Treat:
    """A task for hands: have a sample's parts go through something beside an anneal, see sim.materials.treatments."""

    sample: SampleRef
    treatment: str


class Hands(Protocol):
    """Whoever carries samples: a person on hardware, the bench on twins. What was done is recorded as a fact."""

    name: str

    def check(self, task: Bring | Assemble) -> None:
        """Raise InterlockError when it is known beforehand that the task cannot be done."""

    def set(self, task: Bring | Assemble | Confirm | Measure | Treat) -> StatusBase:
        """Have the task done; the status finishes when it is."""

    def still_at(self, place: str, sample: str) -> SampleRef | None:
        """Return the sample of an id, if `place` is where it was brought last and it was not taken away since."""
