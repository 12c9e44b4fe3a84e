"""The nonlinear heat engine: enthalpy form, melting and radiation included, TR-BDF2 with damped Newton."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import idamax
from scipy.linalg.lapack import dgtsv

from sim.physics.heat.engines import GAMMA, STAGE, Drive, March, Train, balance, by_marching, lost_by
from sim.physics.heat.errors import NotConverged
from sim.physics.heat.stack import STEFAN_BOLTZMANN, Environment, Side, Stack

Array = NDArray[np.float64]

SETTLED = 0.25  # J m-3, about 1e-7 K of any solid: the last Newton update
UNDAMPED = 3  # iterations: enough for a step without melting
# While melting 24 were seen on the default grid, 84 with first cells of 50 nm, 194 with 25 nm.
ITERATIONS = 400
HALVINGS = 10  # in the search along a damped update
FAINT = 1e-3  # W m-2 K-1, added to both sides in that search only, so that it works for an insulated stack


class EnthalpyEngine:
    """Solve heat where properties depend on temperature, substances melt, and sides radiate.

    Second order and L-stable in time. The losses are summed with the scheme's own weights from the temperatures
    found, so that the balance closes to round-off. Its gate sees what enters and leaves; an error inside the
    stack would cancel in it, and is kept out by the iteration's own end.
    """

    def __init__(self, stack: Stack, environment: Environment) -> None:
        self.stack, self.environment = stack, environment
        self._exchange = _Exchange(stack, environment)

    def march(self, enthalpy: Array, drive: Drive) -> March:
        """Advance from enthalpy (n,) [J m-3] over the steps of a drive.

        A step that fails because the one before it left the tables is said to be outside them.
        Raises NotConverged, EnergyGate, OutsideTable.
        """
        widths, exchange, steps = self.stack.widths, self._exchange, np.diff(drive.times)
        rows = np.empty((len(drive.times), len(enthalpy)))
        stages = np.empty((len(steps), len(enthalpy)))
        rows[0] = enthalpy
        chucks = (
            [self.environment.back.temperature] * len(steps) if drive.chuck is None else drive.chuck.tolist()
        )
        drift = np.zeros_like(enthalpy)
        before, rate = None, drift
        for step, (dt, power, chuck) in enumerate(
            zip(steps.tolist(), drive.power.tolist(), chucks, strict=True)
        ):
            if chuck != before:
                before = exchange.chuck = chuck
                rate = exchange.rate(rows[step])
            reach = 0.5 * GAMMA * dt
            gain = (reach * power) * drive.shares
            start = widths * rows[step]
            try:
                stages[step] = exchange.solve(
                    start + reach * rate + 2.0 * gain, reach, rows[step] + GAMMA * dt * drift
                )
                known = STAGE * (widths * stages[step] - (1.0 - GAMMA) ** 2 * start) + gain
                rows[step + 1] = exchange.solve(
                    known, reach, rows[step] + (stages[step] - rows[step]) / GAMMA
                )
            except NotConverged:
                self.stack.temperature(rows[step])
                raise
            rate = (widths * rows[step + 1] - known) / reach
            drift = (rows[step + 1] - rows[step]) / dt
        temperatures = self.stack.temperature(rows)
        lost = lost_by(self.environment, steps, temperatures, self.stack.temperature(stages), drive.chuck)
        imbalance = balance(self.stack, rows[0], rows[-1], drive.absorbed, lost)
        return March(drive.times, rows, temperatures, drive.absorbed, lost, imbalance)

    def train(
        self, enthalpy: Array, cycle: Drive, pulses: int, probes: Array, *, history: bool = False
    ) -> Train:
        """Repeat a cycle; see Engine. Each cycle is marched through: FoilUnderLamp knows when to stop."""
        return by_marching(self, enthalpy, cycle, pulses, probes, history)


class _Tables:
    """Hold the tables of all cells as one, so that one search finds the segment of every cell.

    Each layer's enthalpies are shifted so far up that they follow those of the layer before it; the shift
    chooses the segment only and is in no result. In a segment temperature and conductivity are straight lines over
    the enthalpy h: T = level + slope (h - start), rounded as the stack's own look-up rounds it, or the energy balance
    would see the difference; k = base + bend h.
    """

    def __init__(self, stack: Stack) -> None:
        keys, rows, self.shift, top = [], [], np.empty(len(stack.widths)), 0.0
        for part, layer in zip(stack.parts, stack.layers, strict=True):
            medium = layer.medium
            span = medium.enthalpies[-1] - medium.enthalpies[0]
            # A span of room on either side: what Newton tries beyond a table still finds its own layer.
            shift = top + span - medium.enthalpies[0]
            self.shift[part] = shift
            keys.append(medium.enthalpies[1:-1] + shift)
            keys.append(np.array([top + 3.0 * span]))
            top += 3.0 * span
            slope, bend, start = medium.temperature_slopes, medium.conductivity_slopes, medium.enthalpies[:-1]
            base = medium.conductivities[:-1] - bend * start
            rows.append(np.stack((start, medium.temperatures[:-1], slope, base, bend)))
        self.keys = np.concatenate(keys)[:-1]
        self.rows = np.ascontiguousarray(np.concatenate(rows, axis=1))

    def at(self, enthalpy: Array) -> Array:
        """Return start, level, slope, base and bend (5, n) of each cell's segment."""
        return self.rows.take(self.keys.searchsorted(enthalpy + self.shift), axis=1)


