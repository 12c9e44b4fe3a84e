"""One evaporated film: a boat is heated behind the shutter until its rate holds, then opened upon, then cooled."""

from __future__ import annotations

import math
from collections.abc import Mapping

from devices.clock import Poller
from devices.sputter.boat_watch import BoatWatch, CrystalWatch, ShutterWatch, VacuumWatch
from devices.sputter.crew import Crew
from devices.sputter.equipment import BOAT, ROTATION
from devices.sputter.flying import ROW, ChamberFlight
from devices.sputter.guns import Ramp, switch_on
from devices.sputter.interlocks import MONITOR
from devices.sputter.looks import Seen
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.parts import MonitorReading
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.records import Film, FilmFlag
from devices.sputter.states import ChamberState
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.vacuum import reached
from devices.sputter.watch import Lasting, Trouble, TurboWatch, require_control, watch_chamber

BEGINS = 0.1
"""Of the wanted rate from which the boat's power follows the rate; below it, it is ramped up."""
HEAT_TIME = 3600.0
"""Seconds within which the rate must be reached; guess."""
GASSING = 1e-2
"""Pa above which the boat's vapour would scatter, and its charge burn; guess."""
GASSING_TIME = 3.0
LOOK_BACK = 300.0
"""Seconds after a film within which the chamber is at its base pressure again; guess."""
UNSEEN = "nobody saw the shutter open and closed: the board names no end switches of it, and the crystal looks past it"
UNSEEN_OPEN = "nobody saw the shutter open: it closed again before its end switches were looked at"


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
        self._shutter, self._boat = ShutterWatch(), BoatWatch(recipe)
        self._crystal = CrystalWatch(recipe.rate, constants.density)
        limits = crew.limits
        self._vacuum = VacuumWatch(limits.base_pressures.get(recipe.material, limits.base_pressure))
        self._turbo = TurboWatch(limits)
        self._ends: Mapping[str, bool] = {}

    def _film(self) -> Poller:
        monitor, constants = self._crew.equipment.monitor, self._constants
        assert monitor is not None
        with self._deed(MONITOR):
            monitor.prepare(constants.density, constants.z_ratio, constants.tooling)
        flight = self._crew.log.flight
        while flight.done < flight.asked:
            if not self._lit:
                yield from self._hot()
                if not self.film.openings:
                    with self._deed(MONITOR):
                        monitor.zero()
                    self._crystal.reset()
            self._shutter.begin()
            yield from self._deposited()
            self._doubt_the_unseen()
            flight = self._crew.log.flight
            if flight.done < flight.asked:
                yield from self._held(self._cooled)
                if not self._lit:
                    yield from self._pumped()
        yield from self._cooled()
        yield from self._looked_back()

    def _doubt_the_unseen(self) -> None:
        """Doubt a film whose shutter nobody saw open."""
        if self.film.openings and not self._shutter.was_open:
            self.film.doubt(UNSEEN_OPEN if self._ends else UNSEEN)

    def _looked_back(self) -> Poller:
        """Doubt a film after which the base pressure does not come back."""
        crew, until = self._crew, self._clock.now() + LOOK_BACK
        if not (yield from reached(crew, self.base_pressure, until, lambda: self._tick(thorough=True))):
            now = self._pressure(crew.looks.seen)
            self._doubt(
                "water",
                f"{now:.2g} Pa and not {self.base_pressure:.2g} Pa after the film: water or air came in",
            )

    def _doubt(self, code: str, why: str) -> None:
        """Doubt the film, and say so once."""
        if why and not any(each.startswith(code) for each in self.film.doubts):
            self._crew.log.tell(code, "alarm", why)
            self.film.doubt(f"{code}: {why}")

    def _hot(self) -> Poller:
        """Heat the boat until its rate is held, and has been for the soaking time."""
        crew, recipe = self._crew, self.recipe
        crew.looks.everything()
        crew.require("heat", "the boat was not heated")
        yield from self._seen_closed()
        self._close_the_loop()
        self._go(ChamberState.PLASMA)
        boat = crew.equipment.supplies[BOAT]
        with self._deed(f"power {BOAT}"):
            switch_on(boat, lambda: self._ramp.begin(0.0))
        self._lit, self._flags = True, FilmFlag.RAMPING
        until = self._clock.now() + HEAT_TIME
        self._goal = recipe.power
        if ROTATION in crew.equipment.relays.names():
            self._rotate(True)
        while not self._rate() >= BEGINS * recipe.rate:
            self._require_time(until)
            yield from self._tick()
        self._goal, self._controlled = self._ramp.power, True
        self._flags = FilmFlag.PRESPUTTER
        held = Lasting(recipe.soak)
        while not held.holds(self._clock.now(), self._is_ready()):
            self._require_time(until + recipe.soak)
            yield from self._tick()
        self._boat.learnt = self._ramp.power
        self._flags, self._presputtered = FilmFlag.OK, True

    def _seen_closed(self) -> Poller:
        """Wait for the shutter's end switches to say that it is closed. Raises Trouble when they do not in time."""
        while not self._shutter.is_right(ends := self._look_at_the_ends(), is_open=False):
            self._shutter.look(self._clock.now(), ends, None, is_open=False)
            yield from self._tick()

    def _look_at_the_ends(self) -> Mapping[str, bool]:
        self._ends = self._crew.equipment.board.ends()
        return self._ends

    def _is_ready(self) -> bool:
        """Return whether the shutter may be opened soon: the rate is held, and what the hot boat gave off is pumped."""
        return self._boat.held(self._rate()) and self._vacuum.good(self._pressure(self._crew.looks.seen))

    def _cooled(self) -> Poller:
        """Take the boat's power away by its ramp."""
        self._controlled, self._goal = False, 0.0
        self._boat.learnt = math.nan
        self._flags = FilmFlag.RAMPING
        while self._lit and self._ramp.power > 0:
            yield from self._tick()
        with self._lock:
            self._powered = self._lit = self._presputtered = False
            self._crew.equipment.supplies[BOAT].off()
            self._crew.equipment.board.safe()
        if ROTATION in self._crew.equipment.relays.names():
            self._rotate(False)
        self._flags = FilmFlag.OK
        self._go(ChamberState.PUMPING)
        yield from self._seen_closed()
        yield from self._tick(thorough=True)

    def _act(self, seen: Seen) -> None:
        """Move the boat's power: by its ramp, or after the rate."""
        if not self._powered:
            return
        if self._controlled and seen.monitor is not None:
            self._follow(seen.monitor.rate)
        with self._deed("power"):
            self._ramp.towards(self._goal, ROW)

    def _follow(self, rate: float) -> None:
        """Move the power after a rate [m/s]; over a growing film not after one that makes a step, nor far."""
        if self.keeper.is_open and not self._boat.held(rate):
            return
        low, high = self._boat.bounds()
        self._goal = max(low, min(high, self._goal + self._control.step(rate, ROW)))

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
                f" after {HEAT_TIME:.0f} s, {self._pressure(self._crew.looks.seen):.2g} Pa: is the boat empty, or does"
                " it give off gas?",
            )

    def _worn(self, source: str, energy: float) -> None:
        self._energy_so_far += energy

    def _columns(self, seen: Seen) -> Mapping[str, float]:
        crew = self._crew
        state = seen.supplies.get(BOAT) if self._powered else None
        columns = {
            "pressure": self._pressure(seen),
            "boat_forward": 0.0 if state is None else state.forward,
            "boat_reflected": 0.0 if state is None else state.reflected,
            "boat_power": 0.0 if state is None else state.load,
            "boat_bias": 0.0 if state is None else state.bias,
        }
        if "valve_position" in crew.log.columns:
            columns["valve_position"] = seen.position
        return columns

    def _pressure(self, seen: Seen) -> float:
        return seen.pressure(self._crew.gauges.base, *self._crew.gauges.rough)

    def _watch(self, now: float, seen: Seen) -> None:
        if not self._powered:
            return
        crew, is_open = self._crew, self.keeper.is_open
        watch_chamber(crew, seen, deed="heat", is_open=is_open)
        state = seen.supplies[BOAT]
        require_control(BOAT, state)
        if self._lit and not state.on:
            # The loop takes the power away before a row looks at its contacts: it is named, not the power.
            crew.looks.everything(acting=True)
            watch_chamber(crew, seen, deed="heat", is_open=is_open)
            raise Trouble("power_lost", "the boat's supply is off", gently=False)
        self._watch_shutter(now, seen)
        self._turbo.look(seen.turbo_share)
        if self._gassing.holds(now, not self._pressure(seen) <= GASSING):
            raise Trouble("pressure", f"it rose above {GASSING:g} Pa with a hot boat")
        if is_open:
            self._doubt("leak", self._vacuum.look(now, self._pressure(seen)))
        if seen.monitor is not None:
            self._watch_crystal(now, seen.monitor)

    def _watch_shutter(self, now: float, seen: Seen) -> None:
        try:
            self._shutter.look(now, self._look_at_the_ends(), seen.monitor, is_open=self.keeper.is_open)
        except Trouble as trouble:
            grown = math.nan if seen.monitor is None else seen.monitor.thickness - self._shutter.thickness
            if trouble.code == "shutter_stuck_open" and grown > self._crystal.noise:
                self.film.came_through(grown)
            raise

    def _watch_crystal(self, now: float, reading: MonitorReading) -> None:
        if not reading.ok:
            raise Trouble("crystal", "the crystal does not oscillate, and nothing else holds the boat's rate")
        if not self._controlled:
            self._crystal.reset()
            return
        self._crystal.look(now, reading)
        if not self.keeper.is_open:
            return
        why = self.keeper.monitor_fails(reading)
        if why:
            raise Trouble("crystal", why)
        self._doubt("boat", self._boat.look(now, reading.rate, self._crystal.lately, self._ramp.power))
