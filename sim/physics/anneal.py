"""A film on a foil under the flash lamp: what each pulse heats, melts and crystallises."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sim.physics import optics
from sim.physics.crystallisation import Kinetics, crystalline, crystalline_bound, dose_along
from sim.physics.heat import Environment, Layer, March, Stack, even, graded, march
from sim.physics.lamp import Discharge
from sim.physics.medium import Medium

Array = NDArray[np.float64]

FILM_CELL = 80e-9  # m, widest cell in the film: 4 times finer grids move the surface peak by less than 0.5 K
FILM_CELLS = 20  # fewest cells in the film
FOIL_CELL = 0.2e-6  # m, first cell in the foil
FOIL_RATIO = 1.15  # growth of the foil's cells
FIRST_STEP = 1e-6  # s, after the lamp switches: films of 0.7 to 3.3 um follow within 3 to 60 us
LIT_GROWTH, LIT_STEP = 1.3, 20e-6  # growth of the steps in a pulse, up to this [s]
DARK_GROWTH, DARK_STEP = 1.15, 0.1  # growth of the steps after a pulse, up to this [s]
DARK_HOLD = 10.0  # s after a pulse, beyond which steps may grow again: nothing happens any more
DARK_END = 1e9  # s, the longest wait, 30 years
STEADY = 2e3  # J m-3, less than 1e-3 K: drift still to come, below which a train counts as steady


def _dark_knots() -> Array:
    """Return the times after a pulse [s] that end a step, whoever looks in between."""
    knots, step = [0.0], FIRST_STEP
    while knots[-1] < DARK_END:
        knots.append(knots[-1] + step)
        grown = step * DARK_GROWTH
        step = grown if knots[-1] > DARK_HOLD else min(grown, DARK_STEP)
    return np.array(knots)


DARK_KNOTS = _dark_knots()


def _lit_knots(duration: float) -> Array:
    """Return the times after the start of a pulse [s] that end a step, from 0 to its duration."""
    growing = np.log(LIT_STEP / FIRST_STEP) / np.log(LIT_GROWTH)
    ramp = np.append(0.0, np.cumsum(FIRST_STEP * LIT_GROWTH ** np.arange(growing)))
    ramp = ramp[ramp < 0.5 * duration]
    rest = duration - ramp[-1]
    return np.append(ramp[:-1], np.linspace(ramp[-1], duration, int(np.ceil(rest / LIT_STEP - 1e-9)) + 1))


@dataclass(frozen=True)
class Film:
    """Describe the substance of a film: heat, kinetics, light, and capacity once crystalline [C m-3].

    absorption [m-1]; mirror: reflectance of the foil as seen from the film [1].
    """

    medium: Medium
    kinetics: Kinetics
    absorption: float
    mirror: float
    full_capacity: float


@dataclass(frozen=True, eq=False)
class AnnealState:
    """Hold a film and its foil between two moments.

    enthalpy (n,) [J m-3] of all cells, film first; dose and peak (m,) of the film cells [1] and [K];
    surface_peak and foil_peak [K]; molten: largest molten share of the foil so far [1]; pulses seen;
    since: time [s] of these fields after the last pulse (or the start); ahead: time [s] that has passed
    beyond it, less than the next step of the calculation, so that a look in between changes nothing.
    """

    enthalpy: Array
    dose: Array
    peak: Array
    surface_peak: float
    foil_peak: float
    molten: float = 0.0
    pulses: int = 0
    since: float = 0.0
    ahead: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers and lists that JSON can hold."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the state that to_dict wrote."""
        values: dict[str, Any] = {
            name: np.array(value) if isinstance(value, list) else value for name, value in fields.items()
        }
        return cls(**values)


@dataclass(frozen=True, eq=False)
class PulseHistory:
    """Hold temperatures [K] (s,) of surface, interface and foil back at time [s] after the pulse's start."""

    time: Array
    surface: Array
    interface: Array
    back: Array


@dataclass(frozen=True, eq=False)
class AnnealResult:
    """Hold what an anneal left in the film, by cell (m,) from the surface down, and in sum.

    depth of the cell centres and width [m]; crystalline share X [1] and peak temperature [K] of each cell;
    mean X over the thickness and bottom X of the last cell [1]; surface_peak, foil_peak [K]; molten share of
    the foil, at most [1]; crystalline_bound: the capacity [C m-3] that this X allows at most.
    """

    depth: Array
    width: Array
    crystalline: Array
    peak: Array
    mean: float
    bottom: float
    surface_peak: float
    foil_peak: float
    molten: float
    crystalline_bound: float


