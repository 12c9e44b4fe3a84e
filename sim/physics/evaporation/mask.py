"""Shadow masks: the area of a cell, and how far its edge is blurred by a gap below the mask."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Opening:
    """Describe an opening of a mask by its area [m2] and perimeter [m]."""

    area: float
    perimeter: float


def circle(diameter: float) -> Opening:
    """Return a round opening; diameter [m]."""
    return Opening(0.25 * math.pi * diameter**2, math.pi * diameter)


def rectangle(width: float, length: float) -> Opening:
    """Return a rectangular opening [m]."""
    return Opening(width * length, 2.0 * (width + length))


def half_shadow(gap: float, source: float, distance: float) -> float:
    """Return the width [m] of the edge from full thickness to none: gap D / h.

    gap [m] between mask and substrate, source D [m] across, distance h [m] from source to mask.
    """
    return gap * source / distance


def area_error(opening: Opening, shadow: float) -> float:
    """Return by which share [1] the area is uncertain, up and down: half a shadow [m] wide around the perimeter."""
    return 0.5 * shadow * opening.perimeter / opening.area
