"""Which cell a LiCoO2 film becomes, from what the anneal left at each depth: a labelled fit, no theory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.materials import cathode
from sim.physics.cell.data import CellParameters
from sim.physics.cell.diffusion import graded_edges

Floats = NDArray[np.float64]

_PER_AREA = 36.0  # C/m2 in one uAh/cm2


@dataclass(frozen=True)
class CapacityRow:
    """Compare one capacity: film [m], current [A/m2], paper and fit [C/m2]."""

    film: float
    current: float
    paper: float
    fit: float

    @property
    def residual(self) -> float:
        """Return fit / paper - 1 [-]."""
        return self.fit / self.paper - 1.0


@dataclass(frozen=True)
class AnnealedFilmFit:
    """Hold the numbers that lead from the peak temperature of an anneal to a cell, and how they were found.

    diffusivity [m2/s] at reference_temperature [K] and activation_temperature [K] of
    D(z) = diffusivity exp(-activation_temperature (1 / T_peak(z) - 1 / reference_temperature));
    amorphous_amount [-]: share of its sites that amorphous LiCoO2 offers, the crystal offering all;
    utilisation [-].
    """

    diffusivity: float
    reference_temperature: float
    activation_temperature: float
    amorphous_amount: float
    utilisation: float
    protocol: str
    source: str
    rows: tuple[CapacityRow, ...]


FIT = AnnealedFilmFit(
    diffusivity=10.0**-13.671,  # 2.1e-10 cm2/s; log10 is uncertain by .02
    reference_temperature=1083.0,
    activation_temperature=18.94e3,  # uncertain by .5e3
    amorphous_amount=0.5,  # fitted .50 +- .29: 0 misses the 212 uAh/cm2 row by -4.5 %, 1 by +4.6 %
    utilisation=cathode.UTILISATION,
    protocol=(
        "constant current both ways between 3.0 and 4.25 V, no holds, no rests, 8 cycles from the cell as made "
        "(20 for the 3.3 um film, until they repeat), discharge of the last; refit before using it for another "
        "protocol"
    ),
    source=(
        "capacities: FLA paper (flash lamp annealing of LiCoO2 on Al foil, 2021): 49, 30, 85, 44, 212 and "
        "46 uAh/cm2; its 10C row of the 3.3 um film is taken at 1447 uA/cm2. Peak temperature and "
        "crystallinity over depth: the flash twin at 850 V x 20, 900 V x 43 and 850 V x 300 pulses of 1.8 ms "
        "at 0.4 Hz (974 to 924, 1037 to 941, 1074 to 855 K from lamp side to foil). Least squares of the "
        "relative residuals, rms 1.8 %"
    ),
    rows=(
        CapacityRow(film=0.7e-6, current=0.50, paper=49 * _PER_AREA, fit=48.01 * _PER_AREA),
        CapacityRow(film=0.7e-6, current=5.00, paper=30 * _PER_AREA, fit=29.88 * _PER_AREA),
        CapacityRow(film=1.2e-6, current=0.86, paper=85 * _PER_AREA, fit=81.81 * _PER_AREA),
        CapacityRow(film=1.2e-6, current=8.60, paper=44 * _PER_AREA, fit=44.51 * _PER_AREA),
        CapacityRow(film=3.3e-6, current=0.315, paper=212 * _PER_AREA, fit=212.11 * _PER_AREA),
        CapacityRow(film=3.3e-6, current=14.47, paper=46 * _PER_AREA, fit=45.74 * _PER_AREA),
    ),
)


def annealed_cell(
    centres: Floats,
    widths: Floats,
    crystallinity: Floats,
    peak_temperature: Floats,
    *,
    area: float,
    fit: AnnealedFilmFit = FIT,
) -> CellParameters:
    """Return the parameters of the cell LiCoO2 / LiPON / Li built on an annealed film.

    centres, widths [m] (n,) of the depth cells, z = 0 at the lamp, where the electrolyte goes; crystallinity
    [-] (n,) in [0, 1]; peak_temperature [K] (n,) the hottest each depth has ever been; area [m2]. The amount
    of sites is carried over to the cell's own volumes exactly. The amorphous share counts once, as fewer
    sites: the diffusivity knows the peak temperature only.
    Raises ValueError for shapes that do not match, cells that do not tile the film, or values out of range.
    """
    _check_profile(centres, widths, crystallinity, peak_temperature)
    given = np.concatenate(([0.0], np.cumsum(widths)))
    edges = graded_edges(float(given[-1]))
    amount = crystallinity + fit.amorphous_amount * (1.0 - crystallinity)
    reached = np.interp(edges, given, np.concatenate(([0.0], np.cumsum(amount * widths))))
    share = fit.utilisation * np.diff(reached) / np.diff(edges)
    temperature = np.interp(0.5 * (edges[1:] + edges[:-1]), centres, peak_temperature)
    inverse = 1.0 / temperature - 1.0 / fit.reference_temperature
    diffusivity = fit.diffusivity * np.exp(-fit.activation_temperature * inverse)
    return cathode.cell_on(edges, diffusivity, area=area, active_share=share)


def _check_profile(centres: Floats, widths: Floats, crystallinity: Floats, peak_temperature: Floats) -> None:
    shapes = {np.shape(values) for values in (centres, widths, crystallinity, peak_temperature)}
    if len(shapes) != 1 or np.ndim(widths) != 1 or np.size(widths) == 0:
        raise ValueError(f"depth profiles must be vectors of one length, got shapes {sorted(shapes)}")
    if not (np.all(np.isfinite(widths)) and np.all(widths > 0.0)):
        raise ValueError("widths must be finite and positive [m]")
    tiling = np.cumsum(widths) - 0.5 * widths
    if not np.allclose(centres, tiling, rtol=0.0, atol=1e-3 * float(np.min(widths))):
        raise ValueError("centres and widths [m] do not tile the film from z = 0")
    if not np.all((crystallinity >= 0.0) & (crystallinity <= 1.0)):
        raise ValueError("crystallinity must be within [0, 1]")
    if not (np.all(np.isfinite(peak_temperature)) and np.all(peak_temperature > 0.0)):
        raise ValueError("peak temperature must be finite and positive [K]")