class _Exchange:
    """Hold what the solver needs in every step: the heat that the cells exchange and its linearisation.

    Tens of cells make arithmetic cheap and every call dear: solve is written for few of them.
    """

    def __init__(self, stack: Stack, environment: Environment) -> None:
        self.stack, self.front, self.back = stack, environment.front, environment.back
        self.chuck = environment.back.temperature
        self.tables = _Tables(stack)
        size = len(stack.widths)
        self.temperature, self.slope, self.resistance = np.empty(size), np.empty(size), np.empty(size)
        self.half = 0.5 * stack.widths

    def look_up(self, enthalpy: Array) -> None:
        """Set temperature T, dT/dh and half-cell resistance w / 2k of all cells."""
        start, level, self.slope, base, bend = self.tables.at(enthalpy)
        self.temperature = level + self.slope * (enthalpy - start)
        self.resistance = self.half / (base + bend * enthalpy)

    def losses(self) -> tuple[float, float]:
        """Return what front and back lose [W m-2] at the temperatures looked up."""
        front = _loss(self.front, float(self.temperature[0]), self.front.temperature)
        return front, _loss(self.back, float(self.temperature[-1]), self.chuck)

    def rate(self, enthalpy: Array) -> Array:
        """Return what each cell gains [W m-2] (n,) from its neighbours and the two sides."""
        self.look_up(enthalpy)
        flux = -np.diff(self.temperature) / (self.resistance[:-1] + self.resistance[1:])
        gain = np.zeros_like(self.temperature)
        gain[:-1] -= flux
        gain[1:] += flux
        front, back = self.losses()
        gain[0] -= front
        gain[-1] -= back
        return gain

    def solve(self, known: Array, reach: float, enthalpy: Array) -> Array:
        """Return the enthalpy h with widths * h = known + reach * rate(h), by damped Newton from a guess.

        known (n,) [J m-2], reach [s]. The matrix leaves out dk/dh: it varies little in a solid, and across a
        melting point it would cost the matrix its diagonal dominance, and Newton its way. So convergence is linear:
        what an update leaves over is the update times the ratio of the last two.
        Raises NotConverged.
        """
        widths, before = self.stack.widths, 0.0
        for iteration in range(ITERATIONS):
            self.look_up(enthalpy)
            temperature, slope = self.temperature, self.slope
            reached = -reach / (self.resistance[:-1] + self.resistance[1:])
            flow = reached * (temperature[:-1] - temperature[1:])
            left, right = reached * slope[:-1], reached * slope[1:]
            front, back = self.losses()
            residual = known - widths * enthalpy
            residual[:-1] += flow
            residual[1:] -= flow
            residual[0] -= reach * front
            residual[-1] -= reach * back
            diagonal = widths.copy()
            diagonal[:-1] -= left
            diagonal[1:] -= right
            diagonal[0] += reach * self.front.slope(float(temperature[0])) * slope[0]
            diagonal[-1] += reach * self.back.slope(float(temperature[-1])) * slope[-1]
            damping = iteration >= UNDAMPED
            # The solver overwrites what it is given; only damping asks for the residual again.
            update = _tridiagonal(left, diagonal, right, residual.copy() if damping else residual)
            largest = abs(float(update[idamax(update)]))
            if largest < SETTLED or largest**2 < SETTLED * before:
                return enthalpy + update
            before = largest
            if damping:
                update, before = self.damped(enthalpy, update, self.lag(reached, reach, residual)), 0.0
            enthalpy = enthalpy + update
        raise NotConverged(
            f"no solution after {ITERATIONS} iterations in a step of {reach / (0.5 * GAMMA):.3g} s; "
            f"the last update was {largest:.3g} J/m3"
        )

    def lag(self, reached: Array, reach: float, residual: Array) -> Array:
        """Return by how much the cells are hotter than conduction would leave them with the heat they have [K] (n,).

        reached (n - 1,): -reach times the conductances of inner faces.
        """
        spread = np.zeros_like(residual)
        spread[:-1] -= reached
        spread[1:] -= reached
        spread[0] += reach * (self.front.slope(float(self.temperature[0])) + FAINT)
        spread[-1] += reach * (self.back.slope(float(self.temperature[-1])) + FAINT)
        return _tridiagonal(reached.copy(), spread, reached.copy(), -residual)

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
        """Return temperatures [K] (n,) of any enthalpies (n,), those beyond a table on its last line."""
        start, level, slope, _, _ = self.tables.at(enthalpy)
        return np.asarray(level + slope * (enthalpy - start))


def _loss(side: Side, temperature: float, surroundings: float) -> float:
    """Return what Side.loss does for one temperature [K], in plain floats: it is asked in every iteration."""
    radiated = side.emissivity * STEFAN_BOLTZMANN * (temperature**4 - surroundings**4)
    return side.transfer * (temperature - surroundings) + radiated


def _tridiagonal(lower: Array, diagonal: Array, upper: Array, known: Array) -> Array:
    """Solve a tridiagonal system. Raises NotConverged when it is singular or not finite."""
    solution, info = dgtsv(lower, diagonal, upper, known, 1, 1, 1)[3:]
    if info != 0:
        raise NotConverged("the matrix of a step is singular")
    return np.asarray(solution)
