"""A film on its substrate under the flash lamp: what each pulse heats, melts and crystallises."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.physics.anneal.crystallisation import crystalline, crystalline_bound, dose_along, dose_for
from sim.physics.anneal.cycles import Cycle, CycleMemo
from sim.physics.anneal.films import Film, Substrate
from sim.physics.anneal.state import AnnealResult, AnnealState, DepthProfiles, PulseHistory
from sim.physics.heat.engines import Drive, Engine, March, whole_balance
from sim.physics.heat.enthalpy import EnthalpyEngine
from sim.physics.heat.medium import REFERENCE
from sim.physics.heat.stack import Course, Environment, Layer, Stack, even, graded, require_positive
from sim.physics.lamp import optics
from sim.physics.lamp.bank import Discharge
from sim.physics.lamp.knots import DARK_END, DARK_KNOTS, dark_knots, lit_knots

Array = NDArray[np.float64]

FILM_CELL = 75e-9  # m, widest cell in the film: 4 times finer grids move the surface peak by less than 0.5 K
FILM_CELLS = 20  # fewest cells in the film
FIRST_CELL = 0.2e-6  # m, first cell of each layer below
CELL_RATIO = 1.15  # growth of these cells
# J m-3, about 0.02 K: drift still to come, below which a train counts as steady; 0.05 K are allowed.
STEADY = 4e4
# Of absorptance: 0.03 K of a base 200 K above its chuck. A smaller step restarts a train on a film that
# crystallises slowly again and again, for 300 pulses whose base is 0.01 K nearer.
SAME_LIGHT = 1e-4


class FoilUnderLamp:
    """Put a film on a substrate under the lamp.

    film, its thickness [m] and the share of the lamp's light that film and substrate absorb [1], which a PhaseLaw
    couples to the film's crystalline share, pulse by pulse; what both sides lose heat to; chuck: the temperature
    behind the substrate over time since the start, where it is not always the environment's; engine: what solves
    the heat, with properties as the engine needs them.
    Raises ValueError with the field's name for a thickness, absorptance or absorption out of range.
    """

    def __init__(
        self,
        film: Film,
        thickness: float,
        absorptance: float | optics.PhaseLaw,
        substrate: Substrate,
        environment: Environment,
        chuck: Course | None = None,
        engine: Callable[[Stack, Environment], Engine] = EnthalpyEngine,
    ) -> None:
        require_positive("film.thickness", thickness, "m")
        self.film, self.substrate, self.environment, self.chuck = film, substrate, environment, chuck
        self.absorptance = absorptance
        self.width: Array = np.array(
            even(thickness, max(FILM_CELLS, int(np.ceil(thickness / FILM_CELL - 1e-9))))
        )
        below = (
            Layer(slab.medium, graded(slab.thickness, FIRST_CELL, CELL_RATIO)) for slab in substrate.slabs
        )
        self.stack = Stack((Layer(film.medium, tuple(self.width.tolist())), *below))
        self.engine = engine(self.stack, environment)
        self.edges: Array = np.append(0.0, np.cumsum(self.width))
        self.depth: Array = self.stack.centres[: len(self.width)]
        if not isinstance(absorptance, optics.PhaseLaw):
            self._fixed_shares = self._shares(absorptance)

    @property
    def shares(self) -> Array:
        """Return the share of the light [1] that each cell absorbs while the film is amorphous (n,)."""
        if isinstance(self.absorptance, optics.PhaseLaw):
            return self._shares(self.absorptance.amorphous)
        return self._fixed_shares

    def absorptance_of(self, state: AnnealState) -> float:
        """Return the share of the light [1] that film and substrate absorb in a state."""
        if not isinstance(self.absorptance, optics.PhaseLaw):
            return self.absorptance
        share = crystalline(state.dose, self.film.kinetics.exponent)
        return self.absorptance(optics.seen_from_above(share, self.edges, self.film.absorption))

    def initial(self, temperature: float, share: float = 0.0) -> AnnealState:
        """Return a film on its substrate, all at one temperature [K], amorphous but for a crystalline share [1].

        Raises ValueError for a share outside [0, 1).
        """
        cells, slabs = len(self.width), self.substrate.slabs
        return AnnealState(
            enthalpy=self.stack.enthalpy(temperature),
            dose=np.full(cells, dose_for(share, self.film.kinetics.exponent)),
            peak=np.full(cells, temperature),
            surface_peak=temperature,
            foil_peak=temperature,
            substrate_margin=max(slab.above_bearable(temperature) for slab in slabs),
        )

    def relax(self, state: AnnealState, dt: float) -> AnnealState:
        """Let dt [s] pass in the dark.

        Steps end at fixed times after the last pulse: two waits in a row give what one long wait gives.
        Raises ValueError for a negative dt or one beyond 30 years; HeatError from the calculation.
        """
        target = state.since + state.ahead + dt
        if not (dt >= 0.0 and target <= DARK_END):
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
        after, walked = self._lit(self.present(state), discharge)
        return after, self._history(walked)

    def follow(
        self, state: AnnealState, discharge: Discharge, period: float
    ) -> tuple[AnnealState, PulseHistory]:
        """Flash once and wait for the rest of a period [s], showing how temperatures went over all of it.

        Raises ValueError for a period that is not longer than the pulse; HeatError from the calculation.
        """
        wait = _wait(period, discharge)
        lit, during = self.flash(state, discharge)
        end, dark = self._dark(lit, dark_knots(wait))
        return end, PulseHistory.joined([during, self._history(dark).later(discharge.duration)])

    def profiles(self, state: AnnealState, discharge: Discharge, moments: ArrayLike) -> DepthProfiles:
        """Return temperatures over depth at the steps next to some moments [s] (s,) after a pulse's start."""
        lit, during = self._lit(self.present(state), discharge)
        wanted = np.asarray(moments, dtype=float)
        _, dark = self._dark(lit, dark_knots(max(float(wanted.max()) - discharge.duration, DARK_KNOTS[1])))
        times = np.append(during.times, dark.times[1:] + discharge.duration)
        rows = np.concatenate([during.temperatures, dark.temperatures[1:]])
        chosen = np.abs(times[:, None] - wanted).argmin(axis=0)
        return DepthProfiles(times[chosen], self.stack.centres, rows[chosen])

    def cycle(self, state: AnnealState, discharge: Discharge, period: float, memo: CycleMemo) -> AnnealState:
        """Do as follow does, or repeat the cycle in memo where that comes to the same.

        A train is steady when two starts in a row, with the same discharge and period, differ so little, and
        by so much less than the two before, that all drift to come (a geometric series) stays below 0.02 K, the
        absorptance is within SAME_LIGHT of that of the last calculated cycle, and the chuck changes no more. Each
        further cycle then adds the same dose, and loses what it absorbs. Before that, cycles that follow from those
        before them are left out; see sim.physics.anneal.cycles.
        """
        return self._cycle(state, discharge, period, memo)[0]

    def anneal(self, state: AnnealState, discharge: Discharge, period: float, pulses: int) -> AnnealState:
        """Flash a number of times, one period [s] apart; memory does not grow with their number."""
        memo = CycleMemo()
        for _ in range(pulses):
            state = self.cycle(state, discharge, period, memo)
        return state

    def train(
        self, state: AnnealState, discharge: Discharge, period: float, pulses: int
    ) -> tuple[AnnealState, PulseHistory]:
        """Do as anneal does, showing how temperatures went over all of it."""
        memo = CycleMemo()
        parts = []
        for pulse in range(pulses):
            state, done = self._cycle(state, discharge, period, memo)
            parts.append(done.history.later(pulse * period))
        return state, PulseHistory.joined(parts)

    def result(self, state: AnnealState) -> AnnealResult:
        """Return what the anneal has left in the film so far.

        Raises EnergyGate where the energies of the whole run do not add up.
        """
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
            substrate_margin=state.substrate_margin,
            crystalline_bound=crystalline_bound(mean, self.film.full_capacity),
            absorbed=state.absorbed,
            lost=state.lost,
            stored=state.stored,
            imbalance=whole_balance(self.stack, state.absorbed, state.lost, state.stored),
            lithium_loss=state.lithium_loss,
            strain=state.strain,
        )

    def temperatures(self, state: AnnealState) -> Array:
        """Return the temperature [K] of every cell (n,), film first, at the state's very moment."""
        return self.stack.temperature(self.present(state).enthalpy)

    def _cycle(
        self, state: AnnealState, discharge: Discharge, period: float, memo: CycleMemo
    ) -> tuple[AnnealState, Cycle]:
        start = self.present(state)
        last, shown, absorptance = memo.last, memo.shown, self.absorptance_of(start)
        change, number = np.inf, 0
        if last is not None and (last.foil, last.discharge, last.period) != (self, discharge, period):
            memo.forget()
        elif last is not None and shown is not None:
            change, number = float(np.abs(start.enthalpy - shown.start).max()), shown.number + 1
            outside_steady = self.chuck is None or self.chuck.steady_after(start.elapsed - period)
            same_light = abs(absorptance - last.absorptance) <= SAME_LIGHT
            if outside_steady and same_light and _settled(change, shown.change):
                return start.adding(shown.gained.steady()), shown
            if outside_steady and memo.leaps > 0:
                leapt = memo.leap(start, change, absorptance, self.stack.widths)
                return start.adding(leapt.gained), leapt
        end, history = self._gain(start, discharge, period)
        done = Cycle(self, discharge, period, start.enthalpy, absorptance, end, change, history, number)
        return start.adding(end), memo.calculated(done)

    def _gain(
        self, start: AnnealState, discharge: Discharge, period: float
    ) -> tuple[AnnealState, PulseHistory]:
        """Follow one cycle and return what it adds: its clock, dose and peaks count from its own start."""
        marked = replace(start.unmarked(), dose=start.dose, elapsed=start.elapsed)
        end, history = self.follow(marked, discharge, period)
        return replace(end, dose=end.dose - start.dose, elapsed=end.elapsed - start.elapsed), history

    def _shares(self, absorptance: float) -> Array:
        """Return the share of the light [1] that each cell absorbs (n,)."""
        film, substrate = self.film, self.substrate
        reflectance = optics.reflectance_for(
            absorptance, float(self.edges[-1]), film.absorption, substrate.mirror
        )
        light = optics.absorb(self.edges, film.absorption, substrate.mirror, reflectance)
        shares = np.zeros(len(self.stack.widths))
        shares[: len(self.width)] = light.film
        if substrate.absorber is not None:
            shares[self.stack.parts[1 + substrate.absorber].start] = light.foil
        return shares

    def _lit(self, start: AnnealState, discharge: Discharge) -> tuple[AnnealState, March]:
        times = lit_knots(discharge)
        power = discharge.exposure * np.diff(discharge.energy_share(times)) / np.diff(times)
        shares = (
            self._shares(self.absorptance_of(start))
            if isinstance(self.absorptance, optics.PhaseLaw)
            else self._fixed_shares
        )
        walked = self._march(start, times, power, shares)
        return replace(self._after(start, walked), pulses=start.pulses + 1, since=0.0, ahead=0.0), walked

    def _dark(self, state: AnnealState, times: Array) -> tuple[AnnealState, March]:
        nothing = np.zeros(len(self.stack.widths))
        walked = self._march(state, times, np.zeros(len(times) - 1), nothing)
        return replace(self._after(state, walked), since=float(times[-1]), ahead=0.0), walked

    def _march(self, state: AnnealState, times: Array, power: Array, shares: Array) -> March:
        chuck = None if self.chuck is None else self.chuck.steps(times - times[0] + state.elapsed)
        return self.engine.march(state.enthalpy, Drive(times, power, shares, chuck))

    def _after(self, state: AnnealState, walked: March) -> AnnealState:
        """Return a state with enthalpy, dose and peaks brought up to date."""
        film = walked.temperatures[:, : len(self.width)]
        interface = self.stack.interface(walked.enthalpies, walked.temperatures, 0)
        loss = self.film.lithium_loss
        lost = 0.0 if loss is None else float(dose_along(loss, walked.times, film[:, :1])[0])
        return replace(
            state,
            enthalpy=walked.enthalpies[-1],
            dose=state.dose + dose_along(self.film.kinetics, walked.times, film),
            peak=np.maximum(state.peak, film.max(axis=0)),
            surface_peak=max(state.surface_peak, float(self.stack.surface(walked.temperatures).max())),
            foil_peak=max(state.foil_peak, float(interface.max())),
            molten=max(state.molten, self._molten(walked)),
            elapsed=state.elapsed + float(walked.times[-1] - walked.times[0]),
            lithium_loss=state.lithium_loss + lost,
            strain=max(state.strain, float(np.abs(self._mismatch(walked.temperatures)).max())),
            substrate_margin=max(state.substrate_margin, self._margin(walked)),
            absorbed=state.absorbed + walked.absorbed,
            lost=state.lost + walked.lost,
            stored=state.stored + float(self.stack.widths @ (walked.enthalpies[-1] - walked.enthalpies[0])),
        )

    def _molten(self, walked: March) -> float:
        """Return the largest molten share of any slab [1] on the way."""
        layers = range(1, len(self.stack.layers))
        return max(float(self.stack.molten(walked.enthalpies, layer).max()) for layer in layers)

    def _margin(self, walked: March) -> float:
        """Return by how much any slab was hotter than it bears [K], its upper face included."""
        margins = []
        for above, slab in enumerate(self.substrate.slabs):
            face = self.stack.interface(walked.enthalpies, walked.temperatures, above)
            inside = walked.temperatures[:, self.stack.parts[1 + above]]
            margins.append(slab.above_bearable(max(float(face.max()), float(inside.max()))))
        return max(margins)

    def _mismatch(self, temperatures: Array) -> Array:
        """Return by how much the substrate outgrew the film since 298 K [1] (s,), from their mean temperatures."""
        film = self.stack.mean(temperatures, slice(0, 1)) - REFERENCE
        below = self.stack.mean(temperatures, slice(1, None)) - REFERENCE
        return np.asarray(self.substrate.expansion * below - self.film.expansion * film)

    def _history(self, walked: March) -> PulseHistory:
        return PulseHistory(
            walked.times,
            self.stack.surface(walked.temperatures),
            self.stack.interface(walked.enthalpies, walked.temperatures, 0),
            walked.temperatures[:, -1],
        )


def _wait(period: float, discharge: Discharge) -> float:
    """Return the time [s] from the end of a pulse to the next. Raises ValueError unless there is some."""
    wait = period - discharge.duration
    if not wait > 0.0:
        raise ValueError(f"period = {period} s is not longer than the pulse, {discharge.duration} s")
    return wait


def _settled(change: float, before: float) -> bool:
    """Return whether little drift is to come after change, and before the one before it [J m-3]."""
    return change == 0.0 or (change < STEADY and change**2 <= STEADY * (before - change) < np.inf)
