"""Shadow masks: the area of a cell, and how far its edge is blurred by a gap below the mask."""

import math
import re
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


_NUMBER = r"(\d+(?:\.\d+)?)"
_CIRCLE = re.compile(rf"circle {_NUMBER} mm")
_RECTANGLE = re.compile(rf"rectangle {_NUMBER} mm x {_NUMBER} mm")
_AREA = re.compile(rf"rectangle {_NUMBER} cm\^2")


def opening_of(mask: str) -> Opening:
    """Return the opening of a mask by the words that are written on it.

    "circle 1 mm", "rectangle 3 mm x 5 mm", or "rectangle 0.15 cm^2", which is a square. Raises ValueError for others.
    """
    if found := _CIRCLE.fullmatch(mask):
        return circle(1e-3 * float(found[1]))
    if found := _RECTANGLE.fullmatch(mask):
        return rectangle(1e-3 * float(found[1]), 1e-3 * float(found[2]))
    if found := _AREA.fullmatch(mask):
        side = math.sqrt(1e-4 * float(found[1]))
        return rectangle(side, side)
    raise ValueError(
        f"mask = {mask!r} is none that the twins know: 'circle 1 mm', 'rectangle 3 mm x 5 mm' or"
        " 'rectangle 0.15 cm^2'"
    )


def half_shadow(gap: float, source: float, distance: float) -> float:
    """Return the width [m] of the edge from full thickness to none: gap D / h.

    gap [m] between mask and substrate, source D [m] across, distance h [m] from source to mask.
    """
    return gap * source / distance


def area_error(opening: Opening, shadow: float) -> float:
    """Return by which share [1] the area is uncertain, up and down: half a shadow [m] wide around the perimeter."""
    return 0.5 * shadow * opening.perimeter / opening.area


def covered_area(opening: Opening, shadow: float) -> float:
    """Return the area [m2] on which there is film at all: up to the outer edge of a half-shadow [m].

    Half of the half-shadow lies outside the opening; a film conducts, and makes a cell, where it is thin too.
    """
    return opening.area * (1.0 + area_error(opening, shadow))
