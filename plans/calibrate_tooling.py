"""Calibrate what an evaporator's thickness monitor makes of its films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from bluesky.utils import MsgGenerator

from devices.roles.films import Evaporator, FilmCalibration
from devices.roles.hands import Hands
from devices.samples import SampleRef
from devices.sputter.recipe import EvaporationRecipe
from plans.chamber import vent
from plans.evaporate import evaporate
from plans.films import expect
from plans.witnesses import grown_and_measured


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
    witnesses = [(spot, partial(_evaporated, evaporator, spot, recipe)) for spot in spots]
    return (
        yield from grown_and_measured(
            "calibrate_tooling", evaporator.name, hands, films, recipe.material, witnesses, md
        )
    )


def _evaporated(
    evaporator: Evaporator, spot: SampleRef, recipe: EvaporationRecipe, *, md: Mapping[str, Any]
) -> MsgGenerator[str]:
    """Evaporate a film on a witness that comes in and out by itself."""
    yield from _opened(evaporator, md)
    uid = yield from evaporate(evaporator, spot, recipe, md=md)
    yield from _opened(evaporator, md)
    return uid


def _opened(evaporator: Evaporator, md: Mapping[str, Any]) -> MsgGenerator[None]:
    """Vent the chamber where samples cannot come in or out otherwise."""
    if not (evaporator.load_lock or evaporator.is_vented()):
        yield from vent(evaporator, md={**md, "purpose": "service"})
