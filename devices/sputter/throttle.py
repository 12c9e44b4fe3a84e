"""The throttle that holds a chamber's pressure: where it comes to rest, whether it moves, what a step of it tells."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable
from itertools import pairwise
from statistics import fmean, median

from devices.limits import SputterLimits
from devices.sputter.watch import AT_LIMIT, Drift, Trouble

OPENS = 0.25
"""Exponent of the pumping speed with which a throttle opens: 0.3 to 0.5 at the papers' recipes [twins], less here. What
a pressure is off by is taken for so much of its place."""
LATELY = 5
"""Rows whose middle is where a throttle is: two of them may be off."""
BLUR = 4.0 * 1.25 / math.sqrt(LATELY)
"""Of a row's noise by which such a middle is off once in 2e4 times."""
ENOUGH, ONE_ROW = 5.0, 3.0
"""Sum of what rows are beyond what they may be, in units of their noise, above which they are; what one row may add.
By chance two units of noise beyond a place are passed once in e^20 rows; who goes four beyond is told in three."""
LEAST_NOISE = 0.1
"""Of a step that a row's noise counts for at the least: the twin's."""
RESTS = 12
"""Rows of a held pressure in whose halves a throttle that has come to rest stands alike; guess."""
ALIKE = 1 / 8
"""Of the step that a leak makes by which these halves may differ: twice what the twin's stirring makes of them."""
STILL = 1e-3
"""Of the pressure that is held by which its halves may differ then; guess, a gauge shows a third of it."""
STIRRED, STIRS = 20, 4.0
"""Turns to and fro after which it is known how a throttle stirs; of its smallest moves that a usual one is, where it
stirs; guesses."""
SUSPECT, REST_ROWS = 1e-6, 5
"""Chance below which a throttle that stands still is moved behind the shutter, and rows after which it is where nobody
knows how it stirs; guesses. One that stirs by ten of its smallest moves rests so long once in 6e7 rows."""
SOON = 9
"""Rows without a move after which one that sticks over a film has to be told: what does it has 12 s."""


STEPS = 0.75
"""Of a step that the middle of some rows makes; a single row has noise."""


class Place:
    """Where a throttle stands, by its last rows. gauge [1]: what the chamber's gauge shows of a pressure that is held,
    over that; once it is known, rows are taken to the pressure that is to be held.
    """

    def __init__(self, limits: SputterLimits, gauge: float = math.nan) -> None:
        self._most, self.gauge = ALIKE * limits.throttle_step, gauge
        self._rows: deque[float] = deque(maxlen=RESTS)
        self._over: deque[float] = deque(maxlen=RESTS)

    def look(self, position: float, over: float) -> None:
        """Take note of where it is; once a row. over [1]: what the gauge shows over what is to be held."""
        off = over / self.gauge
        self._rows.append(position * off**OPENS if off > 0.0 else position)
        self._over.append(over)

    @property
    def now(self) -> float:
        """Where its last row has it."""
        return self._rows[-1]

    @property
    def at(self) -> float:
        """Where it was of late; NaN where nobody looked."""
        return _halves(self._rows)[1]

    @property
    def shown(self) -> float:
        """What the gauge showed of late over what is to be held [1]; NaN where nobody looked."""
        return _halves(self._over)[1]

    @property
    def is_found(self) -> bool:
        """Whether it came to rest, and its pressure: the later rows lean to no side of the earlier ones."""
        (earlier, later), (before, now) = _halves(self._rows), _halves(self._over)
        alike = abs(later - earlier) <= self._most and abs(now - before) <= STILL
        return len(self._rows) == RESTS and alike

    @property
    def lately(self) -> float:
        """The middle of its last rows: where it is, but for what moved it in one or two of them; NaN before."""
        rows = tuple(self._rows)[-LATELY:]
        return median(rows) if len(rows) == LATELY else math.nan

    @property
    def noise(self) -> float:
        """The noise of a row, an sd; 0 where nobody knows."""
        squares = [(after - before) ** 2 for before, after in pairwise(self._rows)]
        return math.sqrt(fmean(squares) / 2.0) if squares else 0.0

    def comes(self, least: float, most: float) -> bool:
        """Return whether it is on its way to between two places, as after a change that moved it."""
        earlier, later = (max(least - each, each - most, 0.0) for each in _halves(self._rows))
        return later < earlier - self._most


def _halves(rows: Collection[float]) -> tuple[float, float]:
    """Return the means of the earlier and of the later rows; NaN of none."""
    found, half = tuple(rows), len(rows) // 2
    return fmean(found[:half]) if half else math.nan, fmean(found[half:]) if found else math.nan


