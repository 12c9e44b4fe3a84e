"""Calibrate how fast films grow, and what the thickness monitor makes of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices.errors import LimitError
from devices.roles.films import FilmCalibration, SputterSystem
from devices.roles.hands import Hands, Measure
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe
from plans.deposit import deposit
from plans.films import expect
from plans.flying import finished


def calibrate_rate(
    sputter: SputterSystem,
    hands: Hands,
    films: FilmCalibration,
    spots: Sequence[SampleRef],
    recipe: DepositionRecipe,
    powers: Sequence[float],
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Put a film on a fresh witness at each of several powers [W], have them measured, fit; return the runs' uids.

    spots: the witnesses, one for each power. recipe: of one gun, whose power is each of these in turn. Each film's step
    is measured with a profilometer, by a person on hardware; the monitor's tooling and the rate over the power are
    fitted and kept with the uids of the runs, and count from the next film on.
    Raises LimitError, InterlockError as deposit does, before the first film; DataError when nothing could be fitted.
    """
    for spot in spots:
        expect("calibrate_rate", spot, recipe, DepositionRecipe, sputter, "target_life")
    if len(recipe.guns) != 1:
        raise LimitError(f"{recipe.name}: guns, one is calibrated at a time", len(recipe.guns), "1", 1, 1)
    if len(spots) != len(powers) or len({spot.id for spot in spots}) != len(spots):
        raise ValueError(f"{len(powers)} powers need as many spots, each with an id of its own")
    steps = [_at(recipe, power) for power in powers]
    for step in steps:
        sputter.check(step)
    common = {
        "experiment": str(uuid.uuid4()),
        "purpose": "calibrate",
        "planned_by": "calibrate_rate",
        **(md or {}),
    }
    uids = []
    for spot, step in zip(spots, steps, strict=True):
        uids.append((yield from deposit(sputter, spot, step, md=common)))
        yield from finished(
            (yield from bps.abs_set(hands, Measure(spot, recipe.material), group=short_uid(label="measure")))
        )
    films.fit(sputter.name, tuple(uids))
    return tuple(uids)


def _at(recipe: DepositionRecipe, power: float) -> DepositionRecipe:
    """Return a recipe of one gun at another power [W]."""
    gun = replace(recipe.guns[0], power=float(power), power_density=None)
    return replace(recipe, name=f"{recipe.name}-{power:.0f}W", guns=(gun,))
