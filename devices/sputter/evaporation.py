"""One evaporated film: a boat is heated behind the shutter until its rate holds, then opened upon, then cooled."""

from __future__ import annotations

import math
from collections.abc import Mapping

from devices.clock import Poller
from devices.sputter.boat_watch import BoatWatch, CrystalWatch, VacuumWatch
from devices.sputter.crew import Crew
from devices.sputter.equipment import BOAT, ROTATION
from devices.sputter.flying import ROW, ChamberFlight
from devices.sputter.guns import Ramp, switch_on
from devices.sputter.interlocks import MONITOR
from devices.sputter.looks import Seen
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.parts import MonitorReading
from devices.sputter.quartz import noise_of
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.records import LEAST, Film, FilmFlag
from devices.sputter.states import ChamberState
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.vacuum import reached
from devices.sputter.watch import Lasting, Trouble, TurboWatch, require_control, watch_chamber

BEGINS = 0.1
"""Of the wanted rate from which the boat's power follows the rate; below it, it is ramped up."""
RESTS = 0.1
"""Of the wanted rate within which the power rests: a supply that is set in whole watts hunts otherwise, by 9 % of the
rate each way at 0.3 nm/s [deposition twins]; how thick the film is the monitor says at any rate."""
REST_TIME = 120.0
"""Seconds that the power is given to come to rest before the shutter opens, twice what it takes for a watt at a tenth
off; a boat of which a watt is more than that finds none."""
HEAT_TIME = 3600.0
"""Seconds within which the rate must be reached; guess."""
GASSING = 1e-2
"""Pa above which the boat's vapour would scatter, and its charge burn; guess."""
GASSING_TIME = 3.0
LOOK_BACK = 300.0
"""Seconds after a film within which the chamber is at its base pressure again; guess."""


class RateControl:
    """Follows a rate with a power: proportional and integral in the logarithm of the rate, in steps; rests near it.

    A boat's rate goes with some 2.8 %/K [deposition twins], so its logarithm is nearly straight in power.
    """

    def __init__(self, wanted: float, gain: float, integral: float) -> None:
        self._wanted, self._gain, self._integral = wanted, gain, integral
        self._last = math.nan

    def rests(self, rate: float) -> bool:
        """Return whether a rate [m/s] leaves the power as it is."""
        return abs(self._error(rate)) <= RESTS

    def _error(self, rate: float) -> float:
        return max(-1.0, min(1.0, math.log(self._wanted / max(rate, 1e-3 * self._wanted))))

    def step(self, rate: float, dt: float) -> float:
        """Return by how much to change the power [W] after dt [s] at a rate [m/s]."""
        error = self._error(rate)
        moved = 0.0 if math.isnan(self._last) else error - self._last
        self._last = error
        if self.rests(rate):
            return 0.0
        return self._gain * (moved + error * dt / self._integral)


