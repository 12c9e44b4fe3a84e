"""Go on with a program that an earlier session left running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bluesky.protocols import Readable
from bluesky.utils import MsgGenerator

from devices.cycling.programs import Program
from devices.roles.potentiostat import Potentiostat
from devices.samples import SampleRef
from plans.cycle import FLUSH, cycle_metadata
from plans.flying import LOOK_AROUND, fly


def take_over(
    potentiostat: Potentiostat,
    sample: SampleRef,
    program: Program,
    run: str,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Collect what a program does whose host died or was closed, up to its end, and return the new run's uid.

    run: the uid of the run that it began as; the new one `continues` it, and its numbers go on where that one's
    `offsets` say. Nothing is uploaded and the cell is not touched; a program of several parts goes on with its course.
    Raises InterlockError when the channel has nothing left of this program on this cell.
    """
    job = potentiostat.left_over(sample, program)
    metadata = {
        **cycle_metadata("take_over", potentiostat, sample, program, surroundings, look_around, run=run),
        "continues": run,
        "offsets": dict(job.offsets),
        **(md or {}),
    }
    return (
        yield from fly(
            potentiostat, job, metadata, flush=FLUSH, surroundings=surroundings, look_around=look_around
        )
    )
