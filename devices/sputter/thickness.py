"""How thick a film is: by the monitor, by rate times time, and whether both agree."""

from __future__ import annotations

import math

from devices.limits import SputterLimits
from devices.sputter.parts import MonitorReading
from devices.sputter.records import Film, FilmFlag

LEARNING = 300.0
"""s of open shutter over which a rate that nobody has calibrated is taken from the monitor, which is checked by it
from then on; guess, its noise is 2e-5 nm/s after 60 s."""
TRUSTED = 0.05
"""Relative uncertainty of a believed rate up to which a monitor is held against it from the beginning."""
COMPARABLE = 20e-9
"""m of film from which on both are compared; below, the noise of a crystal and its warming up are too much of it."""


class ThicknessKeeper:
    """Adds up a film over all openings of the shutter.

    believed [m/s], or NaN, and its relative sd; the monitor's readings count only between opened() and closed().
    rate [m/s]: the one by which the film is timed. by_rate: whether that ends it, so that it stays the believed one
    whatever the monitor says.
    """

    def __init__(
        self, film: Film, believed: float, sd: float, limits: SputterLimits, *, monitored: bool
    ) -> None:
        self.film, self.believed, self._sd, self._limits = film, believed, sd, limits
        self.rate = self._expected = believed
        self.by_rate = False
        self.is_calibrated = sd <= TRUSTED
        self._last = math.nan
        self._begun = math.nan
        self._open_before = 0.0
        if not monitored:
            film.monitor = math.nan
        if math.isnan(believed):
            film.by_time = math.nan

    @property
    def counted(self) -> float:
        """The monitor's thickness [m] up to which it is counted; NaN before the first opening."""
        return self._last

    @property
    def is_open(self) -> bool:
        """Whether the shutter is open."""
        return not math.isnan(self._begun)

    @property
    def open_for(self) -> float:
        """Seconds for which the shutter has been open this time."""
        return self.film.open_time - self._open_before

    def opened(self, now: float, reading: MonitorReading | None) -> None:
        """Take note that the shutter opened just now."""
        self._begun, self._open_before = now, self.film.open_time
        self._last = math.nan if reading is None else reading.thickness
        self.film.openings += 1

    def closed(self, now: float, reading: MonitorReading | None) -> None:
        """Take note that the shutter closed just now; harmless twice."""
        if self.is_open:
            self.grown(now, reading)
            self._begun = math.nan

    def caught_up(self, reading: MonitorReading | None) -> None:
        """Count what the monitor, which measures once a second, showed only after the shutter had closed."""
        if reading is not None and not math.isnan(self.film.monitor + self._last):
            self.film.monitor += reading.thickness - self._last
            self._last = reading.thickness

    def grown(self, now: float, reading: MonitorReading | None) -> None:
        """Add what has come since the last row."""
        film = self.film
        film.open_time = self._open_before + now - self._begun
        self.caught_up(reading)
        if not self.is_calibrated and film.open_time >= LEARNING and not math.isnan(film.monitor):
            # From here on the monitor is checked by what itself said so far.
            self._expected, self.is_calibrated = film.monitor / film.open_time, True
            if not self.by_rate:
                self.rate = self._expected
        if not math.isnan(self.rate):
            film.by_time = self.rate * film.open_time

    def monitor_fails(self, reading: MonitorReading | None) -> str:
        """Return what is wrong with the monitor, empty if nothing."""
        film = self.film
        if reading is None or math.isnan(film.monitor) or film.flags & FilmFlag.BY_TIME:
            return ""
        if not reading.ok:
            return "the crystal of the thickness monitor does not oscillate"
        expected = self._expected * film.open_time
        if not self.is_calibrated or max(film.monitor, expected) < COMPARABLE:
            return ""
        apart = abs(film.monitor - expected)
        most = max(self._limits.monitor_difference, 2 * self._sd if self._sd <= TRUSTED else 0.0)
        if apart > most * expected:
            said = f"{expected * 1e9:.1f} nm"
            return f"the thickness monitor says {film.monitor * 1e9:.1f} nm, rate times time {said}"
        return ""
