"""Particles in a film, and what they cost in cells."""

import math


def pinhole_density(particles: float, area: float) -> float:
    """Return pinholes per area [1/m2] of particles [1] that fell on an area [m2], each making one."""
    return particles / area


def cell_yield(pinholes: float, area: float, edge: float = 0.0, shorts_per_metre: float = 0.0) -> float:
    """Return the share of cells [1] without a short: Poisson, exp(-D0 A - e P).

    pinholes D0 [1/m2], area A [m2]; edge P [m] cut dry, with e shorts per metre.
    """
    return math.exp(-pinholes * area - shorts_per_metre * edge)


def cut_area(width: float, length: float, kerf: float) -> float:
    """Return what is left [m2] of a cell of width and length [m] after a kerf with its misalignment [m]."""
    return (width - kerf) * (length - kerf)
