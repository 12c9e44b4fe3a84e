"""Build the cell on a film that needs no anneal here, and cycle it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.protocols import Readable
from bluesky.utils import MsgGenerator, short_uid

from devices.cycling.programs import Program
from devices.roles.hands import Assemble, Hands
from devices.roles.potentiostat import Potentiostat
from devices.samples import SampleRef
from plans.cycle import cycle
from plans.flying import LOOK_AROUND, finished


def assemble_then_cycle(
    potentiostat: Potentiostat,
    hands: Hands,
    sample: SampleRef,
    program: Program,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Have a cell built on a film as it is, cycle the cell, and return the run's uid.

    For films that no lamp or furnace of this lab is to make. The cell is built by whoever carries samples; the plan
    waits for them. Program and cell are checked first.
    """
    potentiostat.check(program)
    hands.check(Assemble(sample))
    yield from finished((yield from bps.abs_set(hands, Assemble(sample), group=short_uid(label="assemble"))))
    return (
        yield from cycle(
            potentiostat, sample, program, surroundings=surroundings, look_around=look_around, md=md
        )
    )
