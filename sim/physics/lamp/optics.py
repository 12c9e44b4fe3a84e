"""Where light goes in a weakly coherent film on a reflecting foil."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Absorbed:
    """Hold shares of the incident light [1]: film, per cell (n,); foil, what enters it; reflected."""

    film: Array
    foil: float
    reflected: float


def absorb(edges: Array, absorption: float, mirror: float, reflectance: float) -> Absorbed:
    """Return what each cell of a film absorbs, integrated exactly over the cell.

    edges (n + 1,) [m] from the surface (0) to the foil, absorption a [m-1], mirror: reflectance of the foil
    seen from the film [1], reflectance of the film's surface from either side [1]. Beer-Lambert without
    interference; the light goes to the foil and back until it is gone: the downward flux below the surface is
    (1 - R) / (1 - R R_foil exp(-2 a d)), and the upward one at the foil R_foil exp(-a d) times that.
    Raises ValueError for a share outside [0, 1), an absorption that is not positive, or edges that do not rise
    from 0.
    """
    _require_share("mirror", mirror)
    _require_share("reflectance", reflectance)
    _require_absorption(absorption)
    if edges[0] != 0.0 or not np.all(np.diff(edges) > 0.0):
        raise ValueError("edges [m] must rise from 0")
    thickness = edges[-1]
    through = math.exp(-absorption * thickness)
    down = (1.0 - reflectance) / (1.0 - reflectance * mirror * through**2)
    up = down * through * mirror
    optical = absorption * np.diff(edges)
    going = np.exp(-absorption * edges[:-1]) * -np.expm1(-optical)
    coming = np.exp(-absorption * (thickness - edges[1:])) * -np.expm1(-optical)
    return Absorbed(
        film=down * going + up * coming,
        foil=down * through * (1.0 - mirror),
        reflected=reflectance + up * through * (1.0 - reflectance),
    )


def reflectance_for(absorptance: float, thickness: float, absorption: float, mirror: float) -> float:
    """Return the surface reflectance R [1] with which film and foil together absorb a given share.

    absorptance A [1], thickness d [m], absorption a [m-1], mirror [1]. With u = mirror exp(-2 a d) the stack
    absorbs A = (1 - R)(1 - u) / (1 - R u), hence R = (1 - u - A) / (1 - u - A u).
    Raises ValueError when even R = 0 absorbs less than A, or for a mirror or absorption that cannot be.
    """
    _require_share("mirror", mirror)
    _require_absorption(absorption)
    back = mirror * math.exp(-2.0 * absorption * thickness)
    if not 0.0 < absorptance <= 1.0 - back:
        raise ValueError(
            f"absorptance = {absorptance} is outside (0, {1.0 - back:.4f}], what this film can absorb"
        )
    return (1.0 - back - absorptance) / (1.0 - back - absorptance * back)


@dataclass(frozen=True)
class PhaseLaw:
    """Describe an absorptance [1] that goes with the phase of the film's top, as far as light sees it.

    A = crystalline + (amorphous - crystalline) (1 - X), with X the crystalline share weighted by exp(-a z).
    Raises ValueError for an absorptance outside (0, 1].
    """

    amorphous: float
    crystalline: float

    def __post_init__(self) -> None:
        for name in ("amorphous", "crystalline"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ValueError(f"absorptance.{name} = {getattr(self, name)} is outside (0, 1]")

    def __call__(self, share: float) -> float:
        """Return the absorptance [1] at a crystalline share [1] of the top."""
        return self.crystalline + (self.amorphous - self.crystalline) * (1.0 - share)


def seen_from_above(values: Array, edges: Array, absorption: float) -> float:
    """Return the mean of cell values (n,) weighted by exp(-a z), exact over cells with edges (n + 1,) [m]."""
    weights = -np.diff(np.exp(-absorption * edges))
    return float(values @ weights / weights.sum())


@dataclass(frozen=True)
class ThicknessLaw:
    """Describe an effective absorptance that falls with film thickness d, an empirical law.

    A = limit + excess exp(-d / scale); limit, excess [1], scale [m];
    thinnest and thickest [m] bound the films it may be asked about.
    """

    limit: float
    excess: float
    scale: float
    thinnest: float
    thickest: float

    def __call__(self, thickness: float) -> float:
        """Return the effective absorptance [1] of a film of thickness [m].

        Raises ValueError outside the law's range.
        """
        if not self.thinnest <= thickness <= self.thickest:
            raise ValueError(
                f"film thickness = {thickness * 1e6:.3g} um is outside [{self.thinnest * 1e6:.3g}, "
                f"{self.thickest * 1e6:.3g}] um, the range of the absorptance law"
            )
        return self.limit + self.excess * math.exp(-thickness / self.scale)


def law_through(points: Sequence[tuple[float, float]], thinnest: float, thickest: float) -> ThicknessLaw:
    """Return the law through three points (thickness [m], absorptance [1]), the thinnest first.

    Raises ValueError unless the three fall convexly, as an exponential does.
    """
    (thin, first), (middle, second), (thick, third) = points
    wanted = (first - third) / (second - third)

    def excess_ratio(scale: float) -> float:
        tail = math.exp(-(thick - thin) / scale)
        return (1.0 - tail) / (math.exp(-(middle - thin) / scale) - tail) - wanted

    shortest, longest = (middle - thin) / 100.0, (thick - thin) * 100.0
    if excess_ratio(shortest) * excess_ratio(longest) > 0.0:
        raise ValueError("no falling exponential goes through these three points")
    scale = _root(excess_ratio, shortest, longest)
    excess = (first - third) / (math.exp(-thin / scale) - math.exp(-thick / scale))
    return ThicknessLaw(first - excess * math.exp(-thin / scale), excess, scale, thinnest, thickest)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function changes its sign between two numbers, to the last digit, by bisection."""
    at_low = function(low)
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if function(middle) * at_low > 0.0 else (low, middle)
    return middle


def _require_share(name: str, value: float) -> None:
    if not 0.0 <= value < 1.0:
        raise ValueError(f"{name} = {value} is outside [0, 1)")


def _require_absorption(absorption: float) -> None:
    if not 0.0 < absorption < math.inf:
        raise ValueError(f"absorption = {absorption} 1/m must be positive and finite")
