"""What to type when a bench is to be made safe that another process holds."""

from __future__ import annotations

import re
from pathlib import Path

from devices.errors import OwnershipError
from labctl.night.folder import nights
from labctl.night.heart import HEARTBEAT, last_beat

_PID = re.compile(r"pid (\d+)")


def how_to_end(error: OwnershipError, data: Path) -> str:
    """Return what ends the session that holds something, in good order; nothing where it does not tell its process.

    A session that is ended brings its devices to their safe state itself. A night's process would be started again
    by its supervisor: a night is stopped by an order.
    """
    found = _PID.search(error.holder)
    if found is None:
        return ""
    pid = int(found[1])
    what = f"kill -TERM {pid}"
    for folder in nights(data):
        beat = last_beat(folder / HEARTBEAT)
        if beat is not None and beat.owner.lives and beat.owner.pid == pid:
            what = f"labctl order stop --night {folder.name}"
    return (
        f"`{what}` ends what runs there in good order and makes it safe, a lamp first; a cell whose program says so"
        " goes on on its instrument. Then type `labctl safe` again"
    )
