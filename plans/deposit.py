"""Sputter a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.roles.films import DepositionJob, SputterSystem
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe
from plans.films import FLUSH, LEASE_EVERY, expect, film_metadata, told_with_source
from plans.flying import fly


def deposit(
    sputter: SputterSystem,
    sample: SampleRef,
    recipe: DepositionRecipe,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Sputter a film from one gun, or co-sputter it from several, and return the run's uid.

    The sample is brought, the chamber pumped to the recipe's base pressure, gases regulated, plasma lit, power ramped,
    targets pre-sputtered behind the shutter; the shutter opens until the film is as thick as asked, by monitor, by
    time or by its believed rate. Then all goes back. Pausing closes the shutter at once, resuming goes on with what
    is left, nothing is put on twice; stopping ends it with shutters closed, power off, gas closed.
    Raises LimitError or InterlockError when machine, lab, target or crystal do not allow it; nothing is begun then.
    """
    expect("deposit", sample, recipe, DepositionRecipe, sputter, "target_life")
    sputter.check(recipe)
    metadata = {**deposit_metadata(sputter, sample, recipe), **(md or {})}
    return (yield from fly(sputter, DepositionJob(sample, recipe), metadata, flush=FLUSH, renew=LEASE_EVERY))


def deposit_metadata(sputter: SputterSystem, sample: SampleRef, recipe: DepositionRecipe) -> dict[str, Any]:
    """Return what the start document of a sputtered film says: targets' wear and the believed rate, too."""
    rate, tooling = sputter.film_rate(recipe), sputter.tooling(recipe)
    return {
        **film_metadata("deposit", "deposit", {"sputter": sputter.name}, sample, recipe),
        "film_rate": None if rate is None else told_with_source(rate.rate, rate.sd, rate.calibration),
        "tooling": None
        if tooling is None
        else told_with_source(tooling.value, tooling.sd, tooling.calibration),
        "wear": dict(sputter.wear()),
    }
