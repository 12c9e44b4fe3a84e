"""What the runs of a cell say of its voltage at rest."""

from __future__ import annotations

from pathlib import Path

from devices.samples import SampleRef
from labctl.runs.run import Run
from labctl.runs.search import Search, search

RESTED = frozenset({"duration", "voltage_rate_below"})
"""How a rest ends after which nothing drove the cell: an instrument left running may have."""

LONG_REST = 600.0
"""Seconds after which a rest voltage is kept as the cell's own; guess: a LiPON cell moves below 1 mV/min then."""


class JournalCells:
    """Reads rest voltages from the journals in a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def rest_voltage(self, sample: SampleRef) -> float | None:
        """Return the voltage [V] after the last long rest; None when it was driven since, or never seen."""
        cycled = search(self._data, Search(sample=sample.id, plan="cycle", limit=1))
        latest = Run(cycled[-1].path) if cycled else None
        if latest is None or "steps" not in latest.streams:
            return None
        steps = latest.table("steps")
        if not len(steps["technique"]) or steps["technique"][-1] != "open_circuit":
            return None
        if steps["end_reason"][-1] not in RESTED:
            return None
        lasted = float(steps["t_end"][-1] - steps["t_start"][-1])
        return float(steps["v_end"][-1]) if lasted >= LONG_REST else None
