"""Flash-anneal a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bluesky.utils import MsgGenerator

from devices.recipes import AnnealRecipe, to_json
from devices.roles.lamp import AnnealJob, FlashLamp
from devices.samples import SampleRef
from plans.arguments import expect_anneal
from plans.arming import armed_kickoff
from plans.flying import fly, named_body, sample_metadata

FLUSH = 5.0
"""Seconds between pages; a third of the lamp's lease."""


def anneal(
    lamp: FlashLamp, sample: SampleRef, recipe: AnnealRecipe, *, md: Mapping[str, Any] | None = None
) -> MsgGenerator[str]:
    """Flash a film with a train of equal pulses and return the run's uid.

    The sample is brought to the lamp, the bank is charged, each pulse is triggered once and recorded. Pausing
    holds the train between pulses; resuming goes on with the next one; stopping ends it with the lamp safe.
    Raises LimitError when the lab's limits forbid the recipe, InterlockError when the prediction does; nothing is
    charged then.
    """
    expect_anneal("anneal", lamp, sample, recipe)
    job = AnnealJob(sample, recipe)
    lamp.check(recipe)
    prediction = lamp.predict(job)
    metadata = {
        "plan_name": "anneal",
        "plan_args": {"lamp": lamp.name, "sample": to_json(sample), "recipe": to_json(recipe)},
        "purpose": "anneal",
        "sample": sample_metadata(sample),
        "inputs": [],
        "recipe": named_body(recipe.name, recipe),
        **(md or {}),
    }
    if prediction is not None:
        metadata["prediction"] = {
            "model": prediction.model,
            "parameters_hash": prediction.parameters_hash,
            "values": dict(prediction.values),
        }
    return (yield from fly(lamp, job, metadata, flush=FLUSH, begin=lambda: armed_kickoff(lamp, job)))
