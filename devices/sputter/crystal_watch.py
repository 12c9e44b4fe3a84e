"""What tells that the crystal beside a sputtered film fails: it reads what no film does.

It returns in words what is wrong, and leaves to the flight what becomes of the film. Numbers without a source are
guesses.
"""

from __future__ import annotations

import math
from collections import deque

from devices.limits import SputterLimits
from devices.sputter.boat_watch import INTERVAL, LEAP, NOISE, SMOOTHED
from devices.sputter.parts import MonitorReading
from devices.sputter.watch import RATE_STEP_LASTS, STUCK_ROWS, SURE, Drift, Lasting

MOVES = 3.0
"""Seconds in which a shutter has come to its end, and film no longer arrives behind it."""
FILLS = SMOOTHED + 2.0
"""Seconds of an open shutter after which a monitor's rate is all of this film."""
EARLY = 60.0
"""Seconds of an open shutter in which its rate is held against the believed one; then thicknesses are compared."""


class FilmCrystal:
    """A film does not shrink or leap, its rate stays, and is the believed one within what that is uncertain by.

    density [kg/m3] and tooling [1] as the monitor has them; believed [m/s], NaN where nobody knows, with its relative
    sd. noise [m]: by which two readings may differ without a film.
    """

    def __init__(
        self, limits: SputterLimits, density: float, tooling: float, believed: float, sd: float
    ) -> None:
        self.noise = NOISE * tooling / density
        self._step, self._believed = limits.rate_step, believed
        self._apart = max(limits.monitor_difference, SURE * sd)
        self._share = limits.rate_share
        self._opening = 0
        self._begin(math.inf)

    def _begin(self, now: float) -> None:
        self._since, self._last = now, (math.nan, math.nan)
        self._stays = Drift(0.0, RATE_STEP_LASTS)
        self._off = Lasting(RATE_STEP_LASTS)
        self._behind: deque[tuple[float, float]] = deque(maxlen=STUCK_ROWS + 1)

    def open(self, now: float, reading: MonitorReading, *, opening: int, sure: bool, fixed: bool) -> str:
        """Return what is wrong with it while the shutter is open, empty if nothing; once a row.

        opening: which one of the film it is, from 1. sure: whether end switches say that it is open: else a rate near
        none is a shutter's. fixed: whether power and pressure stay.
        """
        if opening != self._opening:
            self._opening = opening
            self._begin(now)
        rate, believed = reading.rate, self._believed
        if said := self._leapt(now, reading.thickness, believed):
            return said
        if now - self._since < FILLS or not fixed or not (sure or rate >= self._share * believed):
            return ""
        most = max(self._step * self._stays.expected, self.noise / SMOOTHED)
        if self._stays.stepped(now, rate, most):
            return (
                f"the thickness monitor's rate went from {self._stays.expected * 6e10:.2f} to {rate * 6e10:.2f} nm/min"
                " at constant power and pressure"
            )
        least = max(1.0 - self._apart, self._share)
        off = not least * believed <= rate + self.noise / SMOOTHED or rate > (1.0 + self._apart) * believed
        if self._off.holds(now, not math.isnan(believed) and now - self._since < EARLY and off):
            return f"the thickness monitor says {rate * 6e10:.2f} nm/min, {believed * 6e10:.2f} are believed"
        return ""

    def close(self, now: float) -> None:
        """Take note that the shutter is closed; before any row behind it is looked at."""
        if self._opening:
            self._opening = 0
            self._begin(now)

    def behind(self, now: float, reading: MonitorReading, *, sure: bool) -> str:
        """Return what is wrong with it behind a closed shutter, empty if nothing; once a row of a warm crystal.

        sure: whether end switches say that it is closed: else what grows there came through it.
        """
        if not now - self._last[0] <= MOVES:
            self._begin(now)
        thickness = reading.thickness
        said = self._leapt(now, thickness, 0.0 if sure else self._believed)
        if said and now - self._since >= MOVES:
            return said
        self._behind.append((now, thickness))
        shrunk = thickness - max(each for _, each in self._behind)
        still = (each for at, each in self._behind if at - self._since >= MOVES)
        grown = thickness - next(still, thickness)
        if shrunk < -self.noise or (sure and grown > self.noise):
            by = shrunk if shrunk < -self.noise else grown
            return f"the film went by {by * 1e9:.2f} nm behind the closed shutter"
        return ""

    def _leapt(self, now: float, thickness: float, rate: float) -> str:
        """Return in words a step that no film [m/s] makes, none upwards where nobody knows its rate."""
        (at, last), self._last = self._last, (now, thickness)
        grown, dt = thickness - last, now - at
        if grown < -self.noise or grown > LEAP * rate * max(dt, INTERVAL) + self.noise:
            return f"the film on the crystal went by {grown * 1e9:.2f} nm within {dt:.1f} s"
        return ""
