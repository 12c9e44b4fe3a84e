"""A substance as heat sees it: temperature and conductivity over enthalpy, melting included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.physics.heat.errors import OutsideTable

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

        Raises OutsideTable where the table ends.
        """
        values = np.asarray(enthalpy, dtype=float)
        if not np.all((values >= self.enthalpies[0]) & (values <= self.enthalpies[-1])):
            raise OutsideTable(f"{self.name}: enthalpy outside the table from {COLDEST:g} to {HOTTEST:g} K")
        return np.asarray(np.interp(values, self.enthalpies, self.temperatures))

    def enthalpy(self, temperature: float) -> float:
        """Return the enthalpy [J m-3] at temperature [K]; at the melting point that of the solid.

        Raises OutsideTable where the table ends.
        """
        if not self.temperatures[0] < temperature < self.temperatures[-1]:
            raise OutsideTable(
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

    @property
    def melting_point(self) -> float:
        """Return where the substance melts [K]; infinite without a melting point."""
        return np.inf if self.melting is None else float(self.temperature(self.melting[0]))

    @property
    def is_linear(self) -> bool:
        """Return whether heat capacity and conductivity are the same at all temperatures."""
        slopes, levels = self.temperature_slopes, self.conductivities
        return bool(np.allclose(slopes, slopes[0], rtol=1e-9) and np.allclose(levels, levels[0], rtol=1e-9))

    def linearised(self, temperature: float) -> "Medium":
        """Return a substance with this one's heat capacity and conductivity at temperature [K], always.

        Raises OutsideTable where the table ends.
        """
        here = self.enthalpy(temperature)
        segment = int(
            np.clip(np.searchsorted(self.enthalpies, here) - 1, 0, len(self.temperature_slopes) - 1)
        )
        ends = np.array([COLDEST, HOTTEST])
        level = float(np.interp(here, self.enthalpies, self.conductivities))
        return Medium(
            self.name, (ends - REFERENCE) / self.temperature_slopes[segment], ends, np.array([level, level])
        )


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
    Raises ValueError, with name and unit, for a property that is not positive and finite everywhere.
    """
    top = HOTTEST if melting is None else melting.temperature
    solid = np.linspace(COLDEST, top, int(np.ceil((top - COLDEST) / SPACING)) + 1)
    _require(f"{name}.density", np.array([density]), "kg/m3")
    _require(f"{name}.specific_heat", specific_heat(solid), "J/(kg K)", solid)
    _require(f"{name}.conductivity", conductivity(solid), "W/(m K)", solid)
    enthalpy = density * _integral(specific_heat, solid)
    enthalpy -= np.interp(REFERENCE, solid, enthalpy)
    if melting is None:
        return Medium(name, enthalpy, solid, conductivity(solid))
    for field, unit in (("latent", "J/kg"), ("specific_heat", "J/(kg K)"), ("conductivity", "W/(m K)")):
        _require(f"{name}.melting.{field}", np.array([getattr(melting, field)]), unit)
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


def tabulated(name: str, unit: str, points: Sequence[tuple[float, float]]) -> Callable[[Array], Array]:
    """Return a property from points (temperature [K], value), straight between them, level beyond the ends.

    Raises ValueError, with name and unit, for a hole: a value or temperature that is not a number, or temperatures
    that do not rise.
    """
    temperatures, values = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    if not (np.all(np.isfinite(temperatures)) and np.all(np.diff(temperatures) > 0.0)):
        raise ValueError(f"{name}: temperatures = {temperatures.tolist()} K must be finite and rise")
    for temperature, value in points:
        if not np.isfinite(value):
            raise ValueError(
                f"{name} = {value} {unit} at temperature = {temperature:g} K: a hole in its table"
            )
    return lambda temperature: np.asarray(np.interp(temperature, temperatures, values))


def _require(name: str, values: Array, unit: str, at: Array | None = None) -> None:
    wrong = np.flatnonzero(~(np.isfinite(values) & (values > 0.0)))
    if len(wrong):
        where = "" if at is None else f" at {at[wrong[0]]:g} K"
        raise ValueError(f"{name} = {values[wrong[0]]:g} {unit}{where} must be positive and finite")


def _integral(function: Callable[[Array], Array], nodes: Array) -> Array:
    """Return the running integral of a function over its nodes, by two-point Gauss per interval."""
    half = 0.5 * np.diff(nodes)
    middle = nodes[:-1] + half
    offset = half / np.sqrt(3.0)
    return np.append(0.0, np.cumsum(half * (function(middle - offset) + function(middle + offset))))
