"""What becomes of sputtered particles on their way through gas: Keller and Simmons."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Split:
    """Hold where sputtered particles end [1], in sum 1: straight on, by diffusion forward, by diffusion back."""

    ballistic: float
    forward: float
    back: float

    @property
    def forwards(self) -> float:
        """Return kappa [1], the share that goes on towards the substrate."""
        return self.ballistic + self.forward


def collisions(pressure: float, distance: float, reach: float) -> float:
    """Return u = p d / (p d)0 [1]; pressure [Pa], distance [m], reach (p d)0 [Pa m]."""
    return pressure * distance / reach


def kappa(u: float) -> float:
    """Return the share that arrives (1 - exp(-u)) / u [1] after u collision lengths."""
    return -math.expm1(-u) / u if u > 0.0 else 1.0


def split(u: float) -> Split:
    """Return what arrives straight exp(-u), by diffusion kappa - exp(-u), and what goes back 1 - kappa."""
    through, straight = kappa(u), math.exp(-u)
    return Split(straight, through - straight, 1.0 - through)
