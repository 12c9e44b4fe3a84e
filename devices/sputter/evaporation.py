"""One evaporated film: a boat is heated behind the shutter until its rate holds, then opened upon, then cooled."""

from __future__ import annotations

import math
from collections.abc import Mapping

from devices.clock import Poller
from devices.sputter.crew import Crew
from devices.sputter.equipment import BOAT
from devices.sputter.flying import ROW, ChamberFlight
from devices.sputter.guns import Ramp, switch_on
from devices.sputter.looks import Seen
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.records import Film, FilmFlag
from devices.sputter.states import ChamberState
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.watch import Lasting, RateWatch, Trouble, require_control, watch_chamber

BEGINS = 0.1
"""Of the wanted rate from which the boat's power follows the rate; below it, it is ramped up."""
STEADY = 0.2
"""Of the wanted rate within which it counts as held."""
HEAT_TIME = 3600.0
"""Seconds within which the rate must be reached; guess."""
GASSING = 1e-2
"""Pa above which the boat's vapour would scatter, and its charge burn; guess."""
GASSING_TIME = 3.0


class RateControl:
    """Follows a rate with a power: proportional and integral in the logarithm of the rate, in steps.

    A boat's rate goes with some 2.8 %/K [deposition twins], so its logarithm is nearly straight in power.
    """

    def __init__(self, wanted: float, gain: float, integral: float) -> None:
        self._wanted, self._gain, self._integral = wanted, gain, integral
        self._last = math.nan

    def step(self, rate: float, dt: float) -> float:
        """Return by how much to change the power [W] after dt [s] at a rate [m/s]."""
        error = max(-1.0, min(1.0, math.log(self._wanted / max(rate, 1e-3 * self._wanted))))
        moved = 0.0 if math.isnan(self._last) else error - self._last
        self._last = error
        return self._gain * (moved + error * dt / self._integral)


