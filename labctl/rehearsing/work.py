"""What runs take: pulses, charge, rows, bytes; and times as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labctl.runs.run import Run

AH, WH = 3600.0, 3600.0
"""Coulombs in an ampere-hour, joules in a watt-hour."""


@dataclass(frozen=True)
class Work:
    """Pulses, energy of the lamp [J], charge moved in and out of cells [C], energy the same way [J], rows, bytes."""

    pulses: int = 0
    lamp_energy: float = 0.0
    charge: float = 0.0
    energy: float = 0.0
    rows: int = 0
    disk: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.pulses + other.pulses,
            self.lamp_energy + other.lamp_energy,
            self.charge + other.charge,
            self.energy + other.energy,
            self.rows + other.rows,
            self.disk + other.disk,
        )


def work_of(journals: Iterable[Path]) -> Work:
    """Return what all these runs take."""
    return sum((_of_run(path) for path in journals), Work())


def _of_run(journal: Path) -> Work:
    run = Run(journal)
    kept = Work(rows=sum(run.counts().values()), disk=journal.stat().st_size)
    table = run.table() if "primary" in run.streams else {}
    if "pulse" in table:
        return kept + Work(pulses=len(table["pulse"]), lamp_energy=float(np.nansum(table["pulse_energy"])))
    if "charge" in table:
        charge, energy = (float(np.nansum(np.abs(np.diff(table[each])))) for each in ("charge", "energy"))
        return kept + Work(charge=charge * AH, energy=energy * WH)
    return kept


def clock_time(seconds: float) -> str:
    """Return a time since the start as people read it: "11 h 03 min", beyond two days "58 days 23 h"."""
    minutes = round(seconds / 60)
    if minutes > 48 * 60:
        hours = round(seconds / 3600)
        return f"{hours // 24} days {hours % 24} h"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{seconds / 60:.1f} min"


def charge_in_words(charge: float) -> str:
    """Return a charge [C] as people read it; nothing for none."""
    return _in_thousands(charge / AH, "Ah") if charge else ""


def energy_in_words(lamp: float, cells: float) -> str:
    """Return the energy [J] on a lamp's meter and that through cells as people read them; nothing for none."""
    return ", ".join(
        ([f"{lamp:.0f} J"] if lamp else []) + ([_in_thousands(cells / WH, "Wh")] if cells else [])
    )


def _in_thousands(value: float, unit: str) -> str:
    for prefix, many in (("u", 1e6), ("m", 1e3)):
        # What rounds to a thousand of one is one of the next.
        if abs(value) * many < 999.5:
            return f"{value * many:.3g} {prefix}{unit}"
    return f"{value:.4g} {unit}"


def size_in_words(size: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{size / 1e6:.2f} MB"
