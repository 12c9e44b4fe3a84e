"""Clocks: does somebody keep this machine's right, was it set back, did it sleep."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from pathlib import Path

from labctl.clock.label import wall_label
from labctl.doctor.findings import Finding, note, ok, trouble

UNSYNCHRONISED = 0x40
"""STA_UNSYNC of the kernel's clock [adjtimex(2)]."""
SET_BACK = 60.0
"""Seconds by which a file may be newer than now before the clock counts as set back; guess."""
SLEPT = 1.0
"""Seconds of suspended time that are told."""


class _Timex(ctypes.Structure):
    """The head of struct timex [adjtimex(2)]; only `modes` and `status` are used, and nothing is set."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("largest_error", ctypes.c_long),
        ("error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def clocks(data: Path) -> Iterator[Finding]:
    """Yield what is found of the machine's clocks."""
    status = _kernel_status()
    if status is None:
        yield note("clock", "the kernel does not say whether the clock is synchronised")
    elif status & UNSYNCHRONISED:
        yield note(
            "clock",
            "nobody keeps it right (NTP): time labels of runs may be off; durations are not",
            "sudo apt-get install systemd-timesyncd && sudo timedatectl set-ntp true",
        )
    else:
        yield ok("clock", "synchronised")
    newest = max((path.stat().st_mtime for path in _written(data)), default=0.0)
    if newest > wall_label() + SET_BACK:
        yield trouble(
            "clock",
            f"it was set back: what lies in {data} is {newest - wall_label():.0f} s newer than now",
            "set the clock (timedatectl), or wait until it has caught up, before you run anything",
        )
    slept = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if slept > SLEPT:
        yield note(
            "clock",
            f"this machine slept for {slept:.0f} s since it was started; asleep it watches nothing",
            "sudo systemctl mask sleep.target suspend.target hibernate.target",
        )


def _written(data: Path) -> list[Path]:
    return [path for folder in ("state", "logs") for path in (data / folder).glob("*") if path.is_file()]


def _kernel_status() -> int | None:
    told = _Timex()
    try:
        failed = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told)) < 0
    except (AttributeError, OSError):
        return None
    return None if failed else int(told.status)
