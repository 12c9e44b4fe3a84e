"""Go on with a film that did not come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from bluesky.utils import MsgGenerator

from devices.errors import InterlockError
from devices.recipes import canonical_hash, to_json
from devices.roles.films import Depositing, DepositionJob, FilmRecords, FilmSoFar, SputterSystem
from devices.roles.hands import Confirm, Hands
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from plans.deposit import deposit_metadata
from plans.films import FLUSH, LEASE_EVERY, expect
from plans.finish_train import agreed
from plans.flying import fly

LEAST = 1e-9
"""m of film below which nothing is left to put on."""
LEAST_TIME = 1.0
"""s of open shutter below which nothing is left of a film that ends by time."""


def finish_deposition(
    sputter: SputterSystem,
    records: FilmRecords,
    hands: Hands,
    sample: SampleRef,
    recipe: DepositionRecipe,
    run: str,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Put on what is left of a film whose run did not come to its end, nothing twice; return the new run's uid.

    sample and recipe are those of the film, run the uid of its run. What was put on its journal says; a person is asked
    first, for nobody can say what air or a cold chamber did to the film meanwhile: it is doubtful, and stays so.
    Raises InterlockError when nothing is left, the chamber would not take it, or nobody agrees, DataError for a run of
    another sample or recipe.
    """
    expect("finish_deposition", sample, recipe, DepositionRecipe, sputter, "target_life")
    sofar = records.so_far(run, sample, recipe)
    rest = rest_of(sofar, sample, recipe)
    sputter.check(rest)
    yield from agreed_to_finish(sputter, hands, sample, recipe, sofar)
    metadata = {
        **deposit_metadata(sputter, sample, rest),
        **follows(sofar, "finish_deposition"),
        **(md or {}),
    }
    return (
        yield from fly(
            sputter, DepositionJob(sample, rest, goes_on=True), metadata, flush=FLUSH, renew=LEASE_EVERY
        )
    )


FilmRecipe = TypeVar("FilmRecipe", bound=DepositionRecipe | EvaporationRecipe)


def rest_of(sofar: FilmSoFar, sample: SampleRef, recipe: FilmRecipe) -> FilmRecipe:
    """Return the recipe of what is left: of the time of the open shutter where that ends the film.

    Raises InterlockError when that is nothing.
    """
    duration = getattr(recipe, "duration", None)
    left, least = recipe.thickness - sofar.thickness, LEAST
    if duration is not None:
        left, least = duration - sofar.open_time, LEAST_TIME
    if left < least:
        raise InterlockError("film", f"{recipe.material} on {sample.id} is done; nothing was begun")
    if duration is None:
        return replace(recipe, thickness=left)
    changes = {"thickness": recipe.thickness * left / duration, "duration": left}
    return replace(recipe, **changes)


def agreed_to_finish(
    chamber: Depositing,
    hands: Hands,
    sample: SampleRef,
    recipe: DepositionRecipe | EvaporationRecipe,
    sofar: FilmSoFar,
) -> MsgGenerator[None]:
    """Have a person agree that the rest is put on, and the chamber take note that the first part is known.

    Raises InterlockError or LabError before anybody is asked where the chamber would not take the sample anyway.
    """
    left, known = chamber.unfinished, (canonical_hash(to_json(recipe)), sofar.recipe)
    is_its_own = left is not None and left.sample == sample.id and left.recipe in known
    chamber.require_ready(sample, goes_on=is_its_own)
    yield from agreed(hands, Confirm(sample, chamber.name, question_to_finish(recipe, sofar)))
    if is_its_own:
        chamber.accounted()


def question_to_finish(recipe: DepositionRecipe | EvaporationRecipe, sofar: FilmSoFar) -> str:
    """Return what a person must agree to before the rest of a film is put on."""
    duration = getattr(recipe, "duration", None)
    if duration is None:
        done, asked, unit = sofar.thickness * 1e9, recipe.thickness * 1e9, "nm"
    else:
        done, asked, unit = sofar.open_time, duration, "s"
    doubtful = f" (doubtful: {sofar.doubts})" if sofar.doubts else ""
    return (
        f"{done:.1f} of {asked:.1f} {unit} {recipe.material} were put on before it broke off{doubtful}; put the other"
        f" {asked - done:.1f} {unit} on it"
    )


def follows(sofar: FilmSoFar, plan: str) -> dict[str, Any]:
    """Return what the start document of a run says that goes on with a film."""
    return {
        "continues": sofar.last,
        "offsets": {"thickness": sofar.thickness, "open_time": sofar.open_time},
        "planned_by": plan,
    }
