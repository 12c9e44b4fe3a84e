"""What the runs of a cell say of its voltage at rest, and of a program that was broken off."""

from __future__ import annotations

from pathlib import Path

from devices.roles.potentiostat import Cycled
from devices.samples import SampleRef
from labctl.runs.run import Run
from labctl.runs.search import Search, search

RESTED = frozenset({"duration", "voltage_rate_below"})
"""How a rest ends after which nothing drove the cell: an instrument left running may have."""

LONG_REST = 600.0
"""Seconds after which a rest voltage is kept as the cell's own; guess: a LiPON cell moves below 1 mV/min then."""


class JournalCells:
    """Reads what cells did from the journals in a data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def rest_voltage(self, sample: SampleRef) -> float | None:
        """Return the voltage [V] after the last long rest; None when it was driven since, or never seen."""
        cycled = search(self._data, Search(sample=sample.id, plan="cycle", limit=1))
        latest = Run(cycled[-1].uid, self._data) if cycled else None
        if latest is None or "steps" not in latest.streams:
            return None
        steps = latest.table("steps")
        if not len(steps["technique"]) or steps["technique"][-1] != "open_circuit":
            return None
        if steps["end_reason"][-1] not in RESTED:
            return None
        if "primary" in latest.streams:
            begun = latest.table("primary", ["step_count"])["step_count"]
            if len(begun) and begun[-1] > steps["step_count"][-1]:
                return None
        lasted = float(steps["t_end"][-1] - steps["t_start"][-1])
        return float(steps["v_end"][-1]) if lasted >= LONG_REST else None

    def cycled(self, run: str) -> Cycled:
        """Return what the journals have of the program that a run began, and of those that went on with it."""
        chain = Run(run, self._data)
        program = chain.start.get("program") or {}
        rows, points, steps = (
            chain.recorded(stream) if stream in chain.streams else {}
            for stream in ("primary", "impedance", "steps")
        )
        began = float(chain.start["time"])
        if len(rows.get("unix_time", ())):
            began = float(rows["unix_time"][0] - rows["test_time"][0])
        return Cycled(
            chain.chain,
            str((chain.start.get("sample") or {}).get("id", "")),
            str(program.get("hash", "")),
            began,
            rows,
            points,
            steps,
            [
                float(each.start["offsets"]["test_time"])
                for each in chain.members
                if each.start.get("plan_name") == "go_on_cycling"
            ],
        )
