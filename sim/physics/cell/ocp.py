"""The open-circuit potential of an insertion electrode as a sum of reactions (the MSMR form)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.constants import physical_constants
from scipy.special import expit, log_expit, logsumexp

if TYPE_CHECKING:
    from scipy.interpolate import CubicHermiteSpline

Floats = NDArray[np.float64]

_TABLE_STEP = 5e-4  # V: the cubic between two nodes is then within 1e-9 V of the sum (tested)
_TAIL_EXPONENTS = 40.0  # beyond exp(-40) on either side every double strictly inside (0, 1) is reached
_FAR_EXPONENTS = 1000.0  # the tails are straight lines in ln(x/(1-x)); one far node each carries them on


_GAS_CONSTANT = physical_constants["molar gas constant"][0]  # J/mol/K, CODATA
_FARADAY = physical_constants["Faraday constant"][0]  # C/mol, CODATA


def thermal_voltage(temperature: float) -> float:
    """Return R T / F [V] at a temperature [K]."""
    return float(_GAS_CONSTANT * temperature / _FARADAY)


class FractionOutOfRangeError(ValueError):
    """A lithium fraction is not strictly between 0 and 1, where the potential is infinite."""


@dataclass(frozen=True)
class Reaction:
    """State one insertion reaction: potential [V] against lithium, share of the sites [-], width [-]."""

    potential: float
    share: float
    width: float


@dataclass(frozen=True)
class OpenCircuitPotential:
    """Relate lithium fraction and potential: x(U) = sum_j X_j / (1 + exp(f (U - U_j) / w_j)), f = F / (R T).

    reactions: U_j [V], X_j [-] (their sum is 1), w_j [-]; temperature T [K].
    Every term falls with U, so the sum is monotone by construction and has one inverse. U(x) is tabulated
    against ln(x / (1 - x)), because near x = 1 it falls only as the logarithm of the vacancies: LiCoO2
    reaches 3.0 V at 1 - x = 2e-8.
    Source of the form: Verbrugge et al., J. Electrochem. Soc. 164 (2017) E3243.

    Raises ValueError when the shares do not add up to 1 or a width or the temperature is not positive.
    """

    reactions: tuple[Reaction, ...]
    temperature: float

    def __post_init__(self) -> None:
        total = sum(reaction.share for reaction in self.reactions)
        if not abs(total - 1.0) < 1e-9:
            raise ValueError(f"shares of the reactions add up to {total!r}, expected 1")
        if not all(reaction.width > 0.0 and reaction.share > 0.0 for reaction in self.reactions):
            raise ValueError("every reaction needs a positive share and a positive width")
        if not (np.isfinite(self.temperature) and self.temperature > 0.0):
            raise ValueError(f"temperature = {self.temperature!r} K is not a positive number")

    def lithium(self, potential: ArrayLike) -> Floats:
        """Return the lithium fraction x [-] at a potential [V]."""
        occupied, _ = self._log_fractions(np.asarray(potential, dtype=np.float64))
        return np.exp(occupied)

    def vacancy(self, potential: ArrayLike) -> Floats:
        """Return 1 - x [-] at a potential [V], without the cancellation near a full host."""
        _, vacant = self._log_fractions(np.asarray(potential, dtype=np.float64))
        return np.exp(vacant)

    def fractions(self, potential: Floats) -> Floats:
        """Return x and 1 - x [-], (2, n), at a potential [V] (n,), for use inside iterations."""
        centres, scales, shares, _ = self._twice
        return np.asarray(shares @ expit((potential - centres) / scales))

    def filling(self, potential: Floats) -> tuple[Floats, Floats, Floats]:
        """Return x, 1 - x [-] and dx/dU [1/V] at a potential [V] (n,), for use inside iterations."""
        centres, scales, shares, weights = self._twice
        both = expit((potential - centres) / scales)
        count = len(weights)
        lithium, vacancy = shares @ both
        return lithium, vacancy, weights @ (both[:count] * both[count:])

    def filling_at(self, potential: float) -> tuple[float, float, float]:
        """Return what `filling` does at one potential [V], ten times as fast."""
        lithium = vacancy = slope = 0.0
        for reaction, scale in zip(self.reactions, self._widths, strict=True):
            exponent = (potential - reaction.potential) / scale
            if exponent > 0.0:
                left = math.exp(-exponent)
                vacant = 1.0 / (1.0 + left)
                occupied = left * vacant
            else:
                left = math.exp(exponent)
                occupied = 1.0 / (1.0 + left)
                vacant = left * occupied
            lithium += reaction.share * occupied
            vacancy += reaction.share * vacant
            slope -= reaction.share / scale * occupied * vacant
        return lithium, vacancy, slope

    def potential(self, lithium: ArrayLike) -> Floats:
        """Return U [V] at a lithium fraction [-].

        Raises FractionOutOfRangeError unless every fraction lies strictly inside (0, 1).
        """
        return np.asarray(self._table(_log_odds(lithium)), dtype=np.float64)

    def slope(self, lithium: ArrayLike) -> Floats:
        """Return dU/dx [V] (negative everywhere) at a lithium fraction [-], from the sum itself.

        Raises FractionOutOfRangeError unless every fraction lies strictly inside (0, 1).
        """
        return np.asarray(-1.0 / np.exp(self._log_steepness(self.potential(lithium))))

    def _exponents(self, potential: Floats) -> Floats:
        """Return f (U - U_j) / w_j with one leading row per reaction."""
        return (potential - self._column(self._centres, potential)) / self._column(self._scales, potential)

    def _log_fractions(self, potential: Floats) -> tuple[Floats, Floats]:
        """Return ln x and ln(1 - x)."""
        exponents = self._exponents(potential)
        shares = self._column(self._shares, potential)
        occupied = logsumexp(log_expit(-exponents), b=shares, axis=0)
        vacant = logsumexp(log_expit(exponents), b=shares, axis=0)
        return np.asarray(occupied), np.asarray(vacant)

    def _log_steepness(self, potential: Floats) -> Floats:
        """Return ln(-dx/dU [1/V]).

        dx/dU = -sum_j (X_j / u_j) p_j (1 - p_j), u_j = w_j R T / F, p_j the occupation of reaction j.
        """
        exponents = self._exponents(potential)
        weights = self._column(self._shares / self._scales, potential)
        return np.asarray(logsumexp(log_expit(exponents) + log_expit(-exponents), b=weights, axis=0))

    @staticmethod
    def _column(values: Floats, like: Floats) -> Floats:
        return values.reshape((-1,) + (1,) * like.ndim)

    @cached_property
    def _centres(self) -> Floats:
        return np.array([reaction.potential for reaction in self.reactions])

    @cached_property
    def _scales(self) -> Floats:
        return np.array([reaction.width for reaction in self.reactions]) * thermal_voltage(self.temperature)

    @cached_property
    def _widths(self) -> list[float]:
        return list(self._scales.tolist())

    @cached_property
    def _shares(self) -> Floats:
        return np.array([reaction.share for reaction in self.reactions])

    @cached_property
    def _twice(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return all reactions twice, first for what is occupied and then for what is vacant.

        Centres and scales [V] as columns, scales negative where occupied; shares [-] as two rows that add up
        either half; and -share/scale [1/V] of each reaction.
        """
        none = np.zeros_like(self._shares)
        shares = np.array([np.append(self._shares, none), np.append(none, self._shares)])
        centres = np.append(self._centres, self._centres)[:, None]
        scales = np.append(-self._scales, self._scales)[:, None]
        return centres, scales, shares, -self._shares / self._scales

    @cached_property
    def thermal(self) -> float:
        """Return R T / F [V] at the temperature of the reactions."""
        return thermal_voltage(self.temperature)

    @cached_property
    def _table(self) -> CubicHermiteSpline:
        """Tabulate U over ln(x / (1 - x)), with the exact slope dU/ds = x (1 - x) dU/dx at every node."""
        low = float(np.min(self._centres - _TAIL_EXPONENTS * self._scales))
        high = float(np.max(self._centres + _TAIL_EXPONENTS * self._scales))
        far = _FAR_EXPONENTS * float(np.max(self._scales))
        grid = np.concatenate(([low - far], np.arange(low, high, _TABLE_STEP), [high, high + far]))[::-1]
        occupied, vacant = self._log_fractions(grid)
        slope = -np.exp(occupied + vacant - self._log_steepness(grid))
        # Slow to import, and needed only once somebody asks for a table: a session opens without.
        from scipy.interpolate import CubicHermiteSpline

        return CubicHermiteSpline(occupied - vacant, grid, slope, extrapolate=False)


def _log_odds(lithium: ArrayLike) -> Floats:
    """Return ln(x / (1 - x)), refusing what is not strictly inside (0, 1)."""
    fraction = np.asarray(lithium, dtype=np.float64)
    if not ((fraction > 0.0) & (fraction < 1.0)).all():
        raise FractionOutOfRangeError(f"lithium fraction {fraction!r} is not strictly inside (0, 1)")
    return np.asarray(np.log(fraction) - np.log1p(-fraction))
