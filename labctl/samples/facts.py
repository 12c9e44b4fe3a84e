"""What people (or the bench's hands) did to samples and said of them: samples/<id>.jsonl."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devices.errors import DataError
from labctl.fact_file import Fact, add_fact, read_facts

SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""As devices.samples.SafeId, which brings pydantic along."""


class Facts:
    """The facts of a data directory's samples."""

    def __init__(self, directory: Path) -> None:
        self.data, self.directory = directory, directory / "samples"

    def add(self, sample_id: str, time: float, fact: str, **details: Any) -> None:
        """Write one fact with its time label [s since the epoch]. Raises DataError as add_fact does."""
        add_fact(self._path(sample_id), time, fact, **details)

    def of(self, sample_id: str) -> Iterator[Fact]:
        """Yield a sample's facts in the order they were written. Raises Corrupt on a line that is none."""
        return read_facts(self._path(sample_id))

    def samples(self) -> list[str]:
        """Return the ids of the samples of which there are facts."""
        found = (path.stem for path in self.directory.glob("*.jsonl"))
        return sorted(each for each in found if SAFE_ID.fullmatch(each))

    def _path(self, sample_id: str) -> Path:
        return self.directory / f"{safe_id(sample_id)}.jsonl"


def safe_id(sample_id: str) -> str:
    """Return a sample's id; DataError when it is none: it becomes part of a path."""
    if SAFE_ID.fullmatch(sample_id) is None:
        raise DataError(
            f"{sample_id[:80]!r} cannot be a sample's id: up to 64 letters, digits, '.', '_' and '-', the first a"
            " letter or digit; other words belong into its label"
        )
    return sample_id
