"""What a controller heats: a first-order answer in closed form, so that nobody needs to step it."""

from __future__ import annotations

import math
from collections.abc import Callable

CALM = 10.0
"""s in which a controller takes back what it sees; guess."""


class Oven:
    """Something with one temperature: T follows wall + share span with a time constant.

    now: returns the time [s]; wall [K]; span [K]: by how much full power would heat it in the end; lag [s]. enabled:
    whether its contactor is closed.
    """

    def __init__(self, now: Callable[[], float], *, wall: float, span: float, lag: float) -> None:
        self._now, self._wall, self._span, self._lag = now, wall, span, lag
        self._at, self._begin = now(), wall
        self._share = 0.0
        self.enabled = True
        self.told: Callable[[], None] = _nobody

    @property
    def terms(self) -> tuple[float, float, float]:
        """Band [K], integral and derivative time [s] to which a controller on it is commissioned."""
        speed = self._span / self._lag
        return CALM * speed, 6.0 * CALM, 0.0

    @property
    def goal(self) -> float:
        """The temperature [K] it goes to."""
        return self._wall + (self._share * self._span if self.enabled else 0.0)

    def heat(self, share: float) -> None:
        """Give a share of the full power from now on."""
        if share != self._share:
            self._rebase()
            self._share = share
        self.told()

    def switch(self, enabled: bool) -> None:
        """Close or open its contactor."""
        self._rebase()
        self.enabled = enabled

    def be(self, temperature: float) -> None:
        """Be at a temperature [K] now."""
        self._at, self._begin = self._now(), temperature

    def temperature(self) -> float:
        """Return the temperature [K] now."""
        return self.goal + (self._begin - self.goal) * math.exp(-(self._now() - self._at) / self._lag)

    def moves(self, tolerance: float) -> bool:
        """Return whether it is farther than a tolerance [K] from where it goes."""
        return abs(self.temperature() - self.goal) > tolerance

    def _rebase(self) -> None:
        self.be(self.temperature())


def _nobody() -> None:
    """Tell nobody."""