@dataclass(frozen=True, eq=False)
class Cycle:
    """Hold one pulse and its wait: what was asked, enthalpies before [J m-3], and the state after.

    foil: where it happened; gained: dose, peaks and pulses of this cycle alone, and the enthalpies after it;
    change: the largest difference [J m-3] of its start from that of the cycle before.
    """

    foil: "FoilUnderLamp"
    discharge: Discharge
    period: float
    start: Array
    gained: AnnealState
    change: float
    history: PulseHistory


@dataclass
class CycleMemo:
    """Remember the last calculated cycle of a train, so that a repeat of it need not be calculated again."""

    last: Cycle | None = None


class FoilUnderLamp:
    """Put a film on a foil under the lamp.

    film, its thickness [m] and the share of the lamp's light that film and foil absorb [1]; the foil's
    substance and thickness [m]; what both sides lose heat to.
    """

    def __init__(
        self,
        film: Film,
        thickness: float,
        absorptance: float,
        foil: Medium,
        foil_thickness: float,
        environment: Environment,
    ) -> None:
        self.film, self.environment = film, environment
        self.width: Array = np.array(
            even(thickness, max(FILM_CELLS, int(np.ceil(thickness / FILM_CELL - 1e-9))))
        )
        below = graded(foil_thickness, FOIL_CELL, FOIL_RATIO)
        self.stack = Stack((Layer(film.medium, tuple(self.width.tolist())), Layer(foil, below)))
        reflectance = optics.reflectance_for(absorptance, thickness, film.absorption, film.mirror)
        edges = np.append(0.0, np.cumsum(self.width))
        light = optics.absorb(edges, film.absorption, film.mirror, reflectance)
        self.shares: Array = np.concatenate([light.film, [light.foil], np.zeros(len(below) - 1)])
        self.depth: Array = self.stack.centres[: len(self.width)]

    def initial(self, temperature: float) -> AnnealState:
        """Return an amorphous film on its foil, all at one temperature [K]."""
        cells = len(self.width)
        return AnnealState(
            enthalpy=self.stack.enthalpy(temperature),
            dose=np.zeros(cells),
            peak=np.full(cells, temperature),
            surface_peak=temperature,
            foil_peak=temperature,
        )

    def relax(self, state: AnnealState, dt: float) -> AnnealState:
        """Let dt [s] pass in the dark.

        Steps end at fixed times after the last pulse: two waits in a row give what one long wait gives.
        Raises ValueError for a negative dt or one beyond 30 years; HeatError from the calculation.
        """
        target = state.since + state.ahead + dt
        if dt < 0.0 or target > DARK_END:
            raise ValueError(f"dt = {dt} s leads to {target} s after the pulse, outside [0, {DARK_END:g}] s")
        first, beyond = np.searchsorted(DARK_KNOTS, (state.since, target), side="right")
        if first < beyond:
            state, _ = self._dark(state, np.append(state.since, DARK_KNOTS[first:beyond]))
        return replace(state, ahead=target - state.since)

    def present(self, state: AnnealState) -> AnnealState:
        """Return the state carried to its very moment, for a look; go on with the one that was given."""
        if state.ahead == 0.0:
            return state
        return self._dark(state, np.array([state.since, state.since + state.ahead]))[0]

    def flash(self, state: AnnealState, discharge: Discharge) -> tuple[AnnealState, PulseHistory]:
        """Flash once, from the start to the end of the pulse, and show how temperatures went.

        Raises HeatError when the calculation cannot be trusted.
        """
        start = self.present(state)
        times = _lit_knots(discharge.duration)
        power = discharge.exposure * np.diff(discharge.energy_share(times)) / np.diff(times)
        walked = march(self.stack, self.environment, start.enthalpy, times, power, self.shares)
        after = replace(self._after(start, walked), pulses=start.pulses + 1, since=0.0, ahead=0.0)
        return after, self._history(walked)

    def follow(
        self, state: AnnealState, discharge: Discharge, period: float
    ) -> tuple[AnnealState, PulseHistory]:
        """Flash once and wait for the rest of a period [s], showing how temperatures went over all of it.

        Raises ValueError for a period that is not longer than the pulse; HeatError from the calculation.
        """
        wait = period - discharge.duration
        if wait <= 0.0:
            raise ValueError(f"period = {period} s is not longer than the pulse, {discharge.duration} s")
        lit, during = self.flash(state, discharge)
        end, dark = self._dark(lit, np.append(DARK_KNOTS[: np.searchsorted(DARK_KNOTS, wait)], wait))
        return end, _joined([during, _later(self._history(dark), discharge.duration)])

    def cycle(self, state: AnnealState, discharge: Discharge, period: float, memo: CycleMemo) -> AnnealState:
        """Do as follow does, or repeat the cycle in memo where that comes to the same.

        A train is steady when two starts in a row, with the same discharge and period, differ so little, and
        by so much less than the two before, that all drift to come (a geometric series) stays below 1e-3 K.
        Each further cycle then adds the same dose.
        """
        return self._cycle(state, discharge, period, memo)[0]

    def train(
        self, state: AnnealState, discharge: Discharge, period: float, pulses: int
    ) -> tuple[AnnealState, PulseHistory]:
        """Flash a number of times, one period [s] apart, showing how temperatures went over all of it."""
        memo = CycleMemo()
        parts = []
        for pulse in range(pulses):
            state, done = self._cycle(state, discharge, period, memo)
            parts.append(_later(done.history, pulse * period))
        return state, _joined(parts)

    def _cycle(
        self, state: AnnealState, discharge: Discharge, period: float, memo: CycleMemo
    ) -> tuple[AnnealState, Cycle]:
        start = self.present(state)
        last, change = memo.last, np.inf
        if last is not None and (last.foil, last.discharge, last.period) == (self, discharge, period):
            change = float(np.abs(start.enthalpy - last.start).max())
            if _settled(change, last.change):
                return _added(start, last.gained), last
        gained, history = self.follow(_unmarked(start), discharge, period)
        memo.last = Cycle(self, discharge, period, start.enthalpy, gained, change, history)
        return _added(start, gained), memo.last

    def result(self, state: AnnealState) -> AnnealResult:
        """Return what the anneal has left in the film so far."""
        share = crystalline(state.dose, self.film.kinetics.exponent)
        mean = float(share @ self.width / self.width.sum())
        return AnnealResult(
            depth=self.depth,
            width=self.width,
            crystalline=share,
            peak=state.peak,
            mean=mean,
            bottom=float(share[-1]),
            surface_peak=state.surface_peak,
            foil_peak=state.foil_peak,
            molten=state.molten,
            crystalline_bound=crystalline_bound(mean, self.film.full_capacity),
        )

    def temperatures(self, state: AnnealState) -> Array:
        """Return the temperature [K] of every cell (n,), film first, at the state's very moment."""
        return self.stack.temperature(self.present(state).enthalpy)

    def _dark(self, state: AnnealState, times: Array) -> tuple[AnnealState, March]:
        walked = march(
            self.stack, self.environment, state.enthalpy, times, np.zeros(len(times) - 1), self.shares
        )
        return replace(self._after(state, walked), since=float(times[-1]), ahead=0.0), walked

    def _after(self, state: AnnealState, walked: March) -> AnnealState:
        """Return a state with enthalpy, dose and peaks brought up to date."""
        film = walked.temperatures[:, : len(self.width)]
        interface = self.stack.interface(walked.enthalpies, walked.temperatures, 0)
        return replace(
            state,
            enthalpy=walked.enthalpies[-1],
            dose=state.dose + dose_along(self.film.kinetics, walked.times, film),
            peak=np.maximum(state.peak, film.max(axis=0)),
            surface_peak=max(state.surface_peak, float(self.stack.surface(walked.temperatures).max())),
            foil_peak=max(state.foil_peak, float(interface.max())),
            molten=max(state.molten, float(self.stack.molten(walked.enthalpies, 1).max())),
        )

    def _history(self, walked: March) -> PulseHistory:
        return PulseHistory(
            walked.times,
            self.stack.surface(walked.temperatures),
            self.stack.interface(walked.enthalpies, walked.temperatures, 0),
            walked.temperatures[:, -1],
        )


