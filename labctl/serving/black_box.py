"""The black box: what truly happened in the served world, whatever any client thinks of it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.bench import TwinStation


class BlackBox:
    """A file of JSON lines: time [s] of the bench, station, part, event, text. Whole lines, appended at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, time: float, station: str, part: str, event: str, text: str = "") -> None:
        """Append one line."""
        self._append([{"time": time, "station": station, "part": part, "event": event, "text": text}])

    def collect(self, name: str, station: TwinStation) -> None:
        """Append what a station's twins have logged since the last time, in order of time; their logs end empty."""
        lines = [
            {"time": time, "station": name, "part": part, "event": event, "text": text}
            for part, twin in station.parts.items()
            for time, event, text in twin.log
        ]
        for twin in station.parts.values():
            twin.log.clear()
        self._append(sorted(lines, key=lambda line: line["time"]))

    def close(self) -> None:
        """Sync the file and close it."""
        os.fsync(self._file)
        os.close(self._file)

    def _append(self, lines: list[Mapping[str, Any]]) -> None:
        if lines:
            os.write(self._file, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
