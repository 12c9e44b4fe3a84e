"""The wall's time as a label, for what people enter by hand; nothing is timed by it."""

from __future__ import annotations

import time


def wall_label() -> float:
    """Return the time label of now [s since the epoch]."""
    return time.time()


class WallLabels:
    """What tells labels to whoever needs nothing else of a clock."""

    def time(self) -> float:
        """Return the time label of now [s since the epoch]."""
        return wall_label()
