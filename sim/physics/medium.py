"""A substance as heat sees it: temperature and conductivity over enthalpy, melting included."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

REFERENCE = 298.15  # K, where the enthalpy is zero
COLDEST, HOTTEST = 200.0, 2500.0  # K, the range of every table
SPACING = 5.0  # K, between nodes; chords then miss cp(T) of a metal by less than 1e-3 K


@dataclass(frozen=True)
class Melting:
    """Describe melting at a temperature [K]: latent heat [J kg-1]; cp [J kg-1 K-1] and k [W m-1 K-1] then."""

    temperature: float
    latent: float
    specific_heat: float
    conductivity: float


@dataclass(frozen=True, eq=False)
class Medium:
    """Hold piecewise linear tables over the enthalpy per volume [J m-3] (n,), zero at 298.15 K.

    temperatures [K] and conductivities [W m-1 K-1] (n,) at the nodes; melting: enthalpies [J m-3] of the
    solid and the liquid at the melting point, between which the temperature stands still and the conductivity
    is mixed by molten share.
    """

    name: str
    enthalpies: Array
    temperatures: Array
    conductivities: Array
    melting: tuple[float, float] | None = None

    @cached_property
    def temperature_slopes(self) -> Array:
        """Return dT/dh [K m3 J-1] of each segment (n - 1,)."""
        return np.diff(self.temperatures) / np.diff(self.enthalpies)

    @cached_property
    def conductivity_slopes(self) -> Array:
        """Return dk/dh [W m2 K-1 J-1] of each segment (n - 1,)."""
        return np.diff(self.conductivities) / np.diff(self.enthalpies)

    def temperature(self, enthalpy: ArrayLike) -> Array:
        """Return the temperature [K] at enthalpy [J m-3].

        Raises ValueError outside the table.
        """
        values = np.asarray(enthalpy, dtype=float)
        if not np.all((values >= self.enthalpies[0]) & (values <= self.enthalpies[-1])):
            raise ValueError(f"{self.name}: enthalpy outside the table from {COLDEST:g} to {HOTTEST:g} K")
        return np.asarray(np.interp(values, self.enthalpies, self.temperatures))

    def enthalpy(self, temperature: float) -> float:
        """Return the enthalpy [J m-3] at temperature [K]; at the melting point that of the solid.

        Raises ValueError outside the table.
        """
        if not self.temperatures[0] < temperature < self.temperatures[-1]:
            raise ValueError(
                f"{self.name}: {temperature:.6g} K is outside the table from {COLDEST:g} to {HOTTEST:g} K"
            )
        right = int(np.searchsorted(self.temperatures, temperature, side="left"))
        part = slice(right - 1, right + 1)
        return float(np.interp(temperature, self.temperatures[part], self.enthalpies[part]))

    def molten(self, enthalpy: ArrayLike) -> Array:
        """Return the molten share [1] at enthalpy [J m-3]; zero for a substance without a melting point."""
        values = np.asarray(enthalpy, dtype=float)
        if self.melting is None:
            return np.zeros_like(values)
        return np.asarray(np.interp(values, self.melting, (0.0, 1.0)))


def medium(
    name: str,
    density: float,
    specific_heat: Callable[[Array], Array],
    conductivity: Callable[[Array], Array],
    melting: Melting | None = None,
) -> Medium:
    """Tabulate a substance.

    density [kg m-3], kept while it expands and melts; specific_heat(T) [J kg-1 K-1] and conductivity(T) [W
    m-1 K-1] of the solid, for arrays of temperature [K].
    """
    top = HOTTEST if melting is None else melting.temperature
    solid = np.linspace(COLDEST, top, int(np.ceil((top - COLDEST) / SPACING)) + 1)
    enthalpy = density * _integral(specific_heat, solid)
    enthalpy -= np.interp(REFERENCE, solid, enthalpy)
    if melting is None:
        return Medium(name, enthalpy, solid, conductivity(solid))
    molten = enthalpy[-1] + density * melting.latent
    end = molten + density * melting.specific_heat * (HOTTEST - top)
    return Medium(
        name,
        np.append(enthalpy, (molten, end)),
        np.append(solid, (top, HOTTEST)),
        np.append(conductivity(solid), (melting.conductivity, melting.conductivity)),
        (float(enthalpy[-1]), float(molten)),
    )


def constant(value: float) -> Callable[[Array], Array]:
    """Return a property that does not depend on temperature."""
    return lambda temperature: np.full_like(temperature, value)


def _integral(function: Callable[[Array], Array], nodes: Array) -> Array:
    """Return the running integral of a function over its nodes, by two-point Gauss per interval."""
    half = 0.5 * np.diff(nodes)
    middle = nodes[:-1] + half
    offset = half / np.sqrt(3.0)
    return np.append(0.0, np.cumsum(half * (function(middle - offset) + function(middle + offset))))
