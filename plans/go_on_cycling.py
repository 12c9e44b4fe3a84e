"""Go on with a program that was broken off and that nothing runs any more."""

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


def go_on_cycling(
    potentiostat: Potentiostat,
    sample: SampleRef,
    program: Program,
    run: str,
    *,
    surroundings: Sequence[Readable[Any]] = (),
    look_around: float = LOOK_AROUND,
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Run what is left of a program from the step and cycle where it was broken off; return the new run's uid.

    For a power failure, a cell that was opened because the host was lost, twins that ended with their session: what
    the instrument still runs or keeps is for take_over. run: the uid of the run that it began as; the new one
    `continues` it, and its numbers go on where that one's `offsets` say. The step that was under way is gone on with: a
    time, charge or energy with what is left of it, a ramp from where it was, a voltage or a current again, a spectrum
    from its first frequency. The cell is brought, its contact and its voltage looked at first.
    Raises InterlockError when it came to its end or ended by a fault, when it still runs, when its rows and the
    station's last word contradict, or when the cell's voltage is another cell's.
    """
    job = potentiostat.broken_off(sample, program, run)
    metadata = {
        **cycle_metadata("go_on_cycling", potentiostat, sample, program, surroundings, look_around, run=run),
        "continues": run,
        "offsets": dict(job.offsets),
        **(md or {}),
    }
    return (
        yield from fly(
            potentiostat, job, metadata, flush=FLUSH, surroundings=surroundings, look_around=look_around
        )
    )
