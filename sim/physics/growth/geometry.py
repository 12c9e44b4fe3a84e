"""Where sputtered particles land: a ring source that looks at a substrate from the side, with and without rotation."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ANGLES = 32  # of a turn of the substrate: exact to round-off within a 100 mm wafer
GROOVE_POINTS = 16  # of the ring source


@dataclass(frozen=True)
class Throw:
    """Describe how a gun stands before the substrate, which lies in the plane z = 0 around the axis.

    ring [m]: distance of the gun from the axis; height [m]; aim [m]: where on its own side of the axis it looks at the
    plane; groove [m]: radius of the ring on the target that emits; exponent n of its cos^n law. Defaults: guess,
    a chamber of six 2-inch guns; uniformity follows.
    """

    ring: float = 0.11
    height: float = 0.12
    aim: float = 0.03
    groove: float = 0.013
    exponent: float = 1.0

    @property
    def distance(self) -> float:
        """Return the throw [m] from the target's middle to the point it looks at."""
        return math.hypot(self.ring - self.aim, self.height)


def share_per_area(throw: Throw, x: ArrayLike, y: ArrayLike, turns: bool = True) -> Array:
    """Return the share of all particles that lands on a unit of area [1/m2] at x, y [m] on the substrate, no gas.

    x, y of one shape, the result's; the gun is at x = ring, y = 0 when the substrate stands still. turns: whether
    it rotates, which means the mean over a turn (from 5 rpm on, over hours, parts of a turn are nothing).
    """
    places = np.asarray(x, dtype=float) + 1j * np.asarray(y, dtype=float)
    phases = 2.0 * np.pi * np.arange(ANGLES if turns else 1) / ANGLES
    return np.asarray(_received(throw, places[..., None] * np.exp(1j * phases)).mean(axis=-1))


def uniformity(profile: Array) -> float:
    """Return half the range of a thickness over its middle [1]: +- (max - min) / (max + min)."""
    return float((profile.max() - profile.min()) / (profile.max() + profile.min()))


def _sources(throw: Throw) -> tuple[Array, Array]:
    """Return the points (n, 3) [m] that emit and the direction (3,) they look in."""
    axis = np.array([throw.aim - throw.ring, 0.0, -throw.height]) / throw.distance
    across = np.array([-axis[2], 0.0, axis[0]])
    phases = 2.0 * np.pi * np.arange(GROOVE_POINTS) / GROOVE_POINTS
    ring = np.cos(phases)[:, None] * across + np.sin(phases)[:, None] * np.array([0.0, 1.0, 0.0])
    return np.array([throw.ring, 0.0, throw.height]) + throw.groove * ring, axis


def _received(throw: Throw, places: NDArray[np.complex128]) -> Array:
    """Return (n + 1) / 2 pi cos^n(emission) cos(arrival) / distance^2 [1/m2] at x + i y, mean over the sources."""
    sources, axis = _sources(throw)
    ways = np.stack((places.real, places.imag, np.zeros(places.shape)), axis=-1)[..., None, :] - sources
    squares = np.sum(ways**2, axis=-1)
    distances = np.sqrt(squares)
    leaving = np.clip(ways @ axis / distances, 0.0, None) ** throw.exponent
    arriving = sources[:, 2] / distances
    return np.asarray((throw.exponent + 1.0) / (2.0 * np.pi) * (leaving * arriving / squares).mean(axis=-1))
