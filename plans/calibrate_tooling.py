"""Calibrate what an evaporator's thickness monitor makes of its films."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices.roles.films import Evaporator, FilmCalibration
from devices.roles.hands import Hands, Measure
from devices.samples import SampleRef
from devices.sputter.recipe import EvaporationRecipe
from plans.chamber import vent
from plans.evaporate import evaporate
from plans.films import expect
from plans.flying import finished


def calibrate_tooling(
    evaporator: Evaporator,
    hands: Hands,
    films: FilmCalibration,
    spots: Sequence[SampleRef],
    recipe: EvaporationRecipe,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Evaporate a film on each of several fresh witnesses, have them measured, fit; return the films' runs' uids.

    Each film's step is measured with a profilometer, by a person on hardware; the monitor's tooling is the mean over
    them, is kept with the uids of the runs, and counts from the next film on. A chamber without a load lock is vented
    before and after each.
    Raises LimitError, InterlockError as evaporate does, before the first film; DataError when nothing could be fitted.
    """
    for spot in spots:
        expect("calibrate_tooling", spot, recipe, EvaporationRecipe, evaporator, "vent")
    if not spots or len({spot.id for spot in spots}) != len(spots):
        raise ValueError("one spot is needed at least, each with an id of its own")
    evaporator.check(recipe)
    common = {
        "experiment": str(uuid.uuid4()),
        "purpose": "calibrate",
        "planned_by": "calibrate_tooling",
        **(md or {}),
    }
    uids = []
    for spot in spots:
        yield from _opened(evaporator, common)
        uids.append((yield from evaporate(evaporator, spot, recipe, md=common)))
        yield from _opened(evaporator, common)
        yield from finished(
            (yield from bps.abs_set(hands, Measure(spot, recipe.material), group=short_uid(label="measure")))
        )
    films.fit(evaporator.name, tuple(uids))
    return tuple(uids)


def _opened(evaporator: Evaporator, common: Mapping[str, Any]) -> MsgGenerator[None]:
    """Vent the chamber where samples cannot come in or out otherwise."""
    if not (evaporator.load_lock or evaporator.is_vented()):
        yield from vent(evaporator, md={**common, "purpose": "service"})
