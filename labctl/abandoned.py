"""Devices whose owner died: made safe by a process of its own, so that whatever hangs there hangs nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from labctl.state import Said

MAKING_SAFE = 120.0
"""Seconds that bringing a device to its safe state may take before it is tried anew; guess."""


def begin_making_safe(said: Said, data: Path, config: str, **streams: Any) -> subprocess.Popen[bytes]:
    """Start `labctl safe` for one device and return its process; streams as subprocess.Popen takes them."""
    where = ["--data", str(data), "--config", config]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "labctl", "safe", "--bench", said.bench, "--only", said.device, *where],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        **streams,
    )
