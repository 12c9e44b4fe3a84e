"""A flight in a gas whose pressure a throttle holds: what lets it in, what watches it, where the throttle stood."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean

from devices.clock import Poller
from devices.errors import InstrumentError
from devices.sputter.crew import Crew
from devices.sputter.flying import ROW, ChamberFlight
from devices.sputter.interlocks import THROTTLE
from devices.sputter.looks import Seen
from devices.sputter.memory import ChamberMemory
from devices.sputter.parameters import Reference
from devices.sputter.recipe import SCCM, GasFlow
from devices.sputter.records import Film, FilmFlag
from devices.sputter.states import ChamberState
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.throttle import RESTS, STEPS, Place, StirWatch, ThrottleWatch, leaks
from devices.sputter.vacuum import reached
from devices.sputter.watch import (
    AT_LIMIT,
    PRESSURE_STEADY,
    SETTLES,
    FlowWatch,
    Lasting,
    PressureWatch,
    Trouble,
    TurboWatch,
)

SETTLED = 0.02
"""Of the set point within which the pressure counts as held; it settles to 1 % in 25 s [twins]."""
SETTLED_ROWS = 5
SETTLE_TIME = 120.0
"""Seconds within which the pressure must be held, else valve, pump or a flow does not follow."""
COMES = 0.005
"""Of the set point by which the pressure must change in a row, or it does not come to it by itself; guess."""
STANDS = 6.0
"""Seconds without any move after which a throttle is stuck that is to lead a pressure which is off; guess."""
WIGGLE = 1.05
"""Of its pressure to which a throttle is sent that stands still behind the shutter [deposition twins]."""
MOVES = 3.0
"""Seconds without any move after which it is stuck: a healthy one goes there within one; guess."""
STIR_TIME = 45.0
"""Seconds after the pre-sputtering in which it shows how a throttle stirs, before it is moved instead; one that stirs
shows it in some 30 [twins]."""
FIRST, LAST = ("first at the least", "first at the most"), "at last"
"""What is remembered of a throttle beside a plasma: its first rows, and where it came to rest."""
DARK, HERE = 0.25, 0.5
"""Of a throttle's step: what is one already without a plasma, where looking at the base pressure again costs a minute;
and with one, in gases that have been let in since; guesses, it repeats to a tenth of one [twins]."""
LOOKS, SO_MUCH = 4, 2.0
"""Times that the gas is let in until two times agree; times of the base pressure before gas that counts for it again
where that was more than a recipe asks for, as beside a hot substrate; guesses."""
LOOK_BACK = 300.0
"""Seconds after gas within which the chamber is at its base pressure again; guess, process gas is gone in ten."""


class RegulatedFlight(ChamberFlight):
    """What a flight with gas has; subclasses say what burns in it.

    burning: which plasma shall, in words. references: what the bench file states of this chamber.
    """

    def __init__(
        self,
        crew: Crew,
        film: Film,
        keeper: ThicknessKeeper,
        energy: Callable[[], float],
        memory: ChamberMemory,
        burning: str,
        references: Sequence[Reference],
    ) -> None:
        super().__init__(crew, film, keeper, energy)
        self._memory, self._burning = memory, burning
        self._references = {key_of(each.pressure, each.flows): each for each in references}
        self._flows: dict[str, float] = {}
        self._wanted = math.nan
        self._is_same_gas = self._rests = False
        self._flow_watch, self._turbo_watch = FlowWatch(crew.limits, {}), TurboWatch(crew.limits)
        self._stir_watch, self._place = StirWatch(crew.limits), Place(crew.limits)
        self._dark_at = self._went = self._gauge = self._base = math.nan
        self._is_other = self._is_learnt = self._is_near = False
        self._noise = 0.0
        self._gone_by: set[str] = set()
        self._first: list[float] = []
        self._held_anew()
        self._steady = False

    def _tick(self, *, within: float = ROW) -> Poller:
        yield from super()._tick(within=within)
        if self._steady and self._stir_watch.is_suspect and not (self._rests or self.keeper.is_open):
            self._rests = True
            yield from self._wiggled()

    def _waited(self, seconds: float) -> Poller:
        """Wait, row by row."""
        until = self._clock.now() + seconds
        while (left := until - self._clock.now()) > 0:
            yield from self._tick(within=left)

    @property
    def _key(self) -> str:
        """What is held now, in words."""
        return key_of(self._wanted, self._flows)

    def _at(self, pressure: float, gases: Sequence[GasFlow]) -> Poller:
        """Have gases flow and a pressure [Pa] held; before anything burns, by a throttle that stands where it shall."""
        wanted = {each.gas: each.flow for each in gases}
        if pressure == self._wanted and wanted == self._flows:
            return
        if self._lit:
            self._learn_first()
        else:
            self._gauge = math.nan
        if wanted != self._flows:
            self._went, self._gauge, self._is_other = math.nan, math.nan, False
        self._dark_at, self._is_learnt = math.nan, False
        yield from self._held_at(pressure, wanted)
        if self._lit:
            return
        yield from self._came_to_rest()
        before = self._dark_place()
        was, most = before, max(DARK * self._crew.limits.throttle_step, 2.0 * self._place.noise)
        looks = 0
        while not abs((at := self._place.at) - was) <= most:
            if looks == LOOKS:
                self._forget_places()
                raise leaks(f"the throttle stands at {at:.4f}, and stood at {was:.4f} before the last look")
            yield from self._repeated(at, was)
            looks, was, self._is_other = looks + 1, at, not math.isnan(before)
            most = max(HERE * self._crew.limits.throttle_step, 2.0 * self._place.noise)
        self._dark_at, self._gauge, self._noise = self._place.at, self._place.shown, self._place.noise
        self._place.gauge = self._gauge
        self._went = self._dark_at - before
        self._memory.places.learn(self._key, self._dark_at)
        self._know_places()

    def _held_at(self, pressure: float, wanted: Mapping[str, float]) -> Poller:
        """Let gases in, by name [mol/s], and have a pressure [Pa] held."""
        crew = self._crew
        gas, valve = crew.equipment.gas, crew.equipment.valve
        assert valve is not None
        crew.looks.everything(acting=self._powered)
        crew.require("gas", "no gas was let in")
        self._steady = False
        if not self._flows:
            self._base = crew.looks.seen.pressure(crew.gauges.base)
            gas.gauge_power(crew.gauges.base, False)
        for each in self._flows.keys() - wanted.keys():
            gas.set_flow(each, 0.0)
        for name, flow in wanted.items():
            with self._deed(f"gas {name}"):
                gas.set_flow(name, flow)
        self._is_same_gas = wanted == self._flows
        self._flows, self._wanted = dict(wanted), pressure
        if crew.machine.state is ChamberState.BASE:
            self._go(ChamberState.GAS)
        self._begun_to_hold()
        lit = [each for each in self._lit_places() if self._lit and not math.isnan(each)]
        before = fmean(lit) if lit else self._dark_place()
        if not math.isnan(before):
            # From where it held this before it overshoots less; then it goes on by itself.
            self._sent(partial(valve.set_position, before), "the throttle does not go where it stood before")
            yield from self._came_near(pressure)
        self._sent(partial(valve.set_pressure, pressure), "the throttle does not hold a pressure")
        yield from self._settled(pressure)
        if not self._is_same_gas:
            self._flow_watch = FlowWatch(
                crew.limits, {name: gas.full_scale(name) for name in crew.looks.seen.flows}
            )
            self._turbo_watch = TurboWatch(crew.limits)
            self._flow_watch.look(self._clock.now(), crew.looks.seen.flows, self._flows)
        self._held_anew()

    def _begun_to_hold(self) -> None:
        """Remember what was seen before of what is to be held."""
        self._first.clear()
        self._is_near = False
        self._watch_throttle_anew()

    def _sent(self, act: Callable[[], None], why: str) -> None:
        """Tell the throttle where to go, or what to hold. Raises Trouble when it says that it cannot."""
        with self._deed(THROTTLE):
            try:
                act()
            except InstrumentError as error:
                raise Trouble("valve", f"{why}: {error}", gently=False) from error

    def _came_near(self, pressure: float) -> Poller:
        """Wait until a throttle that was sent where it held a pressure [Pa] has it there, or does not get it there."""
        looks, gauges = self._crew.looks, self._crew.gauges.process
        yield from self._tick()
        before, until = looks.seen.pressure(*gauges), self._clock.now() + SETTLE_TIME
        while self._clock.now() < until:
            yield from self._tick()
            now = looks.seen.pressure(*gauges)
            self._is_near = abs(now - pressure) <= SETTLED * pressure
            if self._is_near or not abs(now - before) > COMES * pressure:
                return
            before = now

    def _came_to_rest(self) -> Poller:
        """Wait until the throttle has come to rest; no longer than what is steady takes for that."""
        until = self._clock.now() + SETTLES
        while not self._place.is_found and self._clock.now() < until:
            yield from self._tick()

    def _repeated(self, at: float, before: float) -> Poller:
        """See that what moved a throttle from where it was before is no leak, or what nobody knows hides none.

        at, before [1]: where it is and was, NaN where nobody knows. The gas is taken away, without which the base
        pressure tells of water and air, and let in again: the throttle must come to the same place.
        """
        crew, key = self._crew, self._key
        pressure, flows = self._wanted, self._flows
        known = (
            f"and stood at {before:.4f} before" if not math.isnan(before) else "and nobody knows if it should"
        )
        crew.log.tell(
            "throttle",
            "info" if math.isnan(before) else "warning",
            f"it stands at {at:.4f} with {key}, {known}: the gas is taken away for a look at the base pressure",
        )
        self._gas_away()
        yield from self._tick()
        # Beside a hot substrate it is what it was before gas was let in.
        base = self.base_pressure if math.isnan(self._base) else max(self.base_pressure, SO_MUCH * self._base)
        if not (yield from reached(crew, base, self._clock.now() + LOOK_BACK, self._tick)):
            self._forget_places()
            raise Trouble("water", f"{self._no_base} after gas was let in: water or air comes in")
        self._go(ChamberState.BASE)
        yield from self._held_at(pressure, flows)
        yield from self._came_to_rest()

    @property
    def _no_base(self) -> str:
        """How far the chamber is from its base pressure, in words."""
        return f"{self._crew.pressure:.2g} Pa and not {self.base_pressure:.2g} Pa"

    def _gas_away(self) -> None:
        """Close the gases and open the throttle; leave the chamber pumping."""
        valve = self._crew.equipment.valve
        assert valve is not None
        self._steady = False
        self._crew.equipment.gas.close_gases()
        self._flows, self._wanted = {}, math.nan
        valve.open()
        self._go(ChamberState.PUMPING)

    def _held_anew(self) -> None:
        """Watch the pressure that is held from here on; the throttle's stir is watched since it was reached."""
        self._pressure_watch = PressureWatch(self._crew.limits)
        self._watch_throttle_anew()
        self._steady = True

    def _watch_throttle_anew(self) -> None:
        self._throttle_watch = ThrottleWatch(self._crew.limits)
        self._know_places()

    def _know_places(self, *, strikes: bool = False) -> None:
        """Have the throttle stand where it stood before; strikes: with a plasma and without.

        Where it was found to stand in these gases in this flight, it is known how far it went since.
        """
        places = [self._dark_at]
        if self._lit or strikes:
            # What a plasma makes of it nobody can say of one that was never seen.
            went = 0.0 if math.isnan(self._went) else self._went
            lit = self._lit_places()
            if self._is_other and math.isnan(self._dark_at):
                # Of a pump or a controller that came to differ nobody knows how far it moves it at another pressure.
                lit = ()
            places = [each + went for each in lit if not math.isnan(each)]
            if places and not self._lit:
                places.append(self._dark_at)
        if len(places) > 1:
            # The power that moves it may be another one, and it follows in seconds: so far again is no leak.
            wide = max(places) - min(places) - 4.0 * self._noise
            places = [max(places) + max(0.0, wide)]
        here = HERE if self._lit else DARK
        share = STEPS if math.isnan(self._dark_at) else here
        self._throttle_watch.knows(places, share, self._noise, lasting=not self._lit)

    def _know_from_here(self) -> None:
        """Have the throttle stand where it is now, before it or what burns is moved: it may have drifted since."""
        if self._lit and self._is_learnt:
            *_, last = self._lit_places()
            self._went = self._place.at - last
            self._know_places()

    def _dark_place(self) -> float:
        """Return where it stood before with these gases and no plasma."""
        stated = self._references.get(self._key)
        return self._gone(self._key, None if stated is None else stated.dark)

    def _lit_places(self) -> tuple[float, ...]:
        """Return where it stood in these gases before, with this plasma: in its first rows, and at last."""
        stated = self._references.get(self._key)
        lit = None if stated is None else stated.lit
        return tuple(self._gone(f"{self._key}, {self._burning}, {each}", lit) for each in (*FIRST, LAST))

    def _gone(self, words: str, stated: float | None) -> float:
        """Return a place that this flight goes by."""
        place = self._memory.places.of(words, stated=stated)
        if not math.isnan(place):
            self._gone_by.add(words)
        return place

    def _learn_first(self) -> None:
        """Remember between which places it stood as this plasma began."""
        for words, place in zip(
            FIRST, (min(self._first), max(self._first)) if self._first else (), strict=False
        ):
            self._memory.places.learn(f"{self._key}, {self._burning}, {words}", place)

    def _learn_last(self) -> None:
        """Remember where it came to rest beside this plasma."""
        self._learn_first()
        self._memory.places.learn(f"{self._key}, {self._burning}, {LAST}", self._place.at)
        self._is_other, self._is_learnt = False, True

    def _forget_places(self) -> None:
        """Forget all that this flight went by: somebody was told to look, and the next one takes it as it is."""
        for words in self._gone_by:
            self._memory.places.forget(words)

    def _settled(self, pressure: float, moves: float = STANDS) -> Poller:
        """Wait until a pressure [Pa] is held. moves: seconds within which the throttle must, where it is to lead it."""
        looks, until, rows = self._crew.looks, self._clock.now() + SETTLE_TIME, 0
        stands, before = Lasting(moves), looks.seen.position
        while rows < SETTLED_ROWS:
            yield from self._tick()
            reached, position = looks.seen.pressure(*self._crew.gauges.process), looks.seen.position
            rows = rows + 1 if abs(reached - pressure) <= SETTLED * pressure else 0
            if rows <= 1:
                limits = self._crew.limits
                self._stir_watch, self._place = StirWatch(limits), Place(limits, self._gauge)
            self._stir_watch.look(position)
            self._look_where(reached, position)
            if self._lit and self._is_near and rows > 1:
                self._watch_leaks(self._clock.now(), position)
            is_between = AT_LIMIT < position < 1 - AT_LIMIT
            if stands.holds(self._clock.now(), rows == 0 and position == before and is_between):
                raise Trouble(
                    "valve",
                    f"the throttle stays at {position:.3f} though it is to lead {reached:.3g} Pa to {pressure:.3g} Pa",
                    gently=False,
                )
            before = position
            if self._clock.now() > until:
                flows = ", ".join(
                    f"{gas} {flow.actual / SCCM:.2f} of {self._flows.get(gas, 0.0) / SCCM:.2f} sccm"
                    for gas, flow in looks.seen.flows.items()
                )
                raise Trouble(
                    "pressure",
                    f"{reached:.3g} Pa and not {pressure:.3g} Pa after {SETTLE_TIME:.0f} s, throttle at"
                    f" {looks.seen.position:.3f} ({looks.seen.complaint or 'it does not complain'}); {flows}",
                )

    def _throttle_seen(self) -> Poller:
        """Wait until it is known that the throttle stirs; move one that rests, or that does not show it."""
        until = self._clock.now() + STIR_TIME
        while not (self._rests or self._stir_watch.tells_soon) and self._clock.now() < until:
            yield from self._tick()
        if self._rests or not self._stir_watch.is_known:
            yield from self._wiggled()

    def _wiggled(self) -> Poller:
        """Move the throttle and back: nothing else shows whether one that stands still is stuck, or rests by itself."""
        held, valve = self._wanted, self._crew.equipment.valve
        assert valve is not None
        fits = WIGGLE * held <= self._crew.limits.plasma_pressure
        self._know_from_here()
        self._steady, self._is_same_gas = False, True
        for pressure in (WIGGLE * held if fits else held / WIGGLE, held):
            self._wanted = pressure
            self._watch_throttle_anew()
            self._is_near = False
            self._sent(
                partial(valve.set_pressure, pressure),
                "the throttle stood still, and does not go when it is sent",
            )
            yield from self._settled(pressure, MOVES)
        self._held_anew()

    @property
    def _keeps_its_gas(self) -> bool:
        """Whether flows, pump and targets are as they were: another pressure of the same gas leaves them so."""
        return self._steady or self._is_same_gas

    def _watch_gas(self, now: float, seen: Seen) -> None:
        if self._keeps_its_gas:
            self._flow_watch.look(now, seen.flows, self._flows)
            self._turbo_watch.look(seen.turbo_share)
        if self._steady:
            pressure = seen.pressure(*self._crew.gauges.process)
            self._pressure_watch.look(now, pressure, seen.position, self._wanted)
            self._watch_throttle(seen.position)
            self._look_where(pressure, seen.position)
            if self._powered and len(self._first) < RESTS:
                self._first.append(self._place.now)
            if not self._flow_watch.wrong:
                self._watch_leaks(now, seen.position)

    def _look_where(self, pressure: float, position: float) -> None:
        self._place.look(position, pressure / self._wanted)

    def _watch_leaks(self, now: float, position: float) -> None:
        if not self._is_near:
            # From elsewhere it comes to rest first.
            self._is_near = self._place.is_found
            return
        ramps = bool(self._flags & FilmFlag.RAMPING)
        try:
            self._throttle_watch.look(now, position, self._place, moves=ramps)
        except Trouble:
            self._forget_places()
            raise

    def _watch_throttle(self, position: float) -> None:
        """Raise Trouble for one that stirred and stands still over a film; behind the shutter it is moved instead."""
        watch = self._stir_watch
        watch.look(position)
        if self.keeper.is_open and not self._rests and watch.is_stuck:
            raise Trouble(
                "valve",
                f"the throttle stays at {position:.5f} for {watch.run} rows, after it stirred while it held this"
                " pressure: it does not move any more (limits.toml, sputter.throttle_chance)",
                gently=False,
            )

    def _is_still(self, seen: Seen) -> bool:
        """Return whether the pressure stays."""
        pressure = seen.pressure(*self._crew.gauges.process)
        return abs(pressure - self._wanted) <= PRESSURE_STEADY * self._wanted


def key_of(pressure: float, flows: Mapping[str, float]) -> str:
    """Return what a throttle's position is remembered by."""
    return " ".join(
        [f"{pressure:g} Pa", *(f"{gas} {flow / SCCM:.3g}" for gas, flow in sorted(flows.items()))]
    )
