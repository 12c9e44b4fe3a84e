"""The first experiment: flash a film, build a cell on it, cycle the cell."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.protocols import Readable
from bluesky.utils import MsgGenerator, short_uid

from devices.cycling.programs import Program
from devices.recipes import AnnealRecipe
from devices.roles.hands import Assemble, Hands
from devices.roles.lamp import FlashLamp
from devices.roles.potentiostat import Potentiostat
from devices.samples import SampleRef
from plans.anneal import anneal
from plans.arguments import expect_anneal
from plans.cycle import cycle
from plans.flying import LOOK_AROUND, finished


def anneal_then_cycle(
    lamp: FlashLamp,
    potentiostat: Potentiostat,
    hands: Hands,
    sample: SampleRef,
    recipe: AnnealRecipe,
    program: Program,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[tuple[str, str]]:
    """Anneal a film, have a cell built on it, cycle the cell; return the uids of the two runs.

    Both runs carry one `experiment` uid, and the cycling run names the anneal among its `inputs`. The cell is
    built and carried by whoever carries samples in this lab; the plan waits for them. Recipe, program and cell are
    checked before the first pulse: a flash cannot be taken back.
    """
    expect_anneal("anneal_then_cycle", lamp, sample, recipe)
    lamp.check(recipe)
    potentiostat.check(program)
    hands.check(Assemble(sample))
    common: dict[str, Any] = {"experiment": str(uuid.uuid4()), **(md or {})}
    annealed = yield from anneal(lamp, sample, recipe, md=common)
    yield from bps.unstage(lamp)  # the next film may come while this cell cycles
    yield from finished((yield from bps.abs_set(hands, Assemble(sample), group=short_uid(label="assemble"))))
    inputs = [*common.get("inputs", ()), annealed]
    cycled = yield from cycle(
        potentiostat,
        sample,
        program,
        surroundings=surroundings,
        look_around=look_around,
        md={**common, "inputs": inputs},
    )
    return annealed, cycled
