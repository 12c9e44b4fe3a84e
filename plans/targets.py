"""Targets that burn behind the closed shutter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.recipes import to_json
from devices.roles.films import ConditioningJob, SputterSystem
from devices.sputter.recipe import DepositionRecipe
from plans.films import FLUSH, LEASE_EVERY
from plans.flying import fly, named_body, sample_metadata


def pre_sputter(
    sputter: SputterSystem, recipe: DepositionRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Have a recipe's targets burn behind the closed shutter for its pre-sputtering time; return the run's uid.

    A sample may stay in the chamber, as with condition_target.
    """
    return (yield from _burnt("pre_sputter", sputter, recipe, md, until_calm=False))


def condition_target(
    sputter: SputterSystem, recipe: DepositionRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Have a recipe's targets burn behind the closed shutter until arcs and bias have settled; return the run's uid.

    For a new target, or one that was in air. It takes the recipe's pre-sputtering at least, and ends with an
    InterlockError where a target does not come to rest. A sample may stay in the chamber: the run is of it, and if its
    shutter does not stay closed it is doubtful; where no end switches see that shutter, a person is asked first.
    """
    return (yield from _burnt("condition_target", sputter, recipe, md, until_calm=True))


def _burnt(
    plan: str,
    sputter: SputterSystem,
    recipe: DepositionRecipe,
    md: Mapping[str, Any] | None,
    *,
    until_calm: bool,
) -> MsgGenerator[str]:
    sputter.check(recipe, film=False)
    inside = sputter.inside()
    job = ConditioningJob(recipe, until_calm, inside)
    metadata = {
        **({} if inside is None else {"sample": sample_metadata(inside)}),
        "plan_name": plan,
        "plan_args": {"sputter": sputter.name, "recipe": to_json(recipe)},
        "purpose": "condition",
        "recipe": named_body(recipe.name, recipe),
        "wear": dict(sputter.wear()),
        **(md or {}),
    }
    return (yield from fly(sputter, job, metadata, flush=FLUSH, renew=LEASE_EVERY))