def _settled(change: float, before: float) -> bool:
    """Return whether little drift is to come after change, and before the one before it [J m-3]."""
    return change == 0.0 or (change < STEADY and change**2 <= STEADY * (before - change) < np.inf)


def _unmarked(state: AnnealState) -> AnnealState:
    """Return a state without dose, peaks and pulses, to see what one cycle adds to them."""
    none = np.zeros_like(state.dose)
    return replace(state, dose=none, peak=none, surface_peak=0.0, foil_peak=0.0, molten=0.0, pulses=0)


def _added(before: AnnealState, gained: AnnealState) -> AnnealState:
    """Return the state after a cycle: where it led, with what was there before."""
    return replace(
        gained,
        dose=before.dose + gained.dose,
        peak=np.maximum(before.peak, gained.peak),
        surface_peak=max(before.surface_peak, gained.surface_peak),
        foil_peak=max(before.foil_peak, gained.foil_peak),
        molten=max(before.molten, gained.molten),
        pulses=before.pulses + gained.pulses,
    )


def _later(history: PulseHistory, delay: float) -> PulseHistory:
    return replace(history, time=history.time + delay)


def _joined(parts: list[PulseHistory]) -> PulseHistory:
    """Return histories one after the other as one."""
    names = ("time", "surface", "interface", "back")
    return PulseHistory(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
