"""Furnaces, and thermometers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ophyd.status import StatusBase

from devices.recipes import FurnaceRecipe
from devices.roles.flown import Flown
from devices.samples import SampleRef


class Thermometers(Protocol):
    """Measures temperatures in several places, slowly."""

    def prepare(self) -> None:
        """Set every channel and read it back."""

    def read_temperatures(self) -> Mapping[str, float]:
        """Return the temperatures [K] by the channels' names.

        Raises InstrumentError that names the channels that are open or out of range.
        """

    def safe(self) -> None:
        """End what is under way."""


@dataclass(frozen=True)
class FurnaceJob:
    """What a furnace is prepared with."""

    sample: SampleRef
    recipe: FurnaceRecipe


@runtime_checkable
class Furnace(Flown, Protocol):
    """Heats a sample: `prepare(FurnaceJob)`, then fly. Stream `primary`, one row a second, temperatures as measured."""

    def check(self, recipe: FurnaceRecipe) -> None:
        """Raise LimitError when furnace or lab do not allow the recipe; nothing is sent."""

    def prepare(self, job: FurnaceJob) -> StatusBase:
        """Check the job, have the sample brought."""
