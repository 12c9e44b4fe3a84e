"""Small signals: the impedance of a cell from the same film and interfaces that carry large ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

from sim.physics.cell.data import SURFACE_MARGIN, CellError, CellParameters, CellState
from sim.physics.cell.diffusion import PlanarFilm
from sim.physics.cell.finite_volume_stage import Dependence
from sim.physics.cell.interfaces import Interfaces

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def film_response(edges: Floats, diffusivity: Floats, sites: Floats, frequency: Floats) -> Complexes:
    """Return how much x at the surface rises [-] per current taken out [A/m2], at frequencies [Hz] (m,).

    edges [m] (n + 1,) or (..., n + 1), diffusivity [m2/s] and sites [C/m3] (n,) or (..., n): leading axes are
    cells. The film is taken as uniform layers, each solved exactly (s = sqrt(j omega / D) w, tanh), from the
    wall at the back to the front: no mesh error up to any frequency. Uniform: -coth(s) / (a D s / L).
    """
    widths = np.diff(edges)[..., None]
    root = np.sqrt(2j * np.pi * frequency / diffusivity[..., None])
    carrying = sites[..., None] * diffusivity[..., None] * root  # current per x, of a layer without an end
    turn = np.tanh(np.minimum((root * widths).real, 300.0) * (1.0 + 1.0j))
    behind = np.zeros(np.broadcast_shapes(carrying[..., -1, :].shape), dtype=np.complex128)
    for layer in range(diffusivity.shape[-1] - 1, -1, -1):
        own, bent = carrying[..., layer, :], turn[..., layer, :]
        behind = own * (behind + own * bent) / (own + behind * bent)
    return np.asarray(-1.0 / behind)


def modal_response(film: PlanarFilm, frequency: Floats) -> Complexes:
    """Return the same as `film_response` from the modes of a film, with the error of its finite volumes."""
    turning = 2j * np.pi * frequency
    modes = (film.drive**2 / (turning[:, None] + film.rates)).sum(axis=1)
    return np.asarray(-(1.0 / (film.capacity * turning) + modes + film.surface_resistance))


def dependent_response(
    film: PlanarFilm, dependence: Dependence, lithium: Floats, frequency: Floats
) -> Complexes:
    """Return the same for a film whose diffusivity depends on x, about a profile x [-] (n,).

    The flux g (F(x_j+1) - F(x_j)) of the finite-volume engine made linear: g (f_j+1 dx_j+1 - f_j dx_j), with
    the error of its mesh. It is the response of what is left in front of the surface: the surface itself
    follows f(x_s) dx_s = f(x_1) dx_1 - r i.
    """
    factor = dependence.factor(lithium)
    bands = np.zeros((3, lithium.size), dtype=np.complex128)
    bands[0, 1:] = -film.conductance * factor[1:]
    bands[2, :-1] = -film.conductance * factor[:-1]
    still = -(np.append(bands[2, :-1], 0.0) + np.insert(bands[0, 1:], 0, 0.0))
    drawn = np.zeros(lithium.size)
    drawn[0] = -1.0
    found = np.empty(frequency.size, dtype=np.complex128)
    for number, turning in enumerate(2j * np.pi * frequency):
        bands[1] = turning * film.amounts + still
        found[number] = solve_banded((1, 1), bands, drawn, check_finite=False)[0]
    return np.asarray(factor[0] * found - film.surface_resistance)


def impedance(
    parameters: CellParameters,
    state: CellState,
    frequency: Floats,
    bias: float = 0.0,
    dependence: Dependence | None = None,
) -> Complexes:
    """Return the impedance [ohm] (m,) of a cell at frequencies [Hz] (m,) in any state.

    bias [A] is a direct current that flows meanwhile; dependence: how D depends on x, as the finite-volume
    engine takes it (not at all). A potentiostat and a galvanostat measure the same, as
    the signal is small. On each electrode the double layer is in parallel with charge transfer (and, on the
    cathode, with diffusion behind it); the electrolyte is a resistance and a capacitance in parallel; a leak
    is in parallel with all of it. The electrolyte's capacitance is in the spectrum only: its time of 0.1 us
    is below every step of either engine, for which the electrolyte is a resistance.
    Raises CellError for frequencies that are not positive or a bias that the surface cannot carry.
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    if frequency.ndim != 1 or not np.all(np.isfinite(frequency) & (frequency > 0.0)):
        raise CellError("frequencies must be a vector of positive numbers [Hz]")
    edges, sites = np.array(parameters.edges), parameters.site_density
    diffusivity = np.array(parameters.diffusivity)
    film = PlanarFilm(edges, diffusivity, sites)
    faces = Interfaces.of(parameters, state)
    density = bias / parameters.area
    lithium, drop_to_surface = np.array(state.lithium), film.surface_resistance * density / faces.active
    surface = _surface(dependence, float(lithium[0]), drop_to_surface)
    if not SURFACE_MARGIN < surface < 1.0 - SURFACE_MARGIN:
        raise CellError(f"the surface of the film cannot carry {bias!r} A from this state")
    drop = faces.at_potential(np.atleast_1d(faces.ocp.potential(surface)), np.array([density]))
    slope = float(drop.to_potential[0] / drop.filling[0])  # of U + eta_c, per x
    anode = faces.anode_resistance(density)
    transfer = float(drop.to_density[0]) - faces.resistance - anode
    if dependence is None:
        response = film_response(edges, diffusivity, sites, frequency)
    else:
        slope /= float(dependence.factor(np.array([surface]))[0])
        response = dependent_response(film, dependence, lithium, frequency)
    diffusion = slope * response / faces.active
    resistance = parameters.electrolyte_resistance
    inside = assemble(
        frequency,
        transfer + diffusion,
        anode,
        resistance,
        faces.resistance - resistance,
        (parameters.cathode_capacitance, parameters.anode_capacitance, parameters.electrolyte_capacitance),
    )
    return np.asarray(1.0 / (1.0 / inside + faces.leak_conductance) / parameters.area)


def _surface(dependence: Dependence | None, front: float, drop: float) -> float:
    """Return x at the surface [-], where F(x) is a drop below F of the first volume; NaN where there is none."""
    if dependence is None:
        return front - drop

    def astray(lithium: float) -> float:
        ends = dependence.integral(np.array([lithium, front]))
        return float(ends[0] - ends[1]) + drop

    if astray(0.0) > 0.0 or astray(1.0) < 0.0:
        return math.nan
    # Slow to import: a session opens without.
    from scipy.optimize import brentq

    return float(brentq(astray, 0.0, 1.0, xtol=1e-15))


def assemble(
    frequency: Floats,
    cathode: Complexes,
    anode: Floats | float,
    electrolyte: Floats | float,
    contact: Floats | float,
    capacitances: tuple[float, float, Floats | float],
) -> Complexes:
    """Return the impedance of all layers in series [ohm m2], each with its capacitance in parallel.

    frequency [Hz] (m,); cathode (..., m), anode, electrolyte and contact (..., 1) or plain numbers [ohm m2];
    capacitances of cathode, anode and electrolyte [F/m2].
    """
    turning = 2j * np.pi * frequency
    layers = zip((cathode, anode, electrolyte), capacitances, strict=True)
    series = sum(layer / (1.0 + turning * capacitance * layer) for layer, capacitance in layers)
    return np.asarray(series + contact)


def regular_frequencies(highest: float = 1e5, lowest: float = 1e-1, count: int = 31) -> Floats:
    """Return frequencies [Hz] evenly spaced on a logarithmic scale, from the highest down."""
    return np.asarray(10.0 ** np.linspace(math.log10(highest), math.log10(lowest), count))
