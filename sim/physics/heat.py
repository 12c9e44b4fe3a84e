"""Heat through a stack of layers: finite volumes in enthalpy, TR-BDF2 in time, losses on both sides.

HeatError
├── NotConverged    Newton's iteration did not settle
└── EnergyGate      absorbed, lost and stored energy do not add up
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Stefan_Boltzmann
from scipy.linalg.lapack import dgtsv

from sim.physics.medium import REFERENCE, Medium

Array = NDArray[np.float64]

GAMMA = 2.0 - math.sqrt(2.0)  # of TR-BDF2: both stages then share one matrix, and the scheme is L-stable
STAGE = 1.0 / (GAMMA * (2.0 - GAMMA))
TAIL = (1.0 - GAMMA) / (2.0 - GAMMA)
WEIGHTS = (0.5 / (2.0 - GAMMA), 0.5 / (2.0 - GAMMA), TAIL)  # of the rates at start, stage and end in one step

SETTLED = 0.25  # J m-3, about 1e-7 K of any solid: the last Newton update
UNDAMPED = 3  # iterations: enough for a step without melting
ITERATIONS = 60
HALVINGS = 10  # in the search along a damped update
FAINT = 1e-3  # W m-2 K-1, added to both sides in that search only, so that it works for an insulated stack
IMBALANCE = 1e-10  # of the energy turned over


class HeatError(RuntimeError):
    """Report a heat calculation that must not be used."""


class NotConverged(HeatError):
    """Report that Newton's iteration did not settle."""


class EnergyGate(HeatError):
    """Report that absorbed, lost and stored energy do not add up."""


@dataclass(frozen=True)
class Layer:
    """Describe one layer of a stack: its substance and the widths [m] of its cells, front first."""

    medium: Medium
    widths: tuple[float, ...]


@dataclass(frozen=True)
class Side:
    """Describe what one side loses heat by: transfer [W m-2 K-1], emissivity [1], to a temperature [K]."""

    transfer: float
    emissivity: float
    temperature: float

    def loss(self, temperature: Array) -> Array:
        """Return the heat lost [W m-2] by a surface at temperature [K]."""
        radiated = self.emissivity * Stefan_Boltzmann * (temperature**4 - self.temperature**4)
        return self.transfer * (temperature - self.temperature) + radiated

    def slope(self, temperature: float) -> float:
        """Return the derivative of the loss [W m-2 K-1] at temperature [K]."""
        return self.transfer + 4.0 * self.emissivity * Stefan_Boltzmann * temperature**3


@dataclass(frozen=True)
class Environment:
    """Hold what the front and the back of a stack lose heat to."""

    front: Side
    back: Side


def even(thickness: float, cells: int) -> tuple[float, ...]:
    """Return cells of equal width [m] that fill a thickness [m]."""
    return (thickness / cells,) * cells


