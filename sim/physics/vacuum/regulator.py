"""Pressure held by a throttle: a PI law on the logarithm of the pressure, which does not wind up."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Regulator:
    """Describe a PI law: gain [1], integral_time [s], and the error in ln(p) beyond which it does not count [1].

    Guess: with these both recipes of the FLA paper settle to 1 % within 30 s, 3 Pa of argon and 0.4 Pa of nitrogen,
    between which the time constant of the vessel changes 15-fold.
    """

    gain: float = 0.25
    integral_time: float = 3.0
    largest_error: float = 1.0

    def error(self, pressure: float, set_point: float) -> float:
        """Return ln(p / set point) within its limits; no pressure at all counts as far too low."""
        if pressure <= 0.0:
            return -self.largest_error
        return max(-self.largest_error, min(self.largest_error, math.log(pressure / set_point)))


def begin(regulator: Regulator, position: float, error: float) -> float:
    """Return the integral with which a throttle stays at its position when it begins to regulate."""
    return position - regulator.gain * error


def regulate(regulator: Regulator, integral: float, error: float, dt: float) -> tuple[float, float]:
    """Return the integral after dt [s] and the position, 0 to 1, that the throttle is sent to.

    error [1] from Regulator.error, positive where the pressure is too high. The integral stands still while the
    position is at a limit and the error pushes it further.
    """
    grown = integral + regulator.gain * error * dt / regulator.integral_time
    wanted = grown + regulator.gain * error
    if (wanted > 1.0 and error > 0.0) or (wanted < 0.0 and error < 0.0):
        grown = integral
    return grown, max(0.0, min(1.0, wanted))
