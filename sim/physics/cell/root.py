"""Newton's method on one number that never leaves the bracket it was given."""

from __future__ import annotations

import math
from collections.abc import Callable

_MOST_STEPS = 200  # halving alone narrows any bracket of doubles in fewer


def root(
    function: Callable[[float], tuple[float, float]],
    first: tuple[float, float],
    last: tuple[float, float],
    settled: float,
) -> float:
    """Return where a function vanishes between two places at which its signs differ.

    function: gives its value and its derivative at a place; first, last: place and value at either end. It
    ends with the first step of Newton's method shorter than `settled` > 0; a step that leaves the bracket is
    replaced by half of the bracket. Where round-off has left both ends on one side, the nearer one is the root.

    Raises ArithmeticError where no step settles.
    """
    (before, low), (after, high) = first, last
    if low * high >= 0.0:
        return before if abs(low) <= abs(high) else after
    place = before - low * (after - before) / (high - low)
    for _ in range(_MOST_STEPS):
        value, slope = function(place)
        if value * high >= 0.0:
            after = place
        else:
            before = place
        closer = place - value / slope if slope != 0.0 else math.inf
        if abs(closer - place) < settled:
            return min(max(closer, min(before, after)), max(before, after))
        if not min(before, after) < closer < max(before, after):
            closer = 0.5 * (before + after)
            if abs(after - before) < settled:
                return closer
        place = closer
    raise ArithmeticError(f"no root was found between {before!r} and {after!r}")
