"""What tells that the crystal beside a sputtered film fails: it reads what no film does.

It returns in words what is wrong, and leaves to the flight what becomes of the film. Numbers without a source are
guesses.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection

from devices.limits import SputterLimits
from devices.sputter.parts import MonitorReading
from devices.sputter.quartz import INTERVAL, LEAP, LEAP_SDS, MASS_PER_HERTZ, SMOOTHED, noise_of
from devices.sputter.watch import RATE_STEP_LASTS, STUCK_ROWS, SURE, Drift, Lasting

MOVES = 3.0
"""Seconds in which a shutter has come to its end, and film no longer arrives behind it."""
FILLS = SMOOTHED + 2.0
"""Seconds of an open shutter after which a monitor's rate is all of this film."""
OPENS = 1.0
"""Seconds after a film's first row, itself a second after the opening, in which its shutter has come to its end."""
LINE, SHORTEST = 8, 6
"""Rows over which the film's first rate is taken, and the fewest: a line through them is twice as sure of it as a
difference of two readings."""
EARLY = 60.0
"""Seconds of an open shutter in which its rate is held against the believed one; then thicknesses are compared."""
FIRST, BENT = 3, 5.0 * math.hypot(1.0 / math.sqrt(2.0), math.sqrt(2.0) / SMOOTHED)
"""Rows that give a rate of their own, and sds of a reading a second by which a later one of the monitor may be less: by
five of its own, which noise does in less than one of 10000 films. From 2 Hz/s of LiCoO2 a failing crystal takes 0.5
[deposition twins], which no fewer rows tell."""
STILL_ROWS, STILL = 3, 4.0
"""Rows behind a closed shutter whose line shows whether a crystal stands still, and sds by which its slope may differ
from none."""
PROVEN = 1.5
"""Times monitor_difference by which a film's rate may be uncertain without an opening of its own to prove it; guess."""
TRAVELS = 0.1
"""Seconds, an sd, by which a shutter may be faster to open than to close; guess."""
HEATS = 5.0
"""Seconds in which a plasma's heat comes to a crystal at the least; guess, a third of what the twins' takes."""


