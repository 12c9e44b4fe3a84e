"""Nanoseconds since boot: what durations are measured by, whatever the wall's clock is set to."""

from __future__ import annotations

import time

NANO = 1_000_000_000


def boot_ns() -> int:
    """Return nanoseconds since boot, suspended time included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
