"""Cycle a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bluesky.protocols import Readable
from bluesky.utils import MsgGenerator

from devices.cycling.cells import CellSize
from devices.cycling.programs import Program
from devices.recipes import to_json
from devices.roles.potentiostat import CycleJob, Potentiostat
from devices.samples import SampleRef
from plans.flying import LOOK_AROUND, ambient_of, fly, named_body, sample_metadata

FLUSH = 60.0
"""Seconds between pages, which is how late whoever looks on sees a row; nothing is lost by it, since every row is in
the device's own spool as soon as it is read."""


def cycle(
    potentiostat: Potentiostat,
    sample: SampleRef,
    program: Program,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Run a cycling program on a cell and return the run's uid.

    The cell is wired, the program is uploaded and runs on the instrument, inside limits the instrument itself
    keeps. Pausing the plan does not pause the cell: rows are collected on resume. Stopping does what the
    program's `on_host_loss` says. surroundings are read every `look_around` [s] into a stream of their own; what
    of it is labelled "ambient" is named in the start document, and stands for the rows' ambient temperature.
    Raises LimitError or ProgramError when channel or program do not allow it; nothing is started then.
    """
    metadata = cycle_metadata("cycle", potentiostat, sample, program, surroundings, look_around)
    return (
        yield from fly(
            potentiostat,
            CycleJob(sample, program),
            {**metadata, **(md or {})},
            flush=FLUSH,
            surroundings=surroundings,
            look_around=look_around,
        )
    )


def cycle_metadata(
    plan_name: str,
    potentiostat: Potentiostat,
    sample: SampleRef,
    program: Program,
    surroundings: Sequence[Readable[Any]],
    look_around: float,
    **arguments: Any,
) -> dict[str, Any]:
    """Return what the start document of a cycling run says, whichever plan it is of; arguments: the plan's others."""
    return {
        "plan_name": plan_name,
        "plan_args": {
            "potentiostat": potentiostat.name,
            "sample": to_json(sample),
            "program": to_json(program),
            **arguments,
        },
        "purpose": "cycle",
        "sample": sample_metadata(sample),
        "inputs": [],
        "program": named_body(program.name, program),
        "capacity": (program.rates_on or CellSize.of(sample)).described(),
        "channel": potentiostat.channel,
        "ambient": ambient_of(surroundings),
        "look_around": look_around,
    }
