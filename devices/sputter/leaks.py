"""How much air comes into a chamber that is closed off: a straight line through its rising pressure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.base import Column
from devices.errors import InterlockError

FEWEST = 5
"""Readings that a line is drawn through, at the least."""

LEAK_COLUMNS: Mapping[str, Column] = {
    "leak": Column("Pa m^3/s"),
    "leak_sd": Column("Pa m^3/s"),
    "rise": Column("Pa/s"),
    "volume": Column("m^3"),
    "pressure_before": Column("Pa"),
    "pressure_after": Column("Pa"),
    "duration": Column("s"),
    "readings": Column("1", "integer", low=0),
}
"""leak: 1 Pa m3/s is 10 mbar l/s; as nitrogen, by a gauge that shows water some tenth too high.

Water from the walls shows as a leak as well: it grows less from day to day.
"""


@dataclass(frozen=True)
class Rise:
    """A pressure that rises: its slope and standard uncertainty [Pa/s], first and last [Pa], how long [s]."""

    slope: float
    slope_sd: float
    before: float
    after: float
    duration: float
    readings: int

    def row(self, volume: float) -> dict[str, float | int | str]:
        """Return the row of the stream `leaks`, of a chamber of a volume [m3]."""
        return {
            "leak": self.slope * volume,
            "leak_sd": self.slope_sd * volume,
            "rise": self.slope,
            "volume": volume,
            "pressure_before": self.before,
            "pressure_after": self.after,
            "duration": self.duration,
            "readings": self.readings,
        }


def rise_of(times: Sequence[float], pressures: Sequence[float]) -> Rise:
    """Fit a line to pressures [Pa] (n,) at times [s] (n,). Raises InterlockError when there are too few."""
    known = [(at, value) for at, value in zip(times, pressures, strict=True) if math.isfinite(value)]
    if len(known) < FEWEST:
        raise InterlockError("leak", f"{len(known)} readings of the pressure are too few for a line")
    at, value = np.array(known).T
    since = at - at.mean()
    spread = float(since @ since)
    slope = float(since @ value) / spread
    residual = value - value.mean() - slope * since
    sd = math.sqrt(float(residual @ residual) / (len(known) - 2) / spread)
    return Rise(slope, sd, float(value[0]), float(value[-1]), float(at[-1] - at[0]), len(known))
