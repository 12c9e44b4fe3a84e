"""A match box between generator and gun: two capacitors, their optimum, and the power that comes back."""

import math
from dataclasses import dataclass

REFERENCE_PRESSURE, REFERENCE_POWER = 3.0, 120.0  # Pa, W, at which the optimum of a burning gun is given


@dataclass(frozen=True)
class MatchBox:
    """Describe a match box; positions of load and tune capacitor go from 0 to 1. All of it is guess.

    width [1]: distance from the optimum at which half of the power comes back; slew [1/s]; dark and burning: optimum
    (load, tune) without and with plasma; by_pressure and by_power: what the latter drifts with each unit of
    ln(p) and ln(P).
    """

    width: float = 0.08
    slew: float = 0.05
    dark: tuple[float, float] = (0.30, 0.75)
    burning: tuple[float, float] = (0.45, 0.60)
    by_pressure: tuple[float, float] = (0.01, -0.015)
    by_power: tuple[float, float] = (0.015, 0.01)

    def optimum(self, pressure: float, power: float) -> tuple[float, float]:
        """Return where load and tune [1] should be while it burns; pressure [Pa], forward power [W]."""
        by_pressure, by_power = math.log(pressure / REFERENCE_PRESSURE), math.log(power / REFERENCE_POWER)
        load = self.burning[0] + self.by_pressure[0] * by_pressure + self.by_power[0] * by_power
        tune = self.burning[1] + self.by_pressure[1] * by_pressure + self.by_power[1] * by_power
        return max(0.0, min(1.0, load)), max(0.0, min(1.0, tune))


def moved(box: MatchBox, position: float, goal: float, dt: float) -> float:
    """Return where a capacitor [1] is after dt [s] on its way to a goal [1]."""
    reach = box.slew * dt
    return max(position - reach, min(position + reach, goal))


def reflected_share(box: MatchBox, capacitors: tuple[float, float], optimum: tuple[float, float]) -> float:
    """Return the share of forward power [1] that comes back from a burning gun: d2 / (1 + d2).

    capacitors and optimum: (load, tune) [1]; d2 is their squared distance over the squared width.
    """
    distance = ((capacitors[0] - optimum[0]) ** 2 + (capacitors[1] - optimum[1]) ** 2) / box.width**2
    return distance / (1.0 + distance)
