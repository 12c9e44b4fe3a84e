"""Many cells of one sheet at once: what varies over it, and the maps that a wafer prober would take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter

from sim.physics.cell.data import CellError, CellParameters
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.impedance import assemble, film_response
from sim.physics.cell.interfaces import Interfaces

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_TABLE_POINTS = 600  # of the response of the film over frequency: the cubic between is within 1e-6 (tested)
_DISCHARGE_POINTS = 4000
_EMPTY = 1e-3  # V: a shorted cell below this counts as flat


@dataclass(frozen=True)
class Variation:
    """Say how cells differ over a sheet: relative standard deviations [-], and how far they hang together.

    thickness of film and electrolyte, diffusivity and exchange current of the film; correlation: the length
    [cells] over which they change; short_share [-] of the cells is shorted by short_resistance [ohm m2], each
    by that times or over 10 at most (log-normal, one standard deviation is half a decade).
    Raises CellError for a number outside its range.
    """

    thickness: float = 0.0
    electrolyte: float = 0.0
    diffusivity: float = 0.0
    exchange: float = 0.0
    correlation: float = 5.0
    short_share: float = 0.0
    short_resistance: float = 1.0

    def __post_init__(self) -> None:
        spreads = (self.thickness, self.electrolyte, self.diffusivity, self.exchange)
        if not all(0.0 <= spread < 1.0 for spread in spreads):
            raise CellError(f"spreads of a sheet must be in [0, 1), got {spreads!r}")
        if not (self.correlation > 0.0 and 0.0 <= self.short_share <= 1.0 and self.short_resistance > 0.0):
            raise CellError("correlation, short_share or short_resistance of a sheet is outside its range")


@dataclass(frozen=True, eq=False)
class Sheet:
    """Hold factors [-] on a cell's film thickness, electrolyte thickness, D and i0, and its leak [S/m2].

    All have the shape of the sheet (rows, columns).
    """

    thickness: Floats
    electrolyte: Floats
    diffusivity: Floats
    exchange: Floats
    leak: Floats


def make_sheet(rows: int, columns: int, variation: Variation, seed: int) -> Sheet:
    """Return a sheet of cells drawn from a variation; a seed gives the same sheet every time."""
    random = np.random.default_rng(seed)
    shape = (rows, columns)

    def factor(spread: float) -> Floats:
        smooth = gaussian_filter(random.standard_normal(shape), variation.correlation, mode="wrap")
        return np.asarray(np.exp(spread * (smooth - smooth.mean()) / max(float(smooth.std()), 1e-300)))

    thickness, electrolyte = factor(variation.thickness), factor(variation.electrolyte)
    diffusivity, exchange = factor(variation.diffusivity), factor(variation.exchange)
    shorted = random.random(shape) < variation.short_share
    decades = np.clip(0.5 * random.standard_normal(shape), -1.0, 1.0)
    leak = np.where(shorted, 10.0**decades / variation.short_resistance, 0.0)
    return Sheet(thickness, electrolyte, diffusivity, exchange, leak)


def discharge_curve(parameters: CellParameters, voltage: float) -> tuple[Floats, Floats]:
    """Return potentials [V] (n,), falling from one, and T(U) [1/V] (n,) = integral of -dx/du / u from U to that one.

    The film is taken as at rest in itself: every leak empties it along the same curve t(U) = R q T(U).
    """
    potentials = np.geomspace(voltage, _EMPTY, _DISCHARGE_POINTS)
    _, _, filling = parameters.ocp.filling(potentials)
    grain = -filling  # dU / U is d ln U
    passed = np.concatenate(([0.0], np.cumsum(0.5 * (grain[1:] + grain[:-1]) * -np.diff(np.log(potentials)))))
    return potentials, passed


def open_circuit_map(parameters: CellParameters, sheet: Sheet, voltage: float, rest: float) -> Floats:
    """Return the voltage [V] of every cell after a rest [s] from one voltage [V] on."""
    potentials, passed = discharge_curve(parameters, voltage)
    sites = float(np.sum(parameters.site_density * np.diff(parameters.edges)))
    asked = rest * (1.0 / parameters.leak_resistance + sheet.leak) / (sites * sheet.thickness)
    return np.asarray(np.interp(asked, passed, potentials, right=0.0))


class SheetSpectra:
    """Give the impedance of every cell of a sheet at given frequencies, all cells in one state of charge.

    The film's response depends on thickness and diffusivity in one way only, L / D times a function of
    f L^2 / D: it is tabulated once for the profile of the cell and read for all.
    """

    def __init__(self, parameters: CellParameters) -> None:
        self._parameters = parameters
        edges, diffusivity = np.array(parameters.edges), np.array(parameters.diffusivity)
        film = PlanarFilm(edges, diffusivity, parameters.site_density)
        slowest = float(film.rates[0]) / (2.0 * np.pi)
        self._logarithms = np.linspace(np.log(1e-6 * slowest), np.log(1e13 * slowest), _TABLE_POINTS)
        response = film_response(edges, diffusivity, parameters.site_density, np.exp(self._logarithms))
        self._table = CubicSpline(self._logarithms, np.log(-response))

    def impedance(self, sheet: Sheet, lithium: Floats | float, frequency: Floats) -> Complexes:
        """Return the impedance [ohm] (rows, columns, m) at x [-] of each cell, or of all, and frequencies [Hz] (m,).

        Raises CellError for frequencies outside the table, which spans 19 decades around the film's own.
        """
        parameters = self._parameters
        ratio = sheet.thickness**2 / sheet.diffusivity
        scaled = np.log(frequency) + np.log(ratio)[..., None]
        if scaled.min() < self._logarithms[0] or scaled.max() > self._logarithms[-1]:
            raise CellError("frequencies [Hz] are too far from those of the film")
        universal = np.asarray(np.exp(self._table(scaled)), dtype=np.complex128)
        response = -universal * (sheet.thickness / sheet.diffusivity)[..., None]
        slope, transfer, anode = _at_rest(parameters, lithium)
        cathode = np.asarray((transfer / sheet.exchange)[..., None] + slope[..., None] * response)
        electrolyte = (parameters.electrolyte_resistance * sheet.electrolyte)[..., None]
        inside = assemble(
            frequency,
            cathode,
            anode,
            electrolyte,
            parameters.contact_resistance,
            (
                parameters.cathode_capacitance,
                parameters.anode_capacitance,
                parameters.electrolyte_capacitance / sheet.electrolyte[..., None],
            ),
        )
        leak = (1.0 / parameters.leak_resistance + sheet.leak)[..., None]
        return np.asarray(inside / (1.0 + leak * inside) / parameters.area)


def _at_rest(parameters: CellParameters, lithium: Floats | float) -> tuple[Floats, Floats, float]:
    """Return dU/dx [V] and the resistances of charge transfer on cathode and anode [ohm m2] at x [-] (...)."""
    ocp = parameters.ocp
    faces = Interfaces(
        ocp, parameters.cathode_exchange_current, parameters.anode_exchange_current, 0.0, 1.0, 0.0
    )
    filled, where = np.unique(lithium, return_inverse=True)
    drop = faces.at_potential(np.asarray(ocp.potential(filled)), np.zeros(filled.size))
    anode = faces.anode_resistance(0.0)
    shape = np.shape(lithium)
    slope, transfer = (each[where].reshape(shape) for each in (1.0 / drop.filling, drop.to_density - anode))
    return slope, transfer, anode
