"""How a plasma's heat moves a crystal in the minute after it was lit, and what tells a crystal that moves otherwise.

Heat may take from its frequency or add to it, and how much is each chamber's own. So a lighting is held against an
earlier one of the same chamber, or against what its lab states. Numbers without a source are guesses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from devices.sputter.crystal_watch import MOVES, slope
from devices.sputter.parameters import CrystalWarmth
from devices.sputter.quartz import INTERVAL
from devices.sputter.watch import CRYSTAL_SETTLES

ROWS = 9
"""Rows over which a line gives by how much a frequency goes; none of them before the lighting."""
SHARE = 0.2
"""Of its slope by which a crystal's movement may be another than that of the lighting before; guess. With it a drift of
0.5 Hz/s is told in time beside 20 Hz in 15 s [deposition twins], with a quarter not always."""
SURE = 5.0
"""Standard deviations of a slope beyond all that is allowed: noise alone has it in one of 30000 lightings."""
STILL = 2.5
"""Seconds after that minute in which a crystal must stand still, so that what it did in it was heat: one that drifts by
0.5 Hz/s is told in so many."""
MOST_COURSES = 20
"""Courses that are kept; guess, more than a lab's recipes."""


@dataclass(frozen=True)
class Course:
    """What heat takes from a crystal's frequency [Hz] at each whole second after its plasma was lit, from 0 on.

    said: who knows it, in words. is_measured: whether each of them has a crystal's noise.
    """

    taken: Sequence[float]
    said: str
    is_measured: bool

    def goes(self, at: Sequence[float], shift: float = 0.0) -> float:
        """Return by how much it goes [Hz/s] at times [s] that are shifted: not before 0, nor after the last second."""
        taken = np.interp(np.asarray(at) + shift, np.arange(len(self.taken)), self.taken)
        return slope(list(zip(at, taken.tolist(), strict=True)))[0]


def stated(warms: CrystalWarmth) -> Course:
    """Return the course that a bench file states."""
    seconds = range(round(CRYSTAL_SETTLES) + 1)
    taken = [-warms.heat * math.expm1(-second / warms.time) for second in seconds]
    return Course(taken, "the bench file (crystal_warms)", is_measured=False)


class Courses:
    """The courses that a chamber's crystal took, by the conditions of their lightings; the newest only.

    A crystal whose frequency is higher than before by more than heat explains is a new one, which nobody knows. One
    that was taken out and had lost more already looks like film.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, ...]] = {}
        self._frequency = math.nan

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def weighed(self, frequency: float, heat: float) -> None:
        """Take note of its frequency [Hz], of which heat explains so much [Hz]."""
        if frequency > self._frequency + heat:
            self._known.clear()
        self._frequency = frequency

    def of(self, conditions: str, said: Course | None = None) -> Course | None:
        """Return the one that it took under conditions; else what was said of it, None where nobody knows."""
        taken = self._known.get(conditions)
        if taken is None:
            return said
        return Course(taken, "the lighting before", is_measured=True) if taken else None

    def learn(self, conditions: str, taken: Sequence[float]) -> None:
        """Remember one."""
        self._known.pop(conditions, None)
        self._known[conditions] = tuple(taken)
        while len(self._known) > MOST_COURSES:
            del self._known[next(iter(self._known))]

    def forget(self, conditions: str) -> None:
        """Forget one, and what was said of it: somebody was told to look, and the next lighting is taken as it is."""
        self.learn(conditions, ())

    def told(self) -> dict[str, Any]:
        """Return it in JSON."""
        known = {key: [round(each, 3) for each in taken] for key, taken in self._known.items()}
        return {"frequency": None if math.isnan(self._frequency) else self._frequency, "courses": known}

    def recalled(self, told: Mapping[str, Any] | None) -> None:
        """Take what told() returned."""
        found = told or {}
        frequency = found.get("frequency")
        self._frequency = math.nan if frequency is None else float(frequency)
        courses: Mapping[str, Any] = found.get("courses") or {}
        self._known = {str(key): tuple(float(each) for each in taken) for key, taken in courses.items()}


class Glow:
    """When plasmas of a chamber burnt. began, at [s]: the first and the last row in which the last one did, or may
    have; seen [s]: the last row that showed one.

    Where nobody knows, as of the time before a session, one burnt until that began.
    """

    def __init__(self) -> None:
        self.began, self.at, self.seen = math.inf, math.nan, math.nan

    def known_from(self, now: float) -> None:
        """Take note that from now on it is known."""
        self.at = self.seen = now

    def may_have_burnt(self, now: float) -> None:
        """Take note that one may have burnt until now for less than a row, and was not seen."""
        self.began = self.at = now

    def burns(self, now: float) -> None:
        """Take note that one burns now; once a row. One that is out for a row or two by an arc is no other one."""
        if self.began > now or now - self.at > MOVES:
            self.began = now
        self.at = self.seen = now


class Warming:
    """One lighting, from the cold: held against a course where one is known, and a course itself in the end.

    conditions: by which it is remembered. noise [Hz], an sd, of a reading.
    """

    def __init__(self, conditions: str, course: Course | None, noise: float) -> None:
        self.conditions, self._course, self._noise = conditions, course, noise
        self._rows: list[tuple[float, float]] = []

    def look(self, since: float, frequency: float, lighting: float, *, sure: bool) -> str:
        """Return what is wrong with the crystal, empty if nothing; once a row behind a closed shutter.

        since [s]: after the row that first showed a plasma. lighting [s]: that the lighting of all guns took, a row at
        the least; nobody knows what each of them does. sure: whether end switches say that the shutter is closed: else
        what the frequency loses may be film that came through it.
        """
        self._rows.append((since, frequency))
        rows, course = self._rows[-ROWS:], self._course
        if course is None or len(rows) < ROWS or since > CRYSTAL_SETTLES:
            return ""
        went, per_noise = slope(rows)
        at = [each for each, _ in rows]
        goes, *others = (course.goes(at, shift) for shift in (0.0, INTERVAL, -INTERVAL, -lighting))
        noise = SURE * per_noise * self._noise * math.sqrt(1.0 + course.is_measured)
        most = SHARE * abs(goes) + max(abs(other - goes) for other in others) + noise
        apart = -went - goes
        if apart < -most or (sure and apart > most):
            return (
                f"the crystal's frequency goes by {went:+.2f} Hz/s {since:.0f} s after the lighting, heat makes"
                f" {-goes:+.2f} Hz/s of it by {course.said}"
            )
        return ""

    @property
    def is_over(self) -> bool:
        """Whether the minute is over, and a crystal that stands still after it showed that."""
        return bool(self._rows) and self._rows[-1][0] >= CRYSTAL_SETTLES + STILL

    def taken(self) -> tuple[float, ...]:
        """Return what was taken from its frequency [Hz] at each whole second of the minute; nothing where rows lack."""
        if any(after - before > MOVES for (before, _), (after, _) in pairwise(self._rows)):
            return ()
        seen = np.interp(np.arange(round(CRYSTAL_SETTLES) + 1), *np.transpose(self._rows))
        return tuple((seen[0] - seen).tolist())
