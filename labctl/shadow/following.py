"""A shadow led by documents: as the engine emits them, or as a journal kept them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from devices.cycling.columns import CycleFlag
from labctl.shadow.watch import Measured, Shadow

INVALID = int(CycleFlag.VOLTAGE_INVALID | CycleFlag.CURRENT_INVALID)


def rows_of(doc: Mapping[str, Any]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield time label and row of an event or an event page."""
    data = doc["data"]
    if not isinstance(doc["time"], list):
        yield doc["time"], data
        return
    columns = list(data.values())
    for label, *values in zip(doc["time"], *columns, strict=True):
        yield label, dict(zip(data, values, strict=True))


def follow(shadow: Shadow, stream: str, doc: Mapping[str, Any]) -> None:
    """Lead a shadow by an event or a page of a stream in FOLLOWED; rows whose reading failed are left out."""
    for label, row in rows_of(doc):
        if stream == "steps":
            shadow.step(label, row)
        elif not row["flags"] & INVALID and math.isfinite(row["voltage"]) and math.isfinite(row["charge"]):
            shadow.row(
                Measured(
                    label,
                    row["test_time"],
                    row["voltage"],
                    row["current"],
                    row["charge"],
                    row["energy"],
                    row["step_count"],
                    row["cycle"],
                )
            )
