"""Panels of time on which a current is a polynomial and diffusion under it is exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import eval_legendre, ive, roots_jacobi

from sim.physics.cell.diffusion import PlanarFilm

Floats = NDArray[np.float64]

ORDER = 18  # nodes of a panel: fewer make more panels, more make each of them dearer (measured)
STRETCH = 8  # panels that are solved as one, the borders a factor apart: from first to last four decades
_APART = 4.0  # what began at the start of the first is then resolved in each of them
_HUGE = 1e8  # argument beyond which the Bessel functions are replaced by their asymptote, exact to 1e-6 of it
_FEW = 64  # places up to which one call that starts anew at each order beats a loop over the orders
_TINY = 1e-16  # argument below which they are those of nothing, to round-off; the last would underflow


def _radau() -> tuple[Floats, Floats]:
    """Return nodes (the last is 1) and weights of Radau quadrature on [0, 1], exact to degree 2 ORDER - 2."""
    inner, _ = roots_jacobi(ORDER - 1, 1.0, 0.0)
    nodes = np.append(inner, 1.0)
    moments = np.zeros(ORDER)
    moments[0] = 2.0
    weights = np.linalg.solve(legendre.legvander(nodes, ORDER - 1).T, moments)
    return 0.5 * (nodes + 1.0), np.asarray(0.5 * weights, dtype=np.float64)


NODES, WEIGHTS = _radau()
TO_COEFFICIENTS: Floats = np.asarray(
    np.linalg.inv(legendre.legvander(2.0 * NODES - 1.0, ORDER - 1)), dtype=np.float64
)


def interpolation(places: Floats) -> Floats:
    """Return the matrix (n, ORDER) from values at the nodes to values at places [-] (n,) in [0, 1]."""
    return legendre_values(2.0 * places - 1.0, ORDER) @ TO_COEFFICIENTS


def legendre_values(arguments: Floats, count: int) -> Floats:
    """Return the first `count` Legendre polynomials (n, count) at arguments [-] (n,) in [-1, 1]."""
    if arguments.size > _FEW:
        return np.asarray(legendre.legvander(arguments, count - 1))
    return np.asarray(eval_legendre(np.arange(count), arguments[:, None]))


def _slopes() -> Floats:
    unit = legendre.legder(np.eye(ORDER))
    return np.asarray(2.0 * legendre.legvander(2.0 * NODES - 1.0, ORDER - 2) @ unit @ TO_COEFFICIENTS)


SLOPES: Floats = _slopes()  # from values at the nodes to derivatives there, per panel length
# Coefficients on [0, node] of a polynomial given by its values on [0, 1]: (node, coefficient, value).
_SHORTENED: Floats = np.stack([TO_COEFFICIENTS @ interpolation(node * NODES) for node in NODES])


_ODD = np.arange(2.0 * ORDER - 3.0, 1.0, -2.0)


def _decaying_moments(argument: Floats) -> Floats:
    """Return E_m(z) = integral of exp(-z (1 - u)) P_m(2 u - 1) over u in [0, 1], with m leading (ORDER, ...).

    E_m(z) = exp(-y) i_m(y) with y = z / 2 and i_m the modified spherical Bessel function; two orders are
    computed and the others follow by the recurrence downwards, which is stable.
    """
    half = 0.5 * argument
    inside = np.clip(half, _TINY, _HUGE)
    scale = np.sqrt(0.5 * np.pi / inside) * np.minimum(1.0, inside / np.maximum(half, inside))
    upwards = np.multiply.outer(_ODD, 1.0 / inside)
    above, here = (scale * ive(order + 0.5, inside) for order in (ORDER - 1, ORDER - 2))
    moments = [above, here]
    for factor in upwards:
        above, here = here, above + factor * here
        moments.append(here)
    return np.array(moments[::-1])


@dataclass(frozen=True, eq=False)
class Panel:
    """Advance the modes of a film over one length of time [s], the current given at the nodes.

    decays (m,): what is left of each mode at the end; gains (m, ORDER): what the current [A/m2] at the nodes
    adds to it. surface_decays (ORDER, m) and surface_gains (ORDER, ORDER): the same for x at the surface at
    the nodes, the mean included.
    """

    length: float
    decays: Floats
    gains: Floats
    surface_decays: Floats
    surface_gains: Floats


@dataclass(frozen=True, eq=False)
class Stretch:
    """Relate the current at all nodes of panels in a row to x at the surface at all of them, n = STRETCH * ORDER.

    Each panel reaches _APART times as far as the one before.

    times (n,) [s]; surface_decays (n, m): what the modes at the start leave of themselves in x; surface_gains
    (n, n): what the current [A/m2] at the nodes adds; ends: for each panel the same for the modes at its end,
    (m,) and (m, k * ORDER) of the currents by then.
    """

    panels: tuple[Panel, ...]
    times: Floats
    surface_decays: Floats
    surface_gains: Floats
    ends: tuple[tuple[Floats, Floats], ...]

    @cached_property
    def lengths(self) -> Floats:
        """Return the lengths [s] (k,) of the panels."""
        return np.array([panel.length for panel in self.panels])

    @cached_property
    def borders(self) -> Floats:
        """Return the times [s] (k,) at which the panels end."""
        return np.cumsum(self.lengths)

    @classmethod
    def of(cls, film: PlanarFilm, panels: tuple[Panel, ...]) -> Stretch:
        """Join panels of a film, in time one after the other."""
        count = len(panels)
        gains = np.zeros((count, ORDER, count, ORDER))
        decays, times, ends = [], [], []
        left, start = np.ones_like(film.rates), 0.0
        earlier = np.zeros((len(film.rates), count, ORDER))  # what each current so far has made of the modes
        drawn = np.zeros((count, ORDER))  # and of the mean
        for number, panel in enumerate(panels):
            decays.append(panel.surface_decays * left)
            times.append(start + panel.length * NODES)
            gains[number] = np.einsum("jm,mqk->jqk", panel.surface_decays, earlier) + drawn
            gains[number, :, number] = panel.surface_gains
            earlier *= panel.decays[:, None, None]
            earlier[:, number] = panel.gains
            drawn[number] = -panel.length * WEIGHTS / film.capacity
            left, start = left * panel.decays, start + panel.length
            by_then = earlier[:, : number + 1].reshape(len(left), -1)
            ends.append((left, by_then.copy()))
        size = count * ORDER
        surface = gains.reshape(size, size)
        return cls(panels, np.concatenate(times), np.concatenate(decays), surface, tuple(ends))


class Panels:
    """Make the panels of one film, and keep those whose length is a power of two of a second."""

    def __init__(self, film: PlanarFilm) -> None:
        self._film = film
        self._kept: dict[float, Panel] = {}
        self._stretches: dict[int, Stretch] = {}

    def stretch(self, level: int) -> Stretch:
        """Return the stretch whose first panel has a length of a power of two of a second."""
        if level not in self._stretches:
            lengths = np.diff(2.0**level * _APART ** np.arange(STRETCH), prepend=0.0).tolist()
            self._stretches[level] = Stretch.of(self._film, tuple(self._keep(each) for each in lengths))
        return self._stretches[level]

    def dyadic(self, level: int) -> Panel:
        """Return the panel of a length of a power of two of a second."""
        return self._keep(2.0**level)

    def kept(self, length: float) -> Panel | None:
        """Return the panel of a length [s] if it has been made before, and kept."""
        return self._kept.get(length)

    def _keep(self, length: float) -> Panel:
        if length not in self._kept:
            self._kept[length] = self.of_length(length)
        return self._kept[length]

    def of_length(self, length: float) -> Panel:
        """Return the panel of a length [s]."""
        film = self._film
        argument = film.rates * length
        decays, gains = self.end(length)
        moments = _decaying_moments(np.multiply.outer(NODES, argument))  # (order, node, mode)
        felt = np.einsum("mjk,k->jm", moments, film.drive**2)
        felt[:, 0] += 1.0 / film.capacity
        surface = -length * NODES[:, None] * np.einsum("jm,jmk->jk", felt, _SHORTENED)
        return Panel(
            length=length,
            decays=decays,
            gains=gains,
            surface_decays=np.exp(-np.multiply.outer(NODES, argument)) * film.drive,
            surface_gains=surface - film.surface_resistance * np.eye(ORDER),
        )

    def end(self, length: float) -> tuple[Floats, Floats]:
        """Return decays and gains of a panel of a length [s] without those at the surface."""
        film = self._film
        moments = _decaying_moments(film.rates * length)
        gains = -length * film.drive[:, None] * (moments.T @ TO_COEFFICIENTS)
        return np.exp(-film.rates * length), np.asarray(gains)
