"""What calibrations fitted, kept with the runs it came from: one line of JSON each."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from devices.recipes import canonical_hash
from labctl.runs.run import Run

ID_DIGITS = 12


@dataclass(frozen=True)
class Fit:
    """What a calibration fitted: JSON values, and tuples of them."""

    @property
    def id(self) -> str:
        """What names it in bench files and start documents."""
        return canonical_hash(json.loads(json.dumps(asdict(self))))[:ID_DIGITS]


Kind = TypeVar("Kind", bound=Fit)


class KeptFits(Generic[Kind]):
    """Fits a device to runs and keeps the fits, in calibrations/<device>.jsonl of the data folder."""

    def __init__(self, data: Path, kind: type[Kind], fitted: Callable[[Sequence[Run]], Kind]) -> None:
        self._data, self._kind, self._fitted = data, kind, fitted

    def fit(self, device: str, uids: Sequence[str]) -> Kind:
        """Fit a device to some runs and keep the fit. Raises DataError as its fit does."""
        found = self._fitted([Run(uid, self._data) for uid in uids])
        path = self.path(device)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
        return found

    def path(self, device: str) -> Path:
        """Return where the fits of a device are kept."""
        return self._data / "calibrations" / f"{device}.jsonl"

    def fits(self, device: str) -> tuple[Kind, ...]:
        """Return the fits of a device, oldest first."""
        path = self.path(device)
        if not path.exists():
            return ()
        read = TypeAdapter(self._kind)
        return tuple(read.validate_json(line) for line in path.read_text().splitlines())
