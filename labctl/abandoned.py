"""Devices whose owner died: made safe by a process of its own, so that whatever hangs there hangs nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAKING_SAFE = 120.0
"""Seconds that bringing a device to its safe state may take before it is tried anew; guess."""


def begin_making_safe(
    bench: str, devices: Iterable[str], data: Path, config: str, **streams: Any
) -> subprocess.Popen[bytes]:
    """Start `labctl safe` for devices of one bench, given by name or file, and return its process.

    One process for all of them, since one at a time has a bench; streams as subprocess.Popen takes them.
    """
    only = [word for device in devices for word in ("--only", device)]
    where = ["--data", str(data), "--config", config]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "labctl", "safe", "--bench", bench, *only, *where],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **streams,
    )