class ThrottleWatch:
    """The throttle opens no further than it stood before, and makes no step while pressure, flows and pump stay: else
    there is gas that nobody let in.

    The power goes at once then: a leak that is just seen takes seconds to be. What is beyond the places before is
    summed up over the rows [Page 1954].
    """

    def __init__(self, limits: SputterLimits) -> None:
        self._step, self._drift = limits.throttle_step, Drift()
        self.knows(())

    def knows(
        self, places: Iterable[float], share: float = STEPS, noise: float = 0.0, *, lasting: bool = False
    ) -> None:
        """Take note of places beyond none of which it opens, NaN is none.

        share: of a step by which it may be beyond them; noise [1], an sd, of a row. lasting: whether that holds on when
        it is known where it stands now.
        """
        self._places = tuple(each for each in places if not math.isnan(each))
        self._noise = max(noise, LEAST_NOISE * self._step)
        self._most, self._stays = share * self._step, max(STEPS * self._step, BLUR * noise)
        self._drift.reset()
        self._beyond, self._lasting = 0.0, lasting

    def look(self, now: float, position: float, place: Place, *, moves: bool = False) -> None:
        """Raise Trouble for one that opens further than before, or for a step that stays; once a row.

        moves: whether a plasma's power changes meanwhile, which may move it as far as it did before.
        """
        if not AT_LIMIT < position < 1 - AT_LIMIT:
            # It has a fault of its own.
            return
        if self._places and (moves or self._lasting or not self._drift.is_settled(now)):
            self._look_beyond(place)
        if moves:
            self._drift.reset()
        elif not math.isnan(place.lately):
            opens = place.lately > self._drift.expected
            if self._drift.stepped(now, place.lately, self._stays if opens else max(self._step, self._stays)):
                raise leaks(f"the throttle went from {self._drift.expected:.4f} to {place.lately:.4f}")

    def _look_beyond(self, place: Place) -> None:
        most = max(self._places)
        beyond = (place.now - most - self._most) / self._noise
        self._beyond = max(0.0, self._beyond + min(beyond, ONE_ROW))
        if self._beyond > ENOUGH and not place.comes(-math.inf, most):
            raise leaks(f"the throttle stands at {place.now:.4f}, and stood at {most:.4f} before")


def leaks(said: str) -> Trouble:
    """Return what is told of a throttle that is not where it should be."""
    why = f"{said} at constant pressure and flows: water or air comes in, or its pump has changed"
    return Trouble("leak", why, gently=False)


class StirWatch:
    """The throttle goes on stirring as it did: a loop that holds a pressure follows the noise of flows and sensor.

    Noise turns it to and fro, by many of its smallest moves. What creeps one way, as after a change, or toggles between
    two places may come to rest. is_known: whether it is known to stir, so that its standing still tells something; run:
    rows for which it has stood still.
    """

    def __init__(self, limits: SputterLimits) -> None:
        self._chance = limits.throttle_chance
        self._last, self.run = math.nan, 0
        self.forget()

    def forget(self) -> None:
        """Learn anew how it stirs, as after a change that moves it; how long it has stood still is not forgotten."""
        self._way = math.nan
        self._rows = self._alike = self._turns = 0
        self._moves: deque[float] = deque(maxlen=STIRRED)
        self._least = math.inf
        self.is_known = False

    @property
    def is_stuck(self) -> bool:
        """Whether it stirred, and now stands still for longer than chance allows."""
        return self.is_known and self._chance > 0.0 and self._tells(self.run, self._chance)

    @property
    def is_suspect(self) -> bool:
        """Whether it stands still for long enough to be moved, where that does no harm."""
        return self._tells(self.run, SUSPECT) if self.is_known else self.run >= REST_ROWS

    @property
    def tells_soon(self) -> bool:
        """Whether it is known so well that one which sticks from now on is told in time."""
        return self.is_known and self._tells(SOON, self._chance or 1.0)

    def _tells(self, run: int, chance: float) -> bool:
        return run * math.log((self._alike + 1) / (self._rows + 1)) < math.log(chance)

    def look(self, position: float) -> None:
        """Take note of where it is; once a row."""
        if position == self._last:
            self.run += 1
            return
        way = position - self._last
        self._turns += way * self._way < 0.0
        self._rows, self._alike = self._rows + self.run + 1, self._alike + self.run
        self._last, self._way, self.run = position, way, 0
        if not math.isnan(way):
            self._moves.append(abs(way))
            self._least = min(self._least, abs(way))
            stirs = self._turns >= STIRRED and median(self._moves) >= STIRS * self._least
            self.is_known = self.is_known or stirs
