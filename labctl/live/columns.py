"""Which columns of a stream people watch, in which units, and what a row says of its own validity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devices.cycling.columns import CycleFlag
from devices.lamp.records import PulseFlag
from devices.sputter.records import FilmFlag
from labctl.bench_units import bench_unit
from labctl.plain_text import plain

WATCHED = (
    "pulse", "cycle", "test_time", "elapsed", "material", "state", "voltage", "current", "charge",
    "bank_voltage_before", "pulse_energy", "exposure", "base_temperature", "pressure", "rate", "thickness",
    "substrate_temperature", "temperature", "frequency", "z_real", "z_imag", "charge_capacity", "discharge_capacity",
    "efficiency", "technique", "end_reason",
)  # fmt: skip
"""Columns that people watch, the first ones first."""

MOST = 7
"""Columns of a table; more do not fit a terminal of 80 signs with their units."""

FEW = 4
"""Columns that a table has at least, where the stream has them."""

FLAGS = "flags"

FLAG_WORDS = {"anneal": PulseFlag, "cycle": CycleFlag, "eis": CycleFlag, "deposit": FilmFlag}
"""What the flags of a run's rows mean, by its purpose."""

INVALID = "!"
"""What follows a value that is none, or outside its range."""


@dataclass(frozen=True)
class Watched:
    """One column: its key, the unit it is shown in and how many of it make one of its own, digits, range."""

    key: str
    unit: str = ""
    factor: float = 1.0
    low: float = -math.inf
    high: float = math.inf

    @property
    def title(self) -> str:
        """Its name as people read it."""
        return self.key.replace("_", " ")

    def text(self, value: Any) -> str:
        """Return a value as it stands in the table; what is no number, or out of range, is marked."""
        if isinstance(value, str):
            return plain(value, 16)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return f"-- {INVALID}"
        if not isinstance(value, int | float):
            return plain(value, 16)
        shown = f"{value * self.factor:.5g}" if isinstance(value, float) or self.factor != 1.0 else str(value)
        return shown if self.low <= value <= self.high else f"{shown} {INVALID}"


def watched(keys: Mapping[str, Mapping[str, Any]]) -> tuple[Watched, ...]:
    """Return which of a stream's data keys are worth a column: those people know, else the first that are numbers."""
    singles = [key for key, each in keys.items() if not each.get("shape") and key != FLAGS]
    chosen = [key for key in WATCHED if key in singles]
    others = [key for key in singles if key not in chosen and keys[key]["dtype"] in ("number", "integer")]
    # A stream that nobody knows is shown by what it has; one that people know has enough.
    chosen += others[: max(FEW - len(chosen), 0)]
    return tuple(_watched(key, keys[key]) for key in chosen[:MOST])


def flags_in_words(purpose: str, value: Any) -> str:
    """Return what a row says of itself, empty where all is well."""
    if not value:
        return ""
    known = FLAG_WORDS.get(purpose)
    if known is None or not isinstance(value, int):
        return f"flags {value}"
    return ", ".join(str(each.name).lower().replace("_", " ") for each in known(value))


def is_doubtful(values: Sequence[str], flags: str) -> bool:
    """Return whether a row must be seen: something in it is invalid, or it says so."""
    return bool(flags) or any(each.endswith(INVALID) for each in values)


def _watched(key: str, described: Mapping[str, Any]) -> Watched:
    unit = str(described.get("units") or "")
    shown, factor = bench_unit(unit)
    ends = (described.get("limits") or {}).get("control") or {}
    low, high = ends.get("low"), ends.get("high")
    return Watched(key, shown, factor, -math.inf if low is None else low, math.inf if high is None else high)
