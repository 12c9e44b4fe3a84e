"""Go on with an evaporated film that did not come to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.roles.films import EvaporationJob, Evaporator, FilmRecords
from devices.roles.hands import Hands
from devices.samples import SampleRef
from devices.sputter.recipe import EvaporationRecipe
from plans.evaporate import evaporation_metadata
from plans.films import FLUSH, LEASE_EVERY, expect
from plans.finish_deposition import agreed_to_finish, follows, rest_of
from plans.flying import fly


def finish_evaporation(
    evaporator: Evaporator,
    records: FilmRecords,
    hands: Hands,
    sample: SampleRef,
    recipe: EvaporationRecipe,
    run: str,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Evaporate what is left of a film whose run did not come to its end, nothing twice; return the new run's uid.

    As finish_deposition does; the mask must lie where it lay.
    """
    expect("finish_evaporation", sample, recipe, EvaporationRecipe, evaporator, "vent")
    sofar = records.so_far(run, sample, recipe)
    rest = rest_of(sofar, sample, recipe)
    evaporator.check(rest)
    yield from agreed_to_finish(evaporator, hands, sample, recipe, sofar)
    metadata = {
        **evaporation_metadata(evaporator, sample, rest),
        **follows(sofar, "finish_evaporation"),
        **(md or {}),
    }
    return (
        yield from fly(
            evaporator, EvaporationJob(sample, rest, goes_on=True), metadata, flush=FLUSH, renew=LEASE_EVERY
        )
    )