class FilmCrystal:
    """A film does not shrink or leap, its rate stays, and is the believed one within what that is uncertain by.

    density [kg/m3] and tooling [1] as the monitor has them; believed [m/s], NaN where nobody knows, with its relative
    sd. noise [m]: by which two readings may differ without a film. Before a film's third row nothing but the believed
    rate tells a crystal that begins to fail; what the monitor calls its rate looks back beyond the opening then.
    """

    def __init__(
        self, limits: SputterLimits, density: float, tooling: float, believed: float, sd: float
    ) -> None:
        self.noise = noise_of(limits, density, tooling)
        self._heating = limits.crystal_heat * MASS_PER_HERTZ * tooling / density / HEATS
        self._step, self._believed = limits.rate_step, believed
        self._difference = limits.monitor_difference
        self._apart = max(self._difference, SURE * sd)
        self._share = limits.rate_share
        self._opening = 0
        self._level = self._open_for = math.nan
        self._begin(math.inf)

    @property
    def wants_proof(self) -> bool:
        """Whether the believed rate is so unsure that a crystal which fails from the first may pass for it."""
        return not self._apart <= PROVEN * self._difference

    def _begin(self, now: float) -> None:
        self._since, self._last = now, (math.nan, math.nan)
        self._stays = Drift(0.0, RATE_STEP_LASTS)
        self._off = Lasting(RATE_STEP_LASTS)
        self._line: deque[tuple[float, float]] = deque(maxlen=LINE)
        self._rows: deque[tuple[float, float]] = deque(maxlen=FIRST + 1 + round(SMOOTHED / INTERVAL))
        self._behind: deque[tuple[float, float]] = deque(maxlen=STUCK_ROWS + 1)

    def open(self, now: float, reading: MonitorReading, *, opening: int, sure: bool, fixed: bool) -> str:
        """Return what is wrong with it while the shutter is open, empty if nothing; once a row.

        opening: which one of the film it is, from 1. sure: whether end switches say that it is open: else a rate near
        none is a shutter's. fixed: whether power and pressure stay.
        """
        if opening != self._opening:
            self._opening, self._level = opening, self._stood_at()
            self._begin(now)
        rate, believed = reading.rate, self._believed
        if said := self._leapt(now, reading.thickness, LEAP * believed):
            return said
        if said := self._off_believed(now, reading, fixed=fixed, sure=sure):
            return said
        if self._apart > self._difference and (said := self._bent(now, reading, fixed=fixed, sure=sure)):
            return said
        if now - self._since < FILLS or not fixed or not (sure or rate >= self._share * believed):
            return ""
        most = max(self._step * self._stays.expected, self.noise / SMOOTHED)
        if self._stays.stepped(now, rate, most):
            return _went(self._stays.expected, rate)
        return ""

    def _bent(self, now: float, reading: MonitorReading, *, fixed: bool, sure: bool) -> str:
        """Return in words that the film's rate fell from that of three of its first rows, empty if it did not.

        Asked where no known rate tells it: heat that comes through a shutter as it opens looks like this.
        A shutter that is slow to open makes these too slow, which tells nothing. A row that sees no measurement or two
        shows among them, and the monitor's own rate does not know of it.
        """
        rows = self._rows
        if not fixed or not now - self._since < EARLY:
            rows.clear()
            return ""
        rows.append((now, reading.thickness))
        if len(rows) < (rows.maxlen or 0):
            return ""
        (began, first), (_, second), (ended, third) = (rows[number] for number in range(FIRST))
        rate, before = reading.rate, (third - first) / (ended - began)
        is_line = abs(first - 2.0 * second + third) <= self.noise
        fell = before - rate > max(BENT * self.noise / LEAP_SDS / INTERVAL, self._step * before)
        if is_line and fell and (sure or rate >= self._share * before):
            return _went(before, rate)
        return ""

    def _off_believed(self, now: float, reading: MonitorReading, *, fixed: bool, sure: bool) -> str:
        """Return in words that the film's first rate is not the believed one, empty if it may be.

        By what it grew since its first rows: the monitor's own rate looks back beyond the opening. None at all is told
        by a line, which is surer of little; a shutter that twitches bends it more.
        """
        believed, since = self._believed, now - self._since
        if not fixed or math.isnan(believed) or not OPENS <= since < EARLY:
            self._line.clear()
            return ""
        self._line.append((now, reading.thickness))
        if len(self._line) < SHORTEST:
            return ""
        (began, before), (grown, per_noise) = self._line[0], slope(self._line)
        span = now - began
        rate = (reading.thickness - before) / span
        low = rate + self.noise / span < (1.0 - self._apart) * believed
        high = rate > (1.0 + self._apart) * believed
        none = grown + SURE * per_noise * self.noise / LEAP_SDS < self._share * believed
        if self._off.holds(now, (low or high or none) and (sure or rate >= self._share * believed)):
            said = min(rate, grown) if none else rate
            return f"the thickness monitor says {said * 6e10:.2f} nm/min, {believed * 6e10:.2f} are believed"
        return ""

    def close(self, now: float, open_for: float) -> None:
        """Take note that the shutter is closed, after open_for [s]; before any row behind it is looked at."""
        if not self._opening:
            return
        self._open_for = math.nan
        if not math.isnan(self._stays.expected):
            # What this film grew by is no guess any more when the shutter opens again.
            self._believed, self._apart = self._stays.expected, self._difference
        elif self._apart > self._difference:
            self._open_for = open_for
        self._opening = 0
        self._begin(now)

    def behind(self, now: float, reading: MonitorReading, *, sure: bool, warm: bool = True) -> str:
        """Return what is wrong with it behind a closed shutter, empty if nothing; once a row.

        sure: whether end switches say that it is closed: else what grows there came through it. warm: whether it is
        as warm as the plasma makes it, or cold without one: until then it may read more or less, by what heat can make
        of it in a row.
        """
        if not now - self._last[0] <= MOVES:
            self._begin(now)
        thickness, heating = reading.thickness, 0.0 if warm else self._heating
        said = self._leapt(now, thickness, (0.0 if sure else LEAP * self._believed) + heating, heating)
        if said and now - self._since >= MOVES:
            return said
        if not warm:
            self._behind.clear()
            return ""
        self._behind.append((now, thickness))
        self._weigh()
        shrunk = thickness - max(each for _, each in self._behind)
        still = (each for at, each in self._behind if at - self._since >= MOVES)
        grown = thickness - next(still, thickness)
        if shrunk < -self.noise or (sure and grown > self.noise):
            by = shrunk if shrunk < -self.noise else grown
            return f"the film went by {by * 1e9:.2f} nm behind the closed shutter"
        return ""

    @property
    def stands(self) -> bool:
        """Whether it stands still behind the closed shutter, as far as noise tells of its last rows."""
        return not math.isnan(self._stood_at())

    def _stood_at(self) -> float:
        """Return what it showed in its last rows behind the closed shutter; NaN unless it stood still."""
        rows = [*self._behind][-STILL_ROWS:]
        if len(rows) < STILL_ROWS or rows[0][0] - self._since < MOVES:
            return math.nan
        grown, per_noise = slope(rows)
        is_still = abs(grown) <= STILL * per_noise * self.noise / LEAP_SDS
        return math.fsum(each for _, each in rows) / STILL_ROWS if is_still else math.nan

    def _weigh(self) -> None:
        """Take what came through a short opening for the film's rate, once the crystal stands still behind it.

        Rows of such an opening give it worse: a shutter on its way, and a measurement of a second ago.
        """
        level = self._stood_at()
        if math.isnan(self._open_for) or math.isnan(level):
            return
        open_for, self._open_for = self._open_for, math.nan
        gained = level - self._level
        noise = self.noise / LEAP_SDS * math.sqrt(2.0 / STILL_ROWS)
        apart = SURE * math.hypot(TRAVELS / open_for, noise / gained) if gained > 0.0 else math.nan
        if apart < self._apart:
            self._believed, self._apart = gained / open_for, max(self._difference, apart)

    def _leapt(self, now: float, thickness: float, most: float, least: float = 0.0) -> str:
        """Return in words a step that no film makes: most and least [m/s] by which it may grow and shrink.

        None upwards where nobody knows the most.
        """
        (at, last), self._last = self._last, (now, thickness)
        grown, dt = thickness - last, now - at
        span = max(dt, INTERVAL)
        if grown < -least * span - self.noise or grown > most * span + self.noise:
            return f"the film on the crystal went by {grown * 1e9:.2f} nm within {dt:.1f} s"
        return ""


def _went(before: float, rate: float) -> str:
    return (
        f"the thickness monitor's rate went from {before * 6e10:.2f} to {rate * 6e10:.2f} nm/min at constant power and"
        " pressure"
    )


def slope(points: Collection[tuple[float, float]]) -> tuple[float, float]:
    """Return the slope of the line of least squares through points, and its sd [1/s] over that of one of their values.

    Raises ZeroDivisionError when they are all of one time.
    """
    mean = math.fsum(at for at, _ in points) / len(points)
    spread = math.fsum((at - mean) ** 2 for at, _ in points)
    return math.fsum((at - mean) * value for at, value in points) / spread, 1.0 / math.sqrt(spread)