class EvaporationFlight(ChamberFlight):
    """A film from a boat; the thickness monitor sees the boat whether the shutter is open or not."""

    sources = (BOAT,)
    blind = "the crystal looks past it"

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
        self._built, self._gassing, self._gasses = built, Lasting(GASSING_TIME), Lasting(built.degas)
        self._at_most, self._was_clean, self._heated_at = Lasting(built.full_power), False, math.inf
        self._noise = noise_of(crew.limits, constants.density)
        self._crystal = CrystalWatch(recipe.rate, self._noise)
        self._boat = BoatWatch(recipe, self._noise, built.settles)
        limits = crew.limits
        self._vacuum = VacuumWatch(limits.base_pressures.get(recipe.material, limits.base_pressure))
        self._turbo = TurboWatch(limits)

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
            yield from self._deposited()
            flight = self._crew.log.flight
            if flight.done < flight.asked:
                yield from self._held(self._cooled)
                if not self._lit:
                    yield from self._pumped()
        yield from self._cooled()
        yield from self._looked_back()

    def _sees_the_film(self) -> bool:
        return False

    def _book(self, grown: float) -> None:
        unweighed = math.isnan(grown) and self._lit
        if unweighed or grown > self._noise:
            self.film.came_through(LEAST if unweighed else grown)

    def _looked_back(self) -> Poller:
        """Doubt a film after which the base pressure does not come back."""
        crew, until = self._crew, self._clock.now() + LOOK_BACK
        if not (yield from reached(crew, self.base_pressure, until, self._tick)):
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
        """Heat the boat until its rate is held, has been for the soaking time, and the power has come to rest."""
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
        self._crystal.reset()
        self._heated_at = self._clock.now()
        until = self._heated_at + HEAT_TIME
        self._goal, self._was_clean, self._gasses = recipe.power, False, Lasting(self._built.degas)
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
        rested = self._clock.now() + REST_TIME
        while not (self._is_ready() and (self._rests() or self._clock.now() >= rested)):
            self._require_time(until + recipe.soak + REST_TIME)
            yield from self._tick()
        self._boat.learnt = self._ramp.power
        self._flags, self._presputtered = FilmFlag.OK, True

    def _is_ready(self) -> bool:
        """Return whether the shutter may be opened soon: the rate is held, and what the hot boat gave off is pumped."""
        return self._boat.held(self._rate()) and self._vacuum.good(self._pressure(self._crew.looks.seen))

    def _rests(self) -> bool:
        """Return whether the rate is known at the power that is set, and that one stays."""
        return self._control.rests(self._rate()) and self._boat.settled(self._clock.now())

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
        yield from self._tick()

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
        if self.keeper.is_open and not self._boat.may_follow(rate):
            return
        low, high = self._boat.bounds()
        self._goal = max(low, min(high, self._goal + self._control.step(rate, ROW)))

    def _left(self) -> float:
        return (self.thickness - self.film.monitor) / max(self._rate(), BEGINS * self.recipe.rate)

    def _rate(self) -> float:
        reading = self._crew.looks.seen.monitor
        return 0.0 if reading is None or not self._powered else reading.rate

    def _require_time(self, until: float) -> None:
        """Raise Trouble when it takes too long to heat the boat, or all the power that it may have does not."""
        now, rate = self._clock.now(), self._rate()
        weak = self._ramp.power >= round(self.recipe.power) and not self._boat.held(rate)
        if self._at_most.holds(now, weak) or now > until:
            raise Trouble(
                "rate",
                f"{rate * 1e9:.3f} nm/s and not {self.recipe.rate * 1e9:.3f} nm/s at {self._ramp.power:.0f} W"
                f" after {now - self._heated_at:.0f} s, {self._pressure(self._crew.looks.seen):.2g} Pa: is the boat"
                " empty, or does it give off gas?",
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
        self._watch_chamber(seen)
        state = seen.supplies[BOAT]
        require_control(BOAT, state)
        if self._lit and not state.on:
            # The loop takes the power away before a row looks at its contacts: it is named, not the power.
            crew.looks.everything(acting=True)
            self._watch_chamber(seen)
            raise Trouble("power_lost", "the boat's supply is off", gently=False)
        self._watch_shutters(now, seen)
        self._turbo.look(seen.turbo_share)
        if self._gassing.holds(now, not self._pressure(seen) <= GASSING):
            raise Trouble("pressure", f"it rose above {GASSING:g} Pa with a hot boat")
        if is_open:
            self._doubt("leak", self._vacuum.look(now, self._pressure(seen)))
        else:
            self._watch_gas(now, self._pressure(seen))
        if seen.monitor is not None:
            self._watch_crystal(now, seen.monitor)

    def _watch_gas(self, now: float, pressure: float) -> None:
        """Raise Trouble for a pressure [Pa] that rises beside a boat that gave off its gas, or that stays high."""
        self._was_clean |= self._controlled and self._vacuum.good(pressure)
        if self._was_clean:
            self._vacuum.look(now, pressure)
        elif self._gasses.holds(now, not self._vacuum.good(pressure)):
            raise Trouble(
                "leak",
                f"{pressure:.2g} Pa under the heated boat for {self._built.degas:.0f} s: water or air comes in, or its"
                " charge gives off gas for long",
            )

    def _watch_chamber(self, seen: Seen) -> None:
        """Raise Trouble where an interlock opens, or somebody moves a valve or shutter; what came through counts."""
        try:
            watch_chamber(self._crew, seen, deed="heat", is_open=self.keeper.is_open)
        except Trouble as trouble:
            if trouble.code == "shutter":
                self._came_through(seen)
            raise

    def _watch_crystal(self, now: float, reading: MonitorReading) -> None:
        if not reading.ok:
            raise Trouble("crystal", "the crystal does not oscillate, and nothing else holds the boat's rate")
        self._crystal.look(now, reading)
        if not self.keeper.is_open and self._goal > 0.0:
            self._boat.behind(now, reading.rate, self._crystal.lately, self._ramp.power)
        if not self._controlled:
            self._boat.reset()
            return
        moved = self._boat.moved(now, reading.rate, self._ramp.power)
        if not self.keeper.is_open:
            return
        why = self.keeper.monitor_fails(reading)
        if why:
            raise Trouble("crystal", why)
        power = self._ramp.power
        self._doubt("boat", self._boat.look(now, reading.rate, self._crystal.lately, power, moved=moved))