def graded(thickness: float, first: float, ratio: float) -> tuple[float, ...]:
    """Return widths [m] that grow by a ratio from about the first [m] and fill a thickness [m] exactly."""
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

    def enthalpy(self, temperature: float) -> Array:
        """Return the enthalpy [J m-3] (n,) of a stack at one temperature [K]."""
        return np.concatenate(
            [np.full(len(layer.widths), layer.medium.enthalpy(temperature)) for layer in self.layers]
        )

    def temperature(self, enthalpy: Array) -> Array:
        """Return temperatures [K] (..., n) for enthalpies [J m-3] (..., n).

        Raises ValueError outside a medium's table.
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


def _conductivity(medium: Medium, enthalpy: Array) -> Array:
    return np.asarray(np.interp(enthalpy, medium.enthalpies, medium.conductivities))


@dataclass(frozen=True, eq=False)
class March:
    """Hold a stretch of time: times [s] (m + 1,), enthalpies [J m-3] and temperatures [K] (m + 1, n) at each.

    absorbed, lost: energies [J m-2] over the stretch; imbalance: what is missing, as a share of all that
    moved.
    """

    times: Array
    enthalpies: Array
    temperatures: Array
    absorbed: float
    lost: float
    imbalance: float


def march(
    stack: Stack, environment: Environment, enthalpy: Array, times: Array, power: Array, shares: Array
) -> March:
    """Advance a stack over given steps.

    enthalpy (n,) [J m-3] at the start, times (m + 1,) [s], power (m,) [W m-2] the mean incident power of each
    step, shares (n,) [1] what each cell absorbs of it. TR-BDF2 in the enthalpy form, second order and
    L-stable; the losses are summed with the scheme's own weights from the temperatures found, so that the
    balance closes to round-off. The gate sees what enters and leaves; an error inside the stack would cancel
    in it, and is kept out by the iteration's own end.
    Raises NotConverged, EnergyGate, or ValueError outside a medium's table.
    """
    steps = np.diff(times)
    rows = np.empty((len(times), len(enthalpy)))
    stages = np.empty((len(steps), len(enthalpy)))
    rows[0] = enthalpy
    exchange = _Exchange(stack, environment)
    rate = exchange.rate(enthalpy)
    drift = np.zeros_like(enthalpy)
    for step, dt in enumerate(steps.tolist()):
        reach = 0.5 * GAMMA * dt
        gain = reach * power[step] * shares
        start = stack.widths * rows[step]
        stages[step] = exchange.solve(
            start + reach * rate + 2.0 * gain, reach, rows[step] + GAMMA * dt * drift
        )
        known = STAGE * (stack.widths * stages[step] - (1.0 - GAMMA) ** 2 * start) + gain
        rows[step + 1] = exchange.solve(known, reach, rows[step] + (stages[step] - rows[step]) / GAMMA)
        rate = (stack.widths * rows[step + 1] - known) / reach
        drift = (rows[step + 1] - rows[step]) / dt
    temperatures = stack.temperature(rows)
    absorbed = float(steps @ power * shares.sum())
    lost = _lost(environment, steps, temperatures, stack.temperature(stages))
    stored = float(stack.widths @ (rows[-1] - rows[0]))
    turnover = absorbed + abs(lost) + stack.warming
    return March(times, rows, temperatures, absorbed, lost, _gate((absorbed - lost - stored) / turnover))


class _Exchange:
    """Hold what the solver needs in every step: the heat that the cells exchange and its linearisation."""

    def __init__(self, stack: Stack, environment: Environment) -> None:
        self.stack, self.environment = stack, environment
        self.media = tuple(zip(stack.parts, (layer.medium for layer in stack.layers), strict=True))
        size = len(stack.widths)
        self.temperature, self.slope = np.empty(size), np.empty(size)
        self.resistance = np.empty(size)
        self.half = 0.5 * stack.widths

    def look_up(self, enthalpy: Array) -> None:
        """Set temperature T, dT/dh and half-cell resistance w / 2k of all cells."""
        for part, medium in self.media:
            here = enthalpy[part]
            segment = np.searchsorted(medium.enthalpies[1:-1], here)
            beyond = here - medium.enthalpies[segment]
            slope = medium.temperature_slopes[segment]
            self.slope[part] = slope
            self.temperature[part] = medium.temperatures[segment] + beyond * slope
            conductivity = medium.conductivities[segment] + beyond * medium.conductivity_slopes[segment]
            self.resistance[part] = self.half[part] / conductivity

    def flow(self) -> tuple[Array, Array]:
        """Return conductances [W m-2 K-1] of inner faces (n - 1,) and what cells gain [W m-2] (n,)."""
        conductance = 1.0 / (self.resistance[:-1] + self.resistance[1:])
        flux = conductance * (self.temperature[:-1] - self.temperature[1:])
        gain = np.zeros_like(self.temperature)
        gain[:-1] -= flux
        gain[1:] += flux
        gain[0] -= self.environment.front.loss(self.temperature[0])
        gain[-1] -= self.environment.back.loss(self.temperature[-1])
        return conductance, gain

    def rate(self, enthalpy: Array) -> Array:
        """Return what each cell gains [W m-2] (n,) from its neighbours and the two sides."""
        self.look_up(enthalpy)
        return self.flow()[1]

    def solve(self, known: Array, reach: float, enthalpy: Array) -> Array:
        """Return the enthalpy h with widths * h = known + reach * rate(h), by damped Newton from a guess.

        known (n,) [J m-2], reach [s]. The matrix leaves out dk/dh: it varies little in a solid, and across a
        melting point it would cost the matrix its diagonal dominance, and Newton its way.
        Raises NotConverged.
        """
        widths = self.stack.widths
        for iteration in range(ITERATIONS):
            self.look_up(enthalpy)
            conductance, gain = self.flow()
            front = self.environment.front.slope(self.temperature[0])
            back = self.environment.back.slope(self.temperature[-1])
            left = reach * conductance * self.slope[:-1]
            right = reach * conductance * self.slope[1:]
            diagonal = widths + _diagonal(
                left, right, reach * front * self.slope[0], reach * back * self.slope[-1]
            )
            residual = known + reach * gain - widths * enthalpy
            update = _tridiagonal(-left, diagonal, -right, residual)
            largest = np.abs(update).max()
            if largest < SETTLED:
                return enthalpy + update
            if iteration >= UNDAMPED:
                spread = _diagonal(conductance, conductance, front + FAINT, back + FAINT)
                lag = _tridiagonal(-conductance, spread, -conductance, -residual / reach)
                update = self.damped(enthalpy, update, lag)
            enthalpy = enthalpy + update
        raise NotConverged(
            f"no solution after {ITERATIONS} iterations in a step of {reach / (0.5 * GAMMA):.3g} s; "
            f"the last update was {largest:.3g} J/m3"
        )

    def damped(self, enthalpy: Array, update: Array, lag: Array) -> Array:
        """Return the part of a Newton update [J m-3] that goes no farther than its minimum along the way.

        For given conductances a step in enthalpy minimises a convex function D with gradient
        widths * (T(h) - T*), where T* are the temperatures at which conduction would leave cells the heat
        they have; lag (n,) [K] is T - T* at h. Along the update u the slope of D is
        sum(widths * u * (T(h + s u) - T(h) - s u dT/dh + (1 - s) lag)). Without this Newton can swing across
        a melting point for ever; with it every iteration comes closer.
        """
        weight, linear = self.stack.widths * update, self.slope * update

        def climbs(share: float) -> bool:
            there = self.temperature_of(enthalpy + share * update)
            return float(weight @ (there - self.temperature - share * linear + (1.0 - share) * lag)) > 0.0

        if not climbs(1.0):
            return update
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if climbs(middle) else (middle, high)
        return high * update

    def temperature_of(self, enthalpy: Array) -> Array:
        """Return temperatures [K] (n,) of any enthalpies (n,), those beyond a table at its end."""
        return np.concatenate(
            [np.interp(enthalpy[part], medium.enthalpies, medium.temperatures) for part, medium in self.media]
        )


def _diagonal(left: Array, right: Array, first: float, last: float) -> Array:
    """Return left (n - 1,) from the first cell on, right from the second on, and two ends, summed (n,)."""
    diagonal = np.empty(len(left) + 1)
    diagonal[:-1] = left
    diagonal[-1] = last
    diagonal[1:] += right
    diagonal[0] += first
    return diagonal


def _tridiagonal(lower: Array, diagonal: Array, upper: Array, known: Array) -> Array:
    """Solve a tridiagonal system. Raises NotConverged when it is singular or not finite."""
    solution, info = dgtsv(lower, diagonal, upper, known)[3:]
    if info != 0:
        raise NotConverged("the matrix of a step is singular")
    return np.asarray(solution)


def _lost(environment: Environment, steps: Array, ends: Array, stages: Array) -> float:
    """Return the energy [J m-2] lost on both sides, summed with the weights of TR-BDF2 over steps (m,) [s].

    ends (m + 1, n) and stages (m, n): temperatures [K].
    """
    total = 0.0
    for side, cell in ((environment.front, 0), (environment.back, -1)):
        losses = (side.loss(ends[:-1, cell]), side.loss(stages[:, cell]), side.loss(ends[1:, cell]))
        total += sum(weight * float(steps @ loss) for weight, loss in zip(WEIGHTS, losses, strict=True))
    return total


def _gate(imbalance: float) -> float:
    """Return the imbalance [1]; raise EnergyGate where it is too large to be round-off."""
    if not abs(imbalance) <= IMBALANCE:
        raise EnergyGate(f"energy does not add up: {imbalance:.2g} of what was turned over is missing")
    return imbalance
