"""Which fits of a target a film goes by: those nearest to the conditions that it grows under."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.sputter.conditions import Conditions, Difference, differences

if TYPE_CHECKING:
    from labctl.films.rates import FilmFit


@dataclass(frozen=True)
class Applied:
    """A fit that a film goes by, with its weight [1] among them, and in what the film grows otherwise."""

    fit: FilmFit
    weight: float = 1.0
    apart: tuple[Difference, ...] = ()


def applied(fits: Sequence[FilmFit], wanted: Conditions) -> tuple[Applied, ...]:
    """Return by which of one target's fits, oldest first, a film goes; none where there is none.

    The newest under its own conditions; else the two with the next bias below and above, which is interpolated over
    its voltage, where they differ in nothing else; else the newest of the nearest, with what is different.
    """
    if not fits:
        return ()
    apart = [(fit, differences(fit.conditions, wanted)) for fit in reversed(fits)]
    fit, those = min(apart, key=lambda each: math.hypot(*(one.rate for one in each[1])))
    if not those:
        return (Applied(fit),)
    by_bias = [fit for fit, these in apart if [one.what for one in these] == ["bias"]]
    below = [fit for fit in by_bias if fit.bias_power < wanted.bias_power]
    above = [fit for fit in by_bias if fit.bias_power > wanted.bias_power]
    if not (below and above):
        return (Applied(fit, apart=those),)
    low, high = (
        max(below, key=lambda each: each.bias_power),
        min(above, key=lambda each: each.bias_power),
    )
    # The voltage of a bias goes with the root of its power.
    start, end, here = (math.sqrt(each) for each in (low.bias_power, high.bias_power, wanted.bias_power))
    share = (here - start) / (end - start)
    return Applied(low, 1.0 - share), Applied(high, share)


def between(values: Sequence[float], sds: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Return the mean of what one fit says, or two, and its relative uncertainty from theirs.

    A law between two may be bent by as much as they differ: a parabola through both leaves the line by so much.
    """
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True))
    own = math.hypot(*(w * v * sd for w, v, sd in zip(weights, values, sds, strict=True)))
    bent = math.prod(weights) * (max(values) - min(values))
    return mean, math.hypot(own, bent) / mean
