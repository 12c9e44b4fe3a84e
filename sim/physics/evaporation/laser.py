"""Pulsed laser deposition: what a pulse adds, where, and what it takes from the composition."""

import math
from dataclasses import dataclass

BUFFERLESS = 1e-6  # m beyond which a film without a buffer layer peels off (PVD review)
LITHIUM_LOSS = 5e-6  # m2/J, share of lithium lost with fluence above the threshold, guess


@dataclass(frozen=True)
class Laser:
    """Describe ablation: growth r0 [m per pulse and J/m2] above a threshold [J/m2], exponent n of the plume's cos^n."""

    growth: float = 0.035e-9 / 1.2e4  # guess: 2.5 um/h (PVD review gives 2 to 3) at 20 Hz and 2 J/cm2
    threshold: float = 0.8e4  # guess
    exponent: float = 8.0  # recalled

    def per_pulse(self, fluence: float, angle: float = 0.0) -> float:
        """Return the growth [m] of one pulse: r0 max(0, F - Fth) cos^n; fluence F [J/m2], angle [rad] off the axis."""
        along = float(math.cos(angle) ** self.exponent)
        return self.growth * max(0.0, fluence - self.threshold) * along

    def lithium_kept(self, fluence: float) -> float:
        """Return what is left of Li/Co [1] of the target; all else is transferred as it is."""
        return max(0.0, 1.0 - LITHIUM_LOSS * max(0.0, fluence - self.threshold))


def peels(thickness: float, buffered: bool) -> bool:
    """Return whether a film of thickness [m] comes off; buffered: it grew on a buffer layer."""
    return thickness > BUFFERLESS and not buffered
