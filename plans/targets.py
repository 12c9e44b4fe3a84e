"""Targets that burn behind the closed shutter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.recipes import to_json
from devices.roles.films import ConditioningJob, SputterSystem
from devices.sputter.recipe import DepositionRecipe
from plans.films import FLUSH, LEASE_EVERY
from plans.flying import fly, named_body


def pre_sputter(
    sputter: SputterSystem, recipe: DepositionRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Have a recipe's targets burn behind the closed shutter for its pre-sputtering time; return the run's uid."""
    return (yield from _burnt("pre_sputter", sputter, ConditioningJob(recipe), md))


def condition_target(
    sputter: SputterSystem, recipe: DepositionRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Have a recipe's targets burn behind the closed shutter until arcs and bias have settled; return the run's uid.

    For a new target, or one that was in air. It takes the recipe's pre-sputtering at least, and ends with an
    InterlockError where a target does not come to rest.
    """
    return (yield from _burnt("condition_target", sputter, ConditioningJob(recipe, until_calm=True), md))


def _burnt(
    plan: str, sputter: SputterSystem, job: ConditioningJob, md: Mapping[str, Any] | None
) -> MsgGenerator[str]:
    recipe = job.recipe
    sputter.check(recipe)
    metadata = {
        "plan_name": plan,
        "plan_args": {"sputter": sputter.name, "recipe": to_json(recipe)},
        "purpose": "condition",
        "recipe": named_body(recipe.name, recipe),
        "wear": dict(sputter.wear()),
        **(md or {}),
    }
    return (yield from fly(sputter, job, metadata, flush=FLUSH, renew=LEASE_EVERY))
