"""Measure the cells of a sheet through a multiplexer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid

from devices.recipes import to_json
from devices.roles.hands import Assemble, Hands
from devices.roles.multiplexer import Multiplexer, SheetJob
from devices.samples import SampleRef
from devices.sheet.recipe import SheetRecipe
from plans.films import expect
from plans.flying import finished, fly, named_body, sample_metadata

FLUSH = 600.0
"""Seconds between pages: some hundred cells in each."""


def map_sheet(
    multiplexer: Multiplexer,
    hands: Hands,
    sample: SampleRef,
    recipe: SheetRecipe,
    *,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Map voltage and impedance over a sheet, several cells at a time, and return the run's uid.

    The sheet's cell layers are put on first, if they are not there. Where the recipe has a formation pulse, all cells
    are held at its voltage in groups and rest before they are measured. How long it takes stands in the start document
    and is said before anything is connected. A cell that is missing has a row that says so, and the rest goes on.
    Raises LimitError, InterlockError when station or lab do not allow it; nothing is connected then.
    """
    expect("map_sheet", sample, recipe, SheetRecipe, multiplexer, "duration")
    multiplexer.check(sample, recipe)
    hands.check(Assemble(sample))
    yield from finished((yield from bps.abs_set(hands, Assemble(sample), group=short_uid(label="assemble"))))
    metadata = {
        "plan_name": "map_sheet",
        "plan_args": {
            "multiplexer": multiplexer.name,
            "sample": to_json(sample),
            "recipe": to_json(recipe),
        },
        "purpose": "map",
        "sample": sample_metadata(sample),
        "inputs": [],
        "recipe": named_body(recipe.name, recipe),
        "sites": 0 if sample.sheet is None else sample.sheet.count,
        "duration": multiplexer.duration(sample, recipe),
        **(md or {}),
    }
    return (yield from fly(multiplexer, SheetJob(sample, recipe), metadata, flush=FLUSH))
