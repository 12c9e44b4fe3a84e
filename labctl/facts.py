"""What people (or the bench's hands) did to samples: one line of JSON each, samples/<id>.jsonl."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devices.errors import Corrupt


class Facts:
    """The facts of a data directory's samples, appended and synced one by one."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "samples"

    def add(self, sample_id: str, time: float, fact: str, **details: Any) -> None:
        """Write one fact with its time label [s since the epoch]."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._path(sample_id).open("a") as file:
            file.write(json.dumps({"time": time, "fact": fact, **details}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def of(self, sample_id: str) -> Iterator[dict[str, Any]]:
        """Yield a sample's facts in the order they were written. Raises Corrupt on a line that is none."""
        path = self._path(sample_id)
        if not path.exists():
            return
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise Corrupt(f"{path}:{number} is not a fact; mend or remove the line") from error

    def _path(self, sample_id: str) -> Path:
        return self._directory / f"{sample_id}.jsonl"
