"""A stack of layers as one row of cells, and what its two sides lose heat to."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.physics.heat.medium import COLDEST, HOTTEST, REFERENCE, Medium

Array = NDArray[np.float64]

STEFAN_BOLTZMANN = 5.670374419e-8  # W m-2 K-4, CODATA 2018


@dataclass(frozen=True)
class Layer:
    """Describe one layer of a stack: its substance and the widths [m] of its cells, front first."""

    medium: Medium
    widths: tuple[float, ...]

    def __post_init__(self) -> None:
        for width in self.widths or (math.nan,):
            require_positive(f"{self.medium.name}.width", width, "m")


@dataclass(frozen=True)
class Side:
    """Describe what one side loses heat by: transfer [W m-2 K-1], emissivity [1], to a temperature [K].

    Raises ValueError for a negative transfer, an emissivity outside [0, 1] or a temperature outside the tables.
    """

    transfer: float
    emissivity: float
    temperature: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.transfer < math.inf:
            raise ValueError(f"transfer = {self.transfer} W/(m2 K) must be finite and not negative")
        if not 0.0 <= self.emissivity <= 1.0:
            raise ValueError(f"emissivity = {self.emissivity} is outside [0, 1]")
        _require_known("temperature", self.temperature)

    def loss(self, temperature: Array, surroundings: ArrayLike | None = None) -> Array:
        """Return the heat lost [W m-2] by a surface at temperature [K] to surroundings [K], or its own."""
        there = np.asarray(self.temperature if surroundings is None else surroundings)
        passed = np.asarray(self.transfer * (temperature - there))
        if self.emissivity == 0.0:
            return passed
        return np.asarray(passed + self.emissivity * STEFAN_BOLTZMANN * (temperature**4 - there**4))

    def slope(self, temperature: float) -> float:
        """Return the derivative of the loss [W m-2 K-1] at temperature [K]."""
        return self.transfer + 4.0 * self.emissivity * STEFAN_BOLTZMANN * temperature**3

    def linearised(self, temperature: float) -> Self:
        """Return a side without radiation that loses as much at temperature [K]; as it stands without any."""
        if self.emissivity == 0.0:
            return self
        above = temperature - self.temperature
        if above == 0.0:
            return replace(self, transfer=self.slope(temperature), emissivity=0.0)
        return replace(self, transfer=float(self.loss(np.asarray(temperature))) / above, emissivity=0.0)


@dataclass(frozen=True)
class Environment:
    """Hold what the front and the back of a stack lose heat to."""

    front: Side
    back: Side

    def linearised(self, temperature: float) -> Self:
        """Return surroundings without radiation to which as much is lost at temperature [K]."""
        return replace(self, front=self.front.linearised(temperature), back=self.back.linearised(temperature))


@dataclass(frozen=True)
class Course:
    """Describe a temperature [K] over time [s] by points with straight lines between; constant outside.

    Raises ValueError unless times increase, and every temperature lies within the tables.
    """

    times: tuple[float, ...]
    temperatures: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.temperatures) or not self.times:
            raise ValueError(f"times has {len(self.times)} and temperatures {len(self.temperatures)} entries")
        if not (np.all(np.isfinite(self.times)) and np.all(np.diff(self.times) > 0.0)):
            raise ValueError(f"times = {self.times} s must be finite and increase")
        for temperature in self.temperatures:
            _require_known("temperature", temperature)

    def at(self, time: ArrayLike) -> Array:
        """Return the temperature [K] at time [s]."""
        return np.asarray(np.interp(np.asarray(time, dtype=float), self.times, self.temperatures))

    def steps(self, times: Array) -> Array:
        """Return the mean temperature [K] (m,) of each step between times (m + 1,) [s]; exact."""
        knots, levels = np.array(self.times), np.array(self.temperatures)
        areas = np.append(0.0, np.cumsum(0.5 * np.diff(knots) * (levels[:-1] + levels[1:])))

        def integral(time: Array) -> Array:
            inside = np.clip(time, knots[0], knots[-1])
            segment = np.searchsorted(knots, inside, side="right") - 1
            partial = 0.5 * (self.at(inside) + levels[segment]) * (inside - knots[segment])
            outside = np.where(time < knots[0], levels[0], levels[-1])
            return np.asarray(areas[segment] + partial + outside * (time - inside))

        return np.asarray(np.diff(integral(times)) / np.diff(times))

    def steady_after(self, time: float) -> bool:
        """Return whether nothing changes any more after time [s]."""
        return len(set(self.temperatures)) == 1 or time >= self.times[-1]


def even(thickness: float, cells: int) -> tuple[float, ...]:
    """Return cells of equal width [m] that fill a thickness [m]. Raises ValueError unless it is positive."""
    require_positive("thickness", thickness, "m")
    return (thickness / cells,) * cells


def graded(thickness: float, first: float, ratio: float) -> tuple[float, ...]:
    """Return widths [m] that grow by a ratio from about the first [m] and fill a thickness [m] exactly.

    Raises ValueError unless the thickness is positive.
    """
    require_positive("thickness", thickness, "m")
    cells = max(1, round(math.log1p(thickness * (ratio - 1.0) / first) / math.log(ratio)))
    widths = first * ratio ** np.arange(cells)
    return tuple(float(width) for width in widths * (thickness / widths.sum()))


class Stack:
    """Lay out layers as one row of cells, front first, n in all."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self.widths: Array = np.concatenate([layer.widths for layer in layers])
        self.centres: Array = np.cumsum(self.widths) - 0.5 * self.widths
        ends = np.cumsum([len(layer.widths) for layer in layers]).tolist()
        self.parts = tuple(slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True))
        self.warming = float(
            self.widths @ (self.enthalpy(REFERENCE + 1.0) - self.enthalpy(REFERENCE))
        )  # J m-2, of 1 K

    def linearised(self, temperature: float) -> Self:
        """Return the same cells with the heat capacity and conductivity they have at temperature [K], always."""
        return type(self)(
            tuple(replace(layer, medium=layer.medium.linearised(temperature)) for layer in self.layers)
        )

    def enthalpy(self, temperature: float) -> Array:
        """Return the enthalpy [J m-3] (n,) of a stack at one temperature [K]."""
        return np.concatenate(
            [np.full(len(layer.widths), layer.medium.enthalpy(temperature)) for layer in self.layers]
        )

    def temperature(self, enthalpy: Array) -> Array:
        """Return temperatures [K] (..., n) for enthalpies [J m-3] (..., n).

        Raises OutsideTable where a medium's table ends.
        """
        parts = zip(self.layers, self.parts, strict=True)
        return np.concatenate(
            [layer.medium.temperature(enthalpy[..., part]) for layer, part in parts], axis=-1
        )

    def molten(self, enthalpy: Array, layer: int) -> Array:
        """Return the molten share [1] (...) of one layer's volume for enthalpies [J m-3] (..., n)."""
        part = self.parts[layer]
        widths = self.widths[part]
        return np.asarray(self.layers[layer].medium.molten(enthalpy[..., part]) @ widths / widths.sum())

    def mean(self, values: Array, layers: slice) -> Array:
        """Return the mean of cell values (..., n) over the thickness of some layers (...)."""
        parts = self.parts[layers]
        cells = slice(parts[0].start, parts[-1].stop)
        widths = self.widths[cells]
        return np.asarray(values[..., cells] @ widths / widths.sum())

    def surface(self, temperature: Array) -> Array:
        """Return the front surface's temperature [K] (...) from those of the cells (..., n).

        A parabola through the first two cells (of equal width) that is level at the surface, since the losses
        there bend it by less than 0.01 K.
        """
        return temperature[..., 0] + (temperature[..., 0] - temperature[..., 1]) / 8.0

    def interface(self, enthalpy: Array, temperature: Array, layer: int) -> Array:
        """Return the temperature [K] (...) between a layer and the next, where both fluxes agree."""
        above, below = self.parts[layer].stop - 1, self.parts[layer].stop
        conductance = [
            2.0 * _conductivity(self.layers[index].medium, enthalpy[..., cell]) / self.widths[cell]
            for index, cell in ((layer, above), (layer + 1, below))
        ]
        weighted = conductance[0] * temperature[..., above] + conductance[1] * temperature[..., below]
        return np.asarray(weighted / (conductance[0] + conductance[1]))


def require_positive(name: str, value: float, unit: str) -> None:
    """Raise ValueError with the field's name and unit unless its value is positive and finite."""
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name} = {value} {unit} must be positive and finite")


def _require_known(name: str, temperature: float) -> None:
    if not COLDEST < temperature < HOTTEST:
        raise ValueError(f"{name} = {temperature} K is outside ({COLDEST:g}, {HOTTEST:g}) K")


def _conductivity(medium: Medium, enthalpy: Array) -> Array:
    return np.asarray(np.interp(enthalpy, medium.enthalpies, medium.conductivities))
