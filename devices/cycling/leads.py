"""A lead that falls off while a voltage is set: the voltage stays what it was, and only the current is gone.

The current of a cell is smooth from sample to sample: in a hold it falls ever more slowly, in a sweep it may pass
through zero, but then it comes there by its slope and does not stay. What vanishes against its slope is no cell's.
"""

from __future__ import annotations

import math

CLOSE = 2.0
"""Seconds between two samples beyond which the current of a hold could have fallen that far by itself; guess: its
double layers are charged within about a second."""

GONE = 0.01
"""Part of what its slope left of a current, at or below which it has vanished: several times the noise of the range
that the current was read in, and far from what a cell does between two samples (guess)."""

MANY = 5.0
"""Times by which a current must have been above what cannot be told from none, to be missed; guess."""

SAMPLES = {"constant_voltage": 1, "voltage_ramp": 2}
"""Samples without a current after which a lead is off, by technique: a sweep's may pass through zero in one."""


class LeadWatch:
    """Watch the current of a step for that. least [A]: what cannot be told from no current."""

    def __init__(self, samples: int, least: float) -> None:
        self._samples, self._least = samples, least
        self._time = self._current = self._slope = math.nan
        self._missing = 0

    @classmethod
    def of(cls, technique: str, least: float) -> LeadWatch | None:
        """Return the watch of a step that sets a voltage, None for any other."""
        samples = SAMPLES.get(technique)
        return None if samples is None else cls(samples, least)

    def is_off(self, time: float, current: float) -> bool:
        """Take a sample [s, A] in order of time, return whether a lead is off; one that is no number says nothing."""
        if not (math.isfinite(time) and math.isfinite(current)):
            return False
        amperes, dt = abs(current), time - self._time
        left = self._current - max(self._slope, 0.0) * dt
        if left >= MANY * self._least and dt <= CLOSE and amperes <= max(GONE * left, self._least):
            self._missing += 1
            return self._missing >= self._samples
        self._missing = 0
        if dt > 0.0:
            self._slope = (self._current - amperes) / dt
        self._time, self._current = time, amperes
        return False
