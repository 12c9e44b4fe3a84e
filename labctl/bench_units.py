"""What people of this lab say instead of SI units: one table for the prompt, notebooks and the live view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from labctl.plain_text import plain

BENCH_UNITS: Mapping[str, tuple[str, float]] = {
    "A": ("uA", 1e6),
    "Ah": ("uAh", 1e6),
    "Wh": ("uWh", 1e6),
    "A/m^2": ("uA/cm^2", 1e2),
    "C/m^2": ("uAh/cm^2", 1e2 / 3600.0),
    "Ah/m^2": ("uAh/cm^2", 1e2),
    "Ah/m^3": ("uAh/cm^2/um", 1e-4),
    "Wh/m^2": ("uWh/cm^2", 1e2),
    "Wh/m^3": ("Wh/l", 1e-3),
    "W/m^2": ("mW/cm^2", 1e-1),
    "W/m^3": ("mW/cm^3", 1e-3),
    "V/s": ("uV/s", 1e6),
    "J/m^2": ("J/cm^2", 1e-4),
    "m": ("nm", 1e9),
    "m/s": ("nm/min", 60e9),
    "mol/s": ("sccm", 1.0 / 7.4358e-7),
}
"""What is said instead of an SI unit, and how many of it make one."""

CLOCKS = frozenset({"unix_time"})
"""Columns of labels [s since the epoch], which are shown as a clock does."""

LARGEST_SHORT = 1e6
"""s, above which six digits would hide what changes (times since the epoch)."""


def bench_unit(unit: str) -> tuple[str, float]:
    """Return what is said instead of a unit, empty for a pure number, and how many of it make one."""
    return BENCH_UNITS.get(unit, ("" if unit == "1" else unit, 1.0))


def bench_head(key: str, unit: str) -> str:
    """Return the unit that stands over a column; empty where it has none."""
    return "local time" if key in CLOCKS else bench_unit(unit)[0]


def bench_text(key: str, unit: str, value: Any) -> str:
    """Return a value of a column as it stands under `bench_head`; six digits."""
    if not isinstance(value, float | np.floating):
        return plain(value)
    if key in CLOCKS and np.isfinite(value):
        return f"{datetime.fromtimestamp(float(value)).astimezone():%Y-%m-%d %H:%M:%S}"
    number = float(value) * bench_unit(unit)[1]
    return f"{number:.2f}" if unit == "s" and number > LARGEST_SHORT else f"{number:.6g}"
