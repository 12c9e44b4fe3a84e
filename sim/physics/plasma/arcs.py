"""Arcs on a target: rare on one that is conditioned, ten times as many on one that comes from air."""

import math

from sim.physics.plasma.hazard import chance

RATE = 0.5 / 3600.0  # 1/s on a conditioned target, guess
FRESH = 9.0  # how many times more on a target from air, guess
CONDITIONING = 0.02 * 3.6e6  # J, 0.02 kWh of sputtering, guess
COLLAPSE = 5e-3  # s for which an arc takes the bias away and throws all power back, guess
PARTICLE = 0.3  # particles that an arc brings onto the substrate, guess
_NEWTON = 50  # steps at most; it ends far sooner


def arc_rate(conditioned: float) -> float:
    """Return the rate of arcs [1/s] on a target that has taken `conditioned` [J] since it was in air."""
    return RATE * (1.0 + FRESH * math.exp(-conditioned / CONDITIONING))


def arcs_expected(conditioned: float, power: float, dt: float) -> float:
    """Return the integral of arc_rate over dt [s] at a constant power [W]."""
    if power <= 0.0:
        return arc_rate(conditioned) * dt
    time = CONDITIONING / power
    return RATE * (dt - FRESH * math.exp(-conditioned / CONDITIONING) * time * math.expm1(-dt / time))


def time_to_arc(left: float, conditioned: float, power: float, factor: float = 1.0) -> float:
    """Return after how long [s] arcs_expected reaches left / factor [1], by Newton's method from below.

    power [W] is constant and positive; factor multiplies the rate, as a cracked target does.
    """
    time = 0.0
    for _ in range(_NEWTON):
        missing = left / factor - arcs_expected(conditioned, power, time)
        time += missing / arc_rate(conditioned + power * time)
        if missing <= 1e-12 * left:
            break
    return time


def particles_of(seed: int, first: int, count: int) -> int:
    """Return how many particles arcs `first` to `first + count - 1` of a seed bring."""
    return sum(chance(~seed, number) < PARTICLE for number in range(first, first + count))