class EvaporationFlight(ChamberFlight):
    """A film from a boat; the thickness monitor sees the boat whether the shutter is open or not."""

    sources = (BOAT,)

    def __init__(
        self,
        recipe: EvaporationRecipe,
        crew: Crew,
        built: EvaporatorParameters,
        constants: FilmConstants,
    ) -> None:
        film = Film()
        keeper = ThicknessKeeper(film, recipe.rate, math.inf, crew.limits, monitored=True)
        super().__init__(crew, film, keeper, lambda: self._energy_so_far)
        self.recipe, self._constants = recipe, constants
        self.material, self.thickness, self.base_pressure = (
            recipe.material,
            recipe.thickness,
            recipe.base_pressure,
        )
        if recipe.mask_area is not None:
            self.area = recipe.mask_area
        self._energy_so_far = 0.0
        self._ramp = Ramp(crew.equipment.supplies[BOAT], recipe.ramp)
        self._control = RateControl(recipe.rate, built.gain, built.integral)
        self._goal = 0.0
        self._controlled = False
        self._gassing = Lasting(GASSING_TIME)
        self._rate_watch = RateWatch(crew.limits)

    def _film(self) -> Poller:
        monitor, constants = self._crew.equipment.monitor, self._constants
        assert monitor is not None
        monitor.prepare(constants.density, constants.z_ratio, constants.tooling)
        flight = self._crew.log.flight
        while flight.done < flight.asked:
            if not self._lit:
                yield from self._hot()
                if not self.film.openings:
                    monitor.zero()
            yield from self._deposited()
            flight = self._crew.log.flight
            if flight.done < flight.asked:
                yield from self._held(self._cooled)
                if not self._lit:
                    yield from self._pumped()
        yield from self._cooled()

    def _hot(self) -> Poller:
        """Heat the boat until its rate is held, and has been for the soaking time."""
        crew, recipe = self._crew, self.recipe
        crew.looks.everything()
        crew.require("heat", "the boat was not heated")
        self._close_the_loop()
        self._go(ChamberState.PLASMA)
        boat = crew.equipment.supplies[BOAT]
        with self._deed(f"power {BOAT}"):
            switch_on(boat, lambda: self._ramp.begin(0.0))
        self._lit, self._flags = True, FilmFlag.RAMPING
        until = self._clock.now() + HEAT_TIME
        self._goal = recipe.power
        while not self._rate() >= BEGINS * recipe.rate:
            self._require_time(until)
            yield from self._tick()
        self._goal, self._controlled = self._ramp.power, True
        self._flags = FilmFlag.PRESPUTTER
        held = Lasting(recipe.soak)
        while not held.holds(self._clock.now(), abs(self._rate() / recipe.rate - 1) <= STEADY):
            self._require_time(until + recipe.soak)
            yield from self._tick()
        self._flags, self._presputtered = FilmFlag.OK, True

    def _cooled(self) -> Poller:
        """Take the boat's power away by its ramp."""
        self._controlled, self._goal = False, 0.0
        self._flags = FilmFlag.RAMPING
        while self._lit and self._ramp.power > 0:
            yield from self._tick()
        with self._lock:
            self._powered = self._lit = self._presputtered = False
            self._crew.equipment.supplies[BOAT].off()
            self._crew.equipment.board.safe()
        self._flags = FilmFlag.OK
        self._go(ChamberState.PUMPING)
        yield from self._tick(thorough=True)

    def _act(self, seen: Seen) -> None:
        """Move the boat's power: by its ramp, or after the rate."""
        if not self._powered:
            return
        if self._controlled and seen.monitor is not None:
            change = self._control.step(seen.monitor.rate, ROW)
            self._goal = max(0.0, min(self.recipe.power, self._goal + change))
        with self._deed("power"):
            self._ramp.towards(self._goal, ROW)

    def _left(self) -> float:
        return (self.thickness - self.film.monitor) / max(self._rate(), BEGINS * self.recipe.rate)

    def _rate(self) -> float:
        reading = self._crew.looks.seen.monitor
        return 0.0 if reading is None or not self._powered else reading.rate

    def _require_time(self, until: float) -> None:
        if self._clock.now() > until:
            raise Trouble(
                "rate",
                f"{self._rate() * 1e9:.3f} nm/s and not {self.recipe.rate * 1e9:.3f} nm/s at {self._ramp.power:.0f} W"
                f" after {HEAT_TIME:.0f} s: is the boat empty?",
            )

    def _worn(self, source: str, energy: float) -> None:
        self._energy_so_far += energy

    def _columns(self, seen: Seen) -> Mapping[str, float]:
        crew = self._crew
        state = seen.supplies.get(BOAT) if self._powered else None
        columns = {
            "pressure": seen.pressure(crew.gauges.base, *crew.gauges.rough),
            "boat_forward": 0.0 if state is None else state.forward,
            "boat_reflected": 0.0 if state is None else state.reflected,
            "boat_power": 0.0 if state is None else state.load,
            "boat_bias": 0.0 if state is None else state.bias,
        }
        if "valve_position" in crew.log.columns:
            columns["valve_position"] = seen.position
        return columns

    def _watch(self, now: float, seen: Seen) -> None:
        if not self._powered:
            return
        crew = self._crew
        watch_chamber(crew, seen, deed="heat", is_open=self.keeper.is_open)
        state = seen.supplies[BOAT]
        require_control(BOAT, state)
        if self._lit and not state.on:
            raise Trouble("power_lost", "the boat's supply is off", gently=False)
        if self._gassing.holds(now, not seen.pressure(crew.gauges.base, *crew.gauges.rough) <= GASSING):
            raise Trouble("pressure", f"it rose above {GASSING:g} Pa with a hot boat")
        if seen.monitor is None:
            return
        if not seen.monitor.ok:
            raise Trouble("crystal", "the crystal does not oscillate, and nothing else holds the boat's rate")
        if self.keeper.is_open:
            why = self.keeper.monitor_fails(seen.monitor)
            if why:
                raise Trouble("crystal", why)
            self._rate_watch.open(now, seen.monitor.rate, self.recipe.rate)
