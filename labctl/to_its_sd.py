"""Numbers as long as they are known: to the second digit of their standard uncertainty [GUM, 7.2.6]."""

from __future__ import annotations

import math

MOST_DIGITS = 6
"""Of a number whose uncertainty nobody says."""


def places_of(value: float, sd: float) -> int:
    """Return how many places behind the point are known of a value; below zero for tens and more."""
    if sd > 0.0 and math.isfinite(sd):
        # Rounding first: 0.0996 has its second digit where 0.10 has it.
        return 1 - math.floor(math.log10(float(f"{sd:.1e}")))
    return MOST_DIGITS - 1 - (math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0)


def rounded(value: float, sd: float) -> float:
    """Return a value without the digits that are not known."""
    return round(value, places_of(value, sd)) if math.isfinite(value) else value


def with_sd(value: float, sd: float, unit: str) -> str:
    """Return a value with its standard uncertainty: "0.700 +- 0.035 um"; as short as it is without one."""
    if not (sd > 0.0 and math.isfinite(sd)):
        return f"{value:.{MOST_DIGITS}g} {unit}"
    places = places_of(value, sd)
    shown, spread = (f"{round(each, places):.{max(places, 0)}f}" for each in (value, sd))
    return f"{shown} +- {spread} {unit}"
