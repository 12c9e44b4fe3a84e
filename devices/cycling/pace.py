"""How often an instrument is asked for the rows that it took."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST_PERIOD = 1.0
"""Seconds between questions for rows that fall faster; guess, an answer holds a thousand."""

AFTER_ROW = 0.01
"""Of the time between two questions, by which one comes after the row that it is for."""


@dataclass(frozen=True)
class Pace:
    """Seconds between questions for rows at the most, and for how long a silent link is borne."""

    poll_period: float
    patience: float


def next_question(interval: float, longest: float, since: float) -> float:
    """Return in how many seconds to ask for rows that fall each `interval` [s], `since` [s] after the last one.

    Just after a row falls, and at whole parts of that time where it is longer than `longest` [s]: what was not asked
    for when an instrument loses it is then one sample at the most, also where a step ended between two. Not more often
    than each LEAST_PERIOD.
    """
    between = max(interval / math.ceil(interval / longest), min(LEAST_PERIOD, longest))
    return between * (1.0 + AFTER_ROW) - since % between
