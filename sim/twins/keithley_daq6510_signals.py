"""What is wired to the cards of a DAQ6510: thermocouples, and a photodiode under a lamp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Source = Callable[[float], float]
Shape = Callable[[Array], Array]

OVERFLOW = 9.9e37
CARD_TEMPERATURE = 300.0  # K, of the terminals, which the card measures
LOOKED_AHEAD = (
    20e-3  # s after a pulse's start within which its rise is looked for; the longest pulse is 10 ms
)
GRAIN = 1e-6  # s, of that search

SEEBECK = {"B": 6e-6, "E": 68e-6, "J": 55e-6, "K": 41e-6, "N": 33e-6, "R": 10e-6, "S": 9.5e-6, "T": 53e-6}
"""V/K, mean between 300 and 600 K [IEC 60584-1, rounded]; it matters only where the type set is not the one fitted."""


@dataclass
class Thermocouple:
    """A couple of `kind` whose hot end is at source(time) [K]; plugged: both leads are on their terminals."""

    source: Source
    kind: str = "K"
    plugged: bool = True

    def read(self, time: float, kind: str, junction: float | None, detected: bool) -> float:
        """Return the temperature [K] read as a couple of `kind`, with the junction as measured (None) or set to [K].

        An open one is an overflow where the lead detector is on; without it, it drifts to the card's own
        temperature (guess).
        """
        if not self.plugged:
            return OVERFLOW if detected else CARD_TEMPERATURE
        reference = CARD_TEMPERATURE if junction is None else junction
        return reference + SEEBECK[self.kind] / SEEBECK[kind] * (self.source(time) - CARD_TEMPERATURE)


@dataclass
class Photodiode:
    """A voltage that is zero but for the last pulse: shape(seconds since `began`) [V]."""

    began: float = 0.0
    shape: Shape | None = field(default=None)

    def voltage(self, times: Array) -> Array:
        """Return the voltage [V] at times [s] of the bench."""
        if self.shape is None:
            return np.zeros_like(times)
        since = times - self.began
        return np.where(since >= 0.0, self.shape(np.maximum(since, 0.0)), 0.0)

    def rises_through(self, level: float) -> float | None:
        """Return when [s] the last pulse passes a level [V] upwards, or None."""
        since = np.arange(0.0, LOOKED_AHEAD, GRAIN)
        above = self.voltage(self.began + since) >= level
        return float(self.began + since[int(np.argmax(above))]) if above.any() else None
