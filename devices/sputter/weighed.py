"""A film that a crystal weighs: what is asked of it before the plasma, in its heat, at the shutter, over the film.

The crystal's own watchers say in words what is wrong; here it is decided what becomes of the film.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from devices.clock import Poller
from devices.roles.films import FilmRate
from devices.sputter.crew import Crew
from devices.sputter.crystal_watch import FilmCrystal
from devices.sputter.equipment import SUBSTRATE_SHUTTER, ends_of, shutter_of
from devices.sputter.flying import ROW
from devices.sputter.guns import GunPlan, Wear, strike_power
from devices.sputter.interlocks import MONITOR
from devices.sputter.looks import Seen
from devices.sputter.memory import ChamberMemory
from devices.sputter.parameters import CrystalWarmth, FilmConstants, Reference
from devices.sputter.parts import MonitorReading
from devices.sputter.plasma import PlasmaFlight
from devices.sputter.recipe import DepositionRecipe
from devices.sputter.records import Film, FilmFlag
from devices.sputter.regulated import key_of
from devices.sputter.thickness import COMPARABLE, ThicknessKeeper
from devices.sputter.warming import Warming, stated
from devices.sputter.watch import CRYSTAL_SETTLES, SHARES_SHOW, Lasting, ShareWatch, Trouble

WARM = 3.0
"""K by which the substrate may be off before it counts as heated; guess."""
REPEATS = 0.02
"""Relative sd to which a machine makes a film like the one before it, as its monitor sees it; guess, twice what a
manufacturer of such monitors calls repeatable."""
LATELY = 60
"""Rows, one a second, over which that rate is taken: 3 nm at the slowest, its noise 0.1 nm."""
PROOF = 4.0
"""Seconds for which a shutter opens first, and then closes, where the rate of a film is a guess: a crystal that begins
to fail meanwhile is told within ten; guess."""
LONG_ENOUGH = 10.0
"""Times as long must such a film take; guess."""
STILL_TIME = 30.0
"""Seconds that a warm crystal has to stand still before a shutter opens; one that moves by more than noise is told in
six."""


class WeighedFlight(PlasmaFlight):
    """A film from one gun or several, which a crystal weighs where constants are given."""

    def __init__(
        self,
        recipe: DepositionRecipe,
        crew: Crew,
        plans: Sequence[GunPlan],
        wear: Wear,
        memory: ChamberMemory,
        rate: FilmRate | None,
        constants: FilmConstants | None,
        shares: ShareWatch,
        warms: CrystalWarmth | None = None,
        references: Sequence[Reference] = (),
    ) -> None:
        film = Film()
        believed, sd = (math.nan, math.inf) if rate is None else (rate.rate, rate.sd)
        keeper = ThicknessKeeper(film, believed, sd, crew.limits, monitored=constants is not None)
        super().__init__(recipe, crew, plans, wear, memory, film, keeper, references)
        self._constants, self._shares = constants, shares
        self._stated = None if warms is None else stated(warms)
        self._warming: Warming | None = None
        self._is_weighed, self._unlit = False, Lasting(0.5 * ROW)
        self._lately: deque[tuple[float, float]] = deque(maxlen=LATELY)
        self._crystal = None
        if constants is not None:
            before = memory.rates.of(self._made_like, self._energy_so_far)
            if sd > REPEATS and not math.isnan(before):
                # A guess lets a crystal that begins to fail pass; what it made of such a film before does not.
                believed, sd = before, REPEATS
            self._crystal = FilmCrystal(crew.limits, constants.density, constants.tooling, believed, sd)

    def _proven(self) -> Poller:
        """See what the crystal shows of a short first opening, where a film's rate is a guess.

        One that fails as its shutter opens looks like a film of another rate, until the shutter is closed again. A
        substrate's bias stays on meanwhile: to ramp it down and up takes longer.
        """
        yield from self._stilled()
        crystal, before = self._crystal, self.film.openings
        if crystal is None or not crystal.wants_proof or not self._left() > LONG_ENOUGH * PROOF:
            return
        yield from self._deposited(PROOF)
        yield from self._stilled()
        if self.film.openings > before and not self.is_held:
            self.keeper.caught_up(self._reading())

    def _stilled(self) -> Poller:
        """Wait behind the closed shutter until the crystal stands still, or a while; one that fails is told."""
        crystal, until = self._crystal, max(self._clock.now(), self._lit_at + CRYSTAL_SETTLES) + STILL_TIME
        self._flags |= FilmFlag.PRESPUTTER
        while crystal is not None and self._clock.now() <= until:
            if crystal.stands or self.is_held or self.film.flags & FilmFlag.BY_TIME:
                break
            yield from self._tick()
        self._flags &= ~FilmFlag.PRESPUTTER

    @property
    def _made_like(self) -> str:
        """What the rate on the monitor is remembered by."""
        recipe, constants = self.recipe, self._constants
        powers = ", ".join(
            sorted(f"{plan.gun} {plan.target.material} {plan.power:.4g} W" for plan in self._plans)
        )
        gas = key_of(recipe.pressure, {each.gas: each.flow for each in recipe.gases})
        tooling = math.nan if constants is None else constants.tooling
        return (
            f"{recipe.material} from {powers}, {gas}, {recipe.bias_power:.4g} W on the substrate,"
            f" {recipe.substrate_temperature or 'not'} heated, tooling {tooling:.4g}"
        )

    @property
    def _energy_so_far(self) -> float:
        """The energy [J] that the targets of this film had."""
        return math.fsum(self._wear.of(plan.gun) for plan in self._plans)

    def _learn_rate(self) -> None:
        """Remember what the monitor made of the last of a sound film: its target gave more in the beginning."""
        film = self.film
        is_sound = not film.flags & (FilmFlag.DOUBTFUL | FilmFlag.BY_TIME)
        if len(self._lately) == LATELY and is_sound and film.monitor >= COMPARABLE:
            (began, before), (ended, after) = self._lately[0], self._lately[-1]
            self._memory.rates.learn(self._made_like, (after - before) / (ended - began), self._energy_so_far)

    def _lit_up(self) -> Poller:
        monitor, constants = self._crew.equipment.monitor, self._constants
        if monitor is not None and constants is not None:
            with self._deed(MONITOR):
                monitor.prepare(constants.density, constants.z_ratio, constants.tooling)
        if monitor is not None and not self.film.openings:
            with self._deed(MONITOR):
                monitor.zero()
            self._rates.lit(monitor.read_film())
        self._is_weighed = True
        yield from super()._lit_up()
        self._is_weighed = False

    @property
    def _is_cold(self) -> bool:
        """Whether the crystal is: only from the cold it is known how a plasma's heat moves it."""
        is_weighing = self._constants is not None and not self.film.flags & FilmFlag.BY_TIME
        return not is_weighing or self._clock.now() - self._memory.glow.seen > CRYSTAL_SETTLES

    def _require_monitor(self) -> None:
        self._require_crystal(self._reading())

    def _require_crystal(self, reading: MonitorReading | None) -> None:
        """Raise Trouble before anything is lit or opened for a crystal that is dead, where the film needs it."""
        why = self.keeper.monitor_fails(reading)
        goes_on = self.recipe.monitor_failure == "go_on" and self.keeper.is_calibrated
        if why and self._constants is not None and not goes_on:
            raise Trouble("crystal", f"{why}; the shutter stays closed")

    def _watch(self, now: float, seen: Seen) -> None:
        super()._watch(now, seen)
        monitor = self._crew.equipment.monitor
        if monitor is None or self._constants is None or not (self._lit or self._is_weighed):
            return
        if not self._powered:
            seen.monitor = monitor.read_film()
        if seen.monitor is not None and seen.monitor.ok:
            self._memory.courses.weighed(seen.monitor.frequency, self._crew.limits.crystal_heat)
        if self.keeper.is_open:
            self._watch_open(now, seen)
        else:
            self._watch_closed(now, seen)

    def _watch_open(self, now: float, seen: Seen) -> None:
        assert seen.monitor is not None
        assert self._crystal is not None
        believed, goes_on = self.keeper.rate, self.recipe.monitor_failure == "go_on"
        self._lately.append((self.film.open_time, self.film.monitor))
        why = self._crystal.open(
            now,
            seen.monitor,
            opening=self.film.openings,
            sure=self._sees_the_shutter,
            fixed=self._is_fixed(seen),
        )
        if why and self._sees_the_shutter and not self._shutters.look(now, seen.monitor, self._opened()):
            # It is on its way: what it is told of is not the crystal's.
            why = ""
        if why:
            self._memory.rates.forget(self._made_like, self._energy_so_far)
        if why and not self._sees_the_guns:
            # One of several that gives nothing is missed by the crystal first.
            self._shares.look(seen.monitor.rate, self.keeper.believed)
        self._hold_monitor_against_time(seen, why, goes_on=goes_on)
        if believed > 0 and seen.monitor.ok:
            self._rates.open(now, seen.monitor.rate, believed)
        if self.film.open_time >= SHARES_SHOW and not self.film.flags & FilmFlag.BY_TIME:
            self._shares.look(self.film.monitor / self.film.open_time, self.keeper.believed)

    def _watch_closed(self, now: float, seen: Seen) -> None:
        assert seen.monitor is not None
        assert self._crystal is not None
        believed, goes_on = self.keeper.rate, self.recipe.monitor_failure == "go_on"
        self._crystal.close(now, self.keeper.open_for)
        if not self.film.openings:
            self._require_crystal(seen.monitor)
        glow = self._memory.glow
        burns = self._lit or glow.at == now
        since = now - glow.began if burns else now - glow.at
        is_still = since > CRYSTAL_SETTLES and (burns or self._is_at_rest(seen))
        sure = self._sees_the_shutter or not burns
        why = self._crystal.behind(now, seen.monitor, sure=sure, warm=is_still)
        if burns and not why:
            why = self._warmed(now, seen)
        is_striking = self._powered and not burns
        if not self._unlit.holds(now, is_striking and bool(why)) and is_striking:
            # A plasma may have been lit since the row asked the supplies: the next one tells.
            why = ""
        if why and (not self._sees_the_shutter or self._is_shut()):
            self._hold_monitor_against_time(seen, why, goes_on=goes_on)
        if not self._lit:
            return
        try:
            if not self.film.openings:
                self._rates.weighs(seen.monitor)
            # Behind it after the film as well: one that does not close lets the film grow while the power goes down.
            watched = self._flags & FilmFlag.PRESPUTTER or self.film.openings
            if watched and believed > 0 and is_still:
                self._rates.behind(now, seen.monitor.thickness, believed)
        except Trouble as trouble:
            if self._sees_the_shutter and self._is_shut():
                why = f"{trouble.why}, but its end switches say that it is closed"
                self._hold_monitor_against_time(seen, why, goes_on=goes_on)
                return
            self.film.came_through(self._rates.grown)
            raise

    def _is_at_rest(self, seen: Seen) -> bool:
        """Return whether the substrate is cold, or as hot as the recipe wants it; not where nothing shows that."""
        wanted = self.recipe.substrate_temperature
        if self._crew.equipment.heater is None:
            return True
        if wanted is None:
            return seen.temperature <= self._crew.limits.vent_temperature
        return abs(seen.temperature - wanted) <= WARM

    def _warmed(self, now: float, seen: Seen) -> str:
        """Return what is wrong with a crystal that a plasma warms up from the cold, empty where nothing tells."""
        glow, courses, film = self._memory.glow, self._memory.courses, self.film
        if glow.began == now:
            conditions = self._lit_like
            known = courses.of(conditions, self._stated)
            noise = self._crew.limits.crystal_noise
            self._warming = Warming(conditions, known, noise) if self._is_at_rest(seen) else None
        warming, monitor = self._warming, seen.monitor
        if warming is None or monitor is None or not monitor.ok:
            return ""
        lighting = (self._lit_at if self._lit else now + ROW) - glow.began
        said = warming.look(now - glow.began, monitor.frequency, lighting, sure=self._sees_the_shutter)
        if said:
            courses.forget(warming.conditions)
            self._warming = None
        elif warming.is_over:
            self._warming = None
            is_sound = not film.flags & (FilmFlag.DOUBTFUL | FilmFlag.BY_TIME)
            if is_sound and (taken := warming.taken()):
                courses.learn(warming.conditions, taken)
        return said

    @property
    def _lit_like(self) -> str:
        """What the crystal's warming up is remembered by: all that the first minute of a plasma depends on."""
        recipe = self.recipe
        guns = ", ".join(
            sorted(
                f"{plan.gun} {plan.target.material} {strike_power(recipe, plan):.4g} W to {plan.power:.4g} W by"
                f" {plan.ramp:.3g} W/s"
                for plan in self._plans
            )
        )
        gas = key_of(recipe.pressure, {each.gas: each.flow for each in recipe.gases})
        return f"{guns}, lit in {self._key}, then {gas}, {recipe.substrate_temperature or 'not'} heated"

    @property
    def _sees_the_shutter(self) -> bool:
        """Whether both end switches of the substrate's shutter are there."""
        return SUBSTRATE_SHUTTER not in self._crew.equipment.unseen_shutters

    @property
    def _sees_the_guns(self) -> bool:
        """Whether all end switches of the shutters of the guns that burn are there."""
        return not {shutter_of(gun) for gun in self.sources} & set(self._crew.equipment.unseen_shutters)

    def _is_shut(self) -> bool:
        """Return whether the end switches of the substrate's shutter say now that it is closed."""
        ends = self._crew.equipment.read_ends()
        is_open, is_closed = (ends.get(name) for name in ends_of(SUBSTRATE_SHUTTER))
        return is_closed is True and is_open is False
