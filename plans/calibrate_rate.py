"""Calibrate how fast films grow, and what the thickness monitor makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bluesky.utils import MsgGenerator

from devices.errors import LimitError
from devices.roles.films import FilmCalibration, SputterSystem
from devices.roles.hands import Hands
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe
from plans.deposit import deposit
from plans.films import expect
from plans.witnesses import grown_and_measured


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
    fitted and kept with the uids of the runs, and count from the next film on. They hold under the recipe's own
    pressure, gas, bias and temperature of the substrate: films with a bias are calibrated by a recipe that has it.
    Raises LimitError, InterlockError as deposit does, before the first film; DataError when nothing could be fitted.
    """
    for spot in spots:
        expect("calibrate_rate", spot, recipe, DepositionRecipe, sputter, "target_life")
    if len(recipe.guns) != 1:
        raise LimitError(f"{recipe.name}: guns, one is calibrated at a time", len(recipe.guns), "1", 1, 1)
    if len(spots) != len(powers) or len({spot.id for spot in spots}) != len(spots):
        raise ValueError(f"{len(powers)} powers need as many spots, each with an id of its own")
    steps = [at_power(recipe, power) for power in powers]
    for step in steps:
        sputter.check(step)
    witnesses = [
        (spot, partial(deposit, sputter, spot, step)) for spot, step in zip(spots, steps, strict=True)
    ]
    return (
        yield from grown_and_measured(
            "calibrate_rate", sputter.name, hands, films, recipe.material, witnesses, md
        )
    )


def at_power(recipe: DepositionRecipe, power: float) -> DepositionRecipe:
    """Return a recipe of one gun at another power [W]."""
    gun = replace(recipe.guns[0], power=float(power), power_density=None)
    return replace(recipe, name=f"{recipe.name}-{power:.0f}W", guns=(gun,))
