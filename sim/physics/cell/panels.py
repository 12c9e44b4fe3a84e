"""Panels of time on which a current is a polynomial and diffusion under it is exact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy.special import eval_legendre, ive, roots_jacobi

from sim.physics.cell.diffusion import PlanarFilm

Floats = NDArray[np.float64]

ORDER = 16  # nodes of a panel: fewer make more panels, more make each of them dearer (measured)
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


def _decaying_moments(argument: Floats) -> Floats:
    """Return E_m(z) = integral of exp(-z (1 - u)) P_m(2 u - 1) over u in [0, 1], with m leading (ORDER, ...).

    E_m(z) = exp(-y) i_m(y) with y = z / 2 and i_m the modified spherical Bessel function; two orders are
    computed and the others follow by the recurrence downwards, which is stable.
    """
    half = 0.5 * argument
    inside = np.clip(half, _TINY, _HUGE)
    moments = np.empty((ORDER, *argument.shape))
    scale = np.sqrt(0.5 * np.pi / inside)
    upwards = 1.0 / inside
    for order in (ORDER - 1, ORDER - 2):
        moments[order] = scale * ive(order + 0.5, inside)
    for order in range(ORDER - 2, 0, -1):
        moments[order - 1] = moments[order + 1] + (2 * order + 1) * upwards * moments[order]
    return np.asarray(moments * np.minimum(1.0, inside / np.maximum(half, inside)))


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


class Panels:
    """Make the panels of one film, and keep those whose length is a power of two of a second."""

    def __init__(self, film: PlanarFilm) -> None:
        self._film = film
        self.dyadic = lru_cache(maxsize=128)(self._dyadic)

    def _dyadic(self, level: int) -> Panel:
        return self.of_length(2.0**level)

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
