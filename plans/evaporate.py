"""Evaporate a film from a boat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.roles.films import EvaporationJob, Evaporator
from devices.samples import SampleRef
from devices.sputter.recipe import EvaporationRecipe
from plans.films import FLUSH, LEASE_EVERY, expect, film_metadata, told_with_source
from plans.flying import fly


def evaporate(
    evaporator: Evaporator,
    sample: SampleRef,
    recipe: EvaporationRecipe,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Evaporate a film from a boat, through a mask where the recipe names one, and return the run's uid.

    The sample is brought with the mask on it; the chamber is pumped, the boat heated until the thickness
    monitor sees the recipe's rate held, the shutter opened until the film is done, the boat cooled. Pausing closes the
    shutter at once, resuming goes on with what is left.
    Raises LimitError or InterlockError when machine, lab or crystal do not allow it; nothing is begun then.
    """
    expect("evaporate", sample, recipe, EvaporationRecipe, evaporator, "vent")
    evaporator.check(recipe)
    metadata = {**evaporation_metadata(evaporator, sample, recipe), **(md or {})}
    return (
        yield from fly(evaporator, EvaporationJob(sample, recipe), metadata, flush=FLUSH, renew=LEASE_EVERY)
    )


def evaporation_metadata(
    evaporator: Evaporator, sample: SampleRef, recipe: EvaporationRecipe
) -> dict[str, Any]:
    """Return what the start document of an evaporated film says: the monitor's tooling, too."""
    tooling = evaporator.tooling(recipe)
    return {
        **film_metadata("evaporate", "deposit", {"evaporator": evaporator.name}, sample, recipe),
        "tooling": told_with_source(tooling.value, tooling.sd, tooling.calibration),
    }
