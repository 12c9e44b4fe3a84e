"""Trains of flashes beyond a plain anneal: one pulse, a ladder of fluences, as many pulses as a film needs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bluesky.utils import MsgGenerator

from devices.errors import InterlockError
from devices.recipes import AnnealRecipe
from devices.roles.lamp import AnnealJob, FlashLamp
from devices.samples import SampleRef
from plans.anneal import anneal
from plans.arguments import expect_anneal


def single_pulse(
    lamp: FlashLamp, sample: SampleRef, recipe: AnnealRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Flash a film once, by a recipe whose number of pulses does not matter; return the run's uid."""
    expect_anneal("single_pulse", lamp, sample, recipe)
    said = {"planned_by": "single_pulse", **(md or {})}
    return (yield from anneal(lamp, sample, replace(recipe, pulse_count=1), md=said))


def fluence_ladder(
    lamp: FlashLamp,
    spots: Sequence[SampleRef],
    recipe: AnnealRecipe,
    voltages: Sequence[float],
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, ...]]:
    """Anneal one fresh spot at each bank voltage [V] by a recipe that is otherwise the same; return the runs' uids.

    Each spot is a sample of its own, since each has a past of its own; a spot that is named twice is refused. All
    rungs are checked and predicted before the first pulse. The runs share one `experiment` uid.
    Raises LimitError, InterlockError as anneal does; ValueError unless there is one spot for each voltage.
    """
    for spot in spots:
        expect_anneal("fluence_ladder", lamp, spot, recipe)
    if len(spots) != len(voltages) or len({spot.id for spot in spots}) != len(spots):
        raise ValueError(f"{len(voltages)} voltages need as many spots, each with an id of its own")
    rungs = [
        (spot, replace(recipe, name=f"{recipe.name}-{voltage:.0f}V", voltage=float(voltage)))
        for spot, voltage in zip(spots, voltages, strict=True)
    ]
    for spot, rung in rungs:
        lamp.check(rung)
        lamp.predict(AnnealJob(spot, rung))
    common = {"experiment": str(uuid.uuid4()), "planned_by": "fluence_ladder", **(md or {})}
    uids = []
    for number, (spot, rung) in enumerate(rungs, start=1):
        uids.append((yield from anneal(lamp, spot, rung, md={**common, "rung": number})))
    return tuple(uids)


def anneal_until(
    lamp: FlashLamp,
    sample: SampleRef,
    recipe: AnnealRecipe,
    crystalline: float,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Anneal until a crystalline share [1] of the film is predicted, with the fewest pulses; return the run's uid.

    The recipe's number of pulses is the most. The pulses that the film already had count.
    Raises InterlockError when nothing predicts, or when the recipe's pulses are not enough.
    """
    expect_anneal("anneal_until", lamp, sample, recipe)
    count = fewest_pulses(lamp, sample, recipe, crystalline)
    said = {"planned_by": "anneal_until", "crystalline_asked": crystalline, **(md or {})}
    return (yield from anneal(lamp, sample, replace(recipe, pulse_count=count), md=said))


def fewest_pulses(lamp: FlashLamp, sample: SampleRef, recipe: AnnealRecipe, crystalline: float) -> int:
    """Return with how few pulses of a recipe a crystalline share [1] is predicted; more pulses never give less.

    Raises InterlockError when the recipe's own number is not enough, or nothing predicts.
    """

    def predicted(count: int) -> float:
        prediction = lamp.predict(AnnealJob(sample, replace(recipe, pulse_count=count)))
        if prediction is None:
            raise InterlockError(
                "prediction", "nothing predicts how many pulses are enough; nothing was charged"
            )
        return float(prediction.values["crystalline_mean"])

    low, high = 0, recipe.pulse_count
    if (most := predicted(high)) < crystalline:
        raise InterlockError(
            "prediction",
            f"{high} pulses make {most:.1%} of {sample.id} crystalline, {crystalline:.1%} are asked; nothing was"
            " charged",
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if predicted(middle) >= crystalline else (middle, high)
    return high
