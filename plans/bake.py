"""Anneal a film in a furnace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.recipes import FurnaceRecipe
from devices.roles.furnace import Furnace, FurnaceJob
from devices.samples import SampleRef
from plans.films import FLUSH, LEASE_EVERY, expect, film_metadata
from plans.flying import fly


def bake(
    furnace: Furnace, sample: SampleRef, recipe: FurnaceRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Anneal a film in a furnace, or by a rapid thermal annealer, and return the run's uid.

    The sample is brought into a cold furnace, which is led along the recipe's temperatures and then cools without power
    until it may be opened; rows hold what was measured, and by that the film's dose goes. Pausing stays at the present
    temperature, and the dose goes on.
    Raises LimitError or InterlockError when furnace or lab do not allow it; nothing is heated then.
    """
    expect("bake", sample, recipe, FurnaceRecipe, furnace, "prepare")
    furnace.check(recipe)
    metadata = {
        **film_metadata("bake", "anneal", {"furnace": furnace.name}, sample, recipe),
        **(md or {}),
    }
    return (yield from fly(furnace, FurnaceJob(sample, recipe), metadata, flush=FLUSH, renew=LEASE_EVERY))
