"""How a lamp is kicked off: armed by a token that is used at once."""

from __future__ import annotations

import bluesky.plan_stubs as bps
from bluesky.utils import MsgGenerator, short_uid
from ophyd.status import StatusBase

from devices.errors import TokenExpired
from devices.roles.lamp import AnnealJob, FlashLamp


def armed_kickoff(lamp: FlashLamp, job: AnnealJob) -> MsgGenerator[StatusBase]:
    """Arm a lamp that was prepared for a job and kick it off at once; return the status of its charging.

    A token that became too old in a pause between the two is replaced by a new one, after all checks once more.
    """
    while True:
        lamp.insert(lamp.arm(job))
        try:
            return (yield from bps.kickoff(lamp, group=short_uid(label="kickoff"), wait=False))
        except TokenExpired:
            continue
