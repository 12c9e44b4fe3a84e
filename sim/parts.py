"""One part of a twin station, as the bench file describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TwinPart:
    """One part as the bench file describes it: its stem, and its driver's parameters in SI."""

    stem: str
    parameters: Mapping[str, Any]

    def taken(self, *names: str) -> dict[str, Any]:
        """Return those parameters that describe the instrument itself, not how it is used."""
        return {name: self.parameters[name] for name in names if name in self.parameters}
