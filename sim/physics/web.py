"""Roll-to-roll: the map of thickness on a web that moves through a deposition zone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Web:
    """Describe a web: how its speed and its source waver, and how the film thins towards its edges. All guess.

    zone l [m] of deposition; edge_loss [1]: what the film lacks at the edges, with the fourth power across; drift [1]
    of the source and its length [m] along the web; waver [1] of the speed, anew in each cell.
    """

    zone: float = 0.3
    edge_loss: float = 0.04
    drift: float = 0.01
    drift_length: float = 2.0
    waver: float = 0.003


def thickness_for(rate: float, zone: float, speed: float) -> float:
    """Return the thickness [m] at a rate [m/s] over a zone [m] and a speed of the web [m/s]: R l / v."""
    return rate * zone / speed


def thickness_map(
    web: Web, thickness: float, length: float, shape: tuple[int, int], random: np.random.Generator
) -> Array:
    """Return the thickness [m] (along, across) of a web of length [m], the nominal thickness [m] in the middle.

    L0 (1 - 0.04 x^4) (1 + drift) times the mean of v0 / v over the zone that a cell went through, x from -1 to 1
    across. The web before the first and after the last cell is made too, so that no end looks thin.
    """
    along, across = shape
    cell = length / along
    in_zone = max(1, round(web.zone / cell))
    memory = float(np.exp(-cell / web.drift_length))
    noise = random.standard_normal(along)
    noise[1:] *= np.sqrt(1.0 - memory**2)
    drift = np.asarray(lfilter([1.0], [1.0, -memory], noise))
    slowness = 1.0 / (1.0 + web.waver * random.standard_normal(along + in_zone))
    dwell = uniform_filter1d(slowness, in_zone)[in_zone // 2 : in_zone // 2 + along]
    profile = 1.0 - web.edge_loss * np.linspace(-1.0, 1.0, across) ** 4
    return np.asarray(thickness * np.outer((1.0 + web.drift * drift) * dwell, profile))
