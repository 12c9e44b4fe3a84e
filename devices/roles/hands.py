"""Whoever carries samples, and what hands are asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ophyd.status import StatusBase

from devices.samples import SampleRef


@dataclass(frozen=True)
class Bring:
    """A task for hands: have the sample at `place` (a station's name, or "name/channel"), under a mask if any."""

    sample: SampleRef
    place: str
    mask: str = ""


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
