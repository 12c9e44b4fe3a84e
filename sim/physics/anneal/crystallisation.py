"""Crystallisation of an amorphous film: Johnson-Mehl-Avrami-Kolmogorov, additive in time, cell by cell.

The law is general; the numbers in a Kinetics are calibrated. What follows from both for another lamp recipe, a
furnace or a rapid thermal anneal is a prediction of X. What a cell makes of X is neither: crystalline_bound is an
upper limit, and the share of it that a process reaches on a substrate is measured (Utilisation).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

GAS_CONSTANT = 8.31446261815324  # J mol-1 K-1, exact since 2019
FINE_STEP = 2.0  # K, in which k grows by less than 15 % from 500 C on


@dataclass(frozen=True)
class Kinetics:
    """Describe how fast a film crystallises: X = 1 - exp(-dose^n) with the dose the time integral of k(T).

    exponent n [1]; rate [s-1] is k at reference [K]; activation_energy [J mol-1].
    Raises ValueError unless all are positive and finite.
    """

    exponent: float
    rate: float
    reference: float
    activation_energy: float

    def __post_init__(self) -> None:
        for name, unit in (
            ("exponent", ""),
            ("rate", "1/s"),
            ("reference", "K"),
            ("activation_energy", "J/mol"),
        ):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ValueError(
                    f"kinetics.{name} = {getattr(self, name)} {unit} must be positive and finite"
                )

    def rate_at(self, temperature: ArrayLike) -> Array:
        """Return k [s-1] at temperature [K], after Arrhenius."""
        inverse = 1.0 / np.asarray(temperature, dtype=float) - 1.0 / self.reference
        return np.asarray(self.rate * np.exp(-self.activation_energy / GAS_CONSTANT * inverse))


def crystalline(dose: ArrayLike, exponent: float) -> Array:
    """Return the crystalline share X = 1 - exp(-dose^n) [1] for a dose [1] and an Avrami exponent n [1]."""
    return np.asarray(-np.expm1(-(np.asarray(dose, dtype=float) ** exponent)))


def dose_for(share: float, exponent: float) -> float:
    """Return the dose [1] after which a share [1] is crystalline: crystalline turned round; exponent n [1].

    Raises ValueError for a share outside [0, 1).
    """
    if not 0.0 <= share < 1.0:
        raise ValueError(f"crystalline share = {share} is outside [0, 1)")
    return float((-np.log1p(-share)) ** (1.0 / exponent))


def dose_along(kinetics: Kinetics, time: Array, temperature: Array) -> Array:
    """Return the dose [1] (m,) that cells collect along a temperature history.

    time (s,) [s], temperature (s, m) [K]. Between two rows ln k is taken as linear in time, which is nearly
    exact where k doubles within a step: the integral is then the step times the logarithmic mean of the two
    rates.
    """
    rate = kinetics.rate_at(temperature)
    growth = np.diff(np.log(rate), axis=0)
    flat = np.abs(growth) < 1e-6
    mean = rate[:-1] * np.where(flat, 1.0 + 0.5 * growth, np.expm1(growth) / np.where(flat, 1.0, growth))
    return np.asarray(np.diff(time) @ mean)


def isothermal(kinetics: Kinetics, temperature: float, duration: float) -> float:
    """Return the crystalline share [1] of a film after a furnace at temperature [K] for duration [s]."""
    return float(crystalline(kinetics.rate_at(temperature) * duration, kinetics.exponent))


def along(kinetics: Kinetics, time: Array, temperature: Array) -> float:
    """Return the crystalline share [1] of a film after a furnace profile or a rapid thermal anneal.

    time (s,) [s] and temperature (s,) [K]: points with straight lines between. The same kinetics as under the
    lamp; ramps are cut into steps of FINE_STEP at most.
    Raises ValueError unless time rises.
    """
    return float(crystalline(dose_of_profile(kinetics, time, temperature), kinetics.exponent))


def dose_of_profile(kinetics: Kinetics, time: Array, temperature: Array) -> float:
    """Return the dose [1] of a furnace profile; see along.

    Raises ValueError unless time rises.
    """
    if not (np.all(np.isfinite(temperature)) and np.all(np.diff(time) > 0.0)):
        raise ValueError("time [s] of a profile must rise, and its temperature [K] be finite")
    cuts = np.maximum(1, np.ceil(np.abs(np.diff(temperature)) / FINE_STEP)).astype(int)
    parts = [
        np.linspace(start, end, count, endpoint=False)
        for start, end, count in zip(time[:-1].tolist(), time[1:].tolist(), cuts.tolist(), strict=True)
    ]
    fine = np.append(np.concatenate(parts), time[-1])
    return float(dose_along(kinetics, fine, np.interp(fine, time, temperature)[:, None])[0])


@dataclass(frozen=True)
class Utilisation:
    """Hold an empirical factor: the share [1] of crystalline_bound measured on a substrate after a process.

    It stands for whatever JMAK does not know (reaction with the substrate, grain size, ordering, rate); it is no
    prediction and holds for its source's process only.
    """

    share: float
    source: str


def crystalline_bound(mean_crystalline: float, full_capacity: float) -> float:
    """Return an upper bound of the capacity [C m-3] of a film, were every crystallised part of it usable.

    mean_crystalline [1] over the thickness, full_capacity [C m-3] of the crystalline material. A real cell
    stays below it: rate, grain size and reaction with the substrate take their share.
    """
    return full_capacity * mean_crystalline
