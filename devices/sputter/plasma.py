"""A flight with a plasma: strike, ramp, pre-sputter behind the shutter, all of it back; and what watches targets."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from functools import partial

from devices.clock import Poller
from devices.sputter.crew import Crew
from devices.sputter.flying import ROW
from devices.sputter.guns import GunPlan, Ramp, Wear, strike_power, switch_on
from devices.sputter.looks import Seen
from devices.sputter.memory import ChamberMemory
from devices.sputter.parameters import Reference
from devices.sputter.recipe import DepositionRecipe, GasFlow
from devices.sputter.records import LEAST, Film, FilmFlag
from devices.sputter.regulated import RegulatedFlight
from devices.sputter.states import ChamberState, Deed
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.watch import (
    BIAS_ROWS,
    LEAST_BIAS,
    STEP_LASTS,
    BiasWatch,
    SourceWatch,
    SubstrateBiasWatch,
    Trouble,
    burns,
    require_control,
    watch_chamber,
)

STRIKE_PAUSE = 5.0
"""Seconds without power before the next try; guess."""
EXTINGUISH = 10.0
"""W below which a source is switched off when its power is ramped down."""
AS_STATED = "{}, as the bench file states"
"""Under which it is remembered that a gun's target is no longer what that says."""
BIAS_BEGINS = 5.0
"""W with which the substrate's bias is switched on; guess."""
BIAS_RAMP = 5.0
"""W/s by which it goes on: its match follows in a second; guess."""


class PlasmaFlight(RegulatedFlight):
    """Targets of one gun or several that burn as a recipe says; subclasses say what for."""

    def __init__(
        self,
        recipe: DepositionRecipe,
        crew: Crew,
        plans: Sequence[GunPlan],
        wear: Wear,
        memory: ChamberMemory,
        film: Film,
        keeper: ThicknessKeeper,
        references: Sequence[Reference] = (),
    ) -> None:
        guns = tuple(plan.gun for plan in plans)
        powers = ", ".join(sorted(f"{plan.gun} {plan.power:.4g} W" for plan in plans))
        super().__init__(
            crew,
            film,
            keeper,
            lambda: sum(wear.of(gun) for gun in guns),
            memory,
            f"{recipe.material} from {powers}",
            references,
        )
        self.recipe, self.sources = recipe, guns
        self.material, self.thickness, self.base_pressure = (
            recipe.material,
            recipe.thickness,
            recipe.base_pressure,
        )
        self._plans, self._wear = plans, wear
        supplies = crew.equipment.supplies
        self._ramps = {plan.gun: Ramp(supplies[plan.gun], plan.ramp) for plan in plans}
        self._columns_of = tuple(
            (name, (f"{name}_forward", f"{name}_reflected", f"{name}_power", f"{name}_bias"))
            for name in supplies
        )
        self._gas_columns = tuple(
            (column.removeprefix("flow_"), column)
            for column in crew.log.columns
            if column.startswith("flow_")
        )
        self._bias_watches = {gun: BiasWatch(gun, crew.limits) for gun in guns}
        self._source_watch, self._substrate_watch = SourceWatch(), SubstrateBiasWatch()
        self._substrate_ramp = (
            Ramp(crew.equipment.bias, BIAS_RAMP) if crew.equipment.bias is not None else None
        )
        self._is_biased = self._is_heated = False
        self._lit_at = math.inf
        self._burnt: list[str] = []
        self._strikes: dict[str, dict[str, float]] = {gun: {} for gun in guns}

    def _lit_up(self) -> Poller:
        """Have the targets burn at their full power and the process pressure, cleaned behind the shutter."""
        recipe = self.recipe
        if recipe.rotation:
            self._rotate(True)
        strike = recipe.strike
        first = recipe.pressure if strike is None else strike.pressure
        gases = recipe.gases if strike is None or not strike.gases else strike.gases
        yield from self._at(first, gases)
        yield from self._struck(first, gases)
        yield from self._at(recipe.pressure, recipe.gases)
        yield from self._ramped({plan.gun: plan.power for plan in self._plans})
        # A plasma's power moves it.
        self._stir_watch.forget()
        yield from self._presputter(recipe.presputter)

    def _struck(self, pressure: float, gases: Sequence[GasFlow]) -> Poller:
        """Light every gun, at a higher pressure where it does not. Raises Trouble after the last try."""
        crew = self._crew
        tries = 1 + crew.limits.strikes
        for number in range(1, tries + 1):
            if (yield from self._strike()):
                self._lit, self._lit_at = True, self._clock.now()
                self._know_places()
                crew.log.tell("lit", "info", f"lit at {self._wanted:g} Pa, try {number}")
                yield from self._shown()
                return
            crew.log.tell(
                "no_ignition", "warning", f"try {number} of {tries} at {self._wanted:g} Pa did not light"
            )
            yield from self._waited(STRIKE_PAUSE)
            if number < tries:
                yield from self._at(max(pressure, crew.limits.strike_pressure), gases)
        raise Trouble(
            "no_ignition",
            f"{self._lit_and_dark()} in {tries} tries; the shutter stayed closed",
        )

    def _lit_and_dark(self) -> str:
        """Return in words which guns lit a plasma at the last try, and which did not."""
        powers = {plan.gun: f"{plan.gun} with {strike_power(self.recipe, plan):g} W" for plan in self._plans}
        dark = " and ".join(said for gun, said in powers.items() if gun not in self._burnt)
        lit = " and ".join(said for gun, said in powers.items() if gun in self._burnt)
        return f"{dark or 'all guns together'} lit no plasma" + (f" ({lit} did)" if lit else "")

    def _strike(self) -> Generator[float, None, bool]:
        """Give every gun power and wait for its plasma; return whether it burns. Without one the power is off again."""
        crew = self._crew
        yield from self._seen_closed()
        if not self._is_cold:
            crew.log.tell(
                "cools", "info", "the crystal cools for a minute after a plasma before the next is lit"
            )
        while (self._stir_watch.run and not self._rests) or self._flow_watch.wrong or not self._is_cold:
            # The throttle moves, or is moved, and a flow that is off is told, before anything burns.
            yield from self._tick()
        crew.looks.everything()
        crew.require("strike", "no power was switched on")
        self._require_monitor()
        self._flags |= FilmFlag.STRIKING
        # With a plasma from here on.
        self._know_places(strikes=True)
        self._know_biases()
        self._close_the_loop()
        self._go(ChamberState.PLASMA)
        supplies = crew.equipment.supplies
        for plan in self._plans:
            with self._deed(f"power {plan.gun}"):
                power = strike_power(self.recipe, plan)
                switch_on(supplies[plan.gun], partial(self._ramps[plan.gun].begin, power))
        until = self._clock.now() + crew.limits.strike_time
        lit = False
        while not lit and self._clock.now() < until:
            yield from self._tick()
            self._burnt = [gun for gun in self.sources if burns(crew.looks.seen.supplies[gun])]
            lit = len(self._burnt) == len(self.sources)
        self._flags &= ~FilmFlag.STRIKING
        if not lit:
            # It may have burnt since the last row.
            self._memory.glow.may_have_burnt(self._clock.now())
            self._dark()
            # It comes back to where it stood without a plasma.
            self._is_near = False
            self._know_places()
        return lit

    def _shown(self) -> Poller:
        """Stay as it is lit until it is known that no target shows another bias than before."""
        until = self._clock.now() + STEP_LASTS
        self._flags |= FilmFlag.RAMPING
        while self._clock.now() <= until or any(watch.is_off for watch in self._bias_watches.values()):
            yield from self._tick()
        self._flags &= ~FilmFlag.RAMPING

    def _know_biases(self) -> None:
        """Remember the biases that targets showed before with the power that lights them, in what is held now."""
        stated, strikes = self._references.get(self._key), self._memory.strikes
        for plan in self._plans:
            power, energy = strike_power(self.recipe, plan), self._wear.of(plan.gun)
            given = None if stated is None else stated.biases.get(plan.gun)
            said = given.voltage if given is not None and given.power == power else math.nan
            words = f"{self._conditions(plan.gun)}, lit with {power:.4g} W"
            before = strikes.of(
                words, energy, stated=strikes.of(AS_STATED.format(plan.gun), energy, stated=said)
            )
            self._bias_watches[plan.gun].strikes(before, power, self._wanted)
            # The newest is the last one.
            self._strikes[plan.gun].pop(words, None)
            self._strikes[plan.gun][words] = math.nan

    @property
    def _is_cold(self) -> bool:
        """Whether no heat of a plasma that burnt before is in the way of the next one."""
        return True

    def _biased(self) -> Poller:
        """Give the substrate its bias by a ramp, and see that it takes it; from here on it is watched."""
        bias, ramp, power = self._crew.equipment.bias, self._substrate_ramp, self.recipe.bias_power
        if bias is None or ramp is None or not power:
            return
        begins = min(BIAS_BEGINS, power)
        with self._deed("power bias"):
            switch_on(bias, partial(ramp.begin, begins))
        self._substrate_watch, self._is_biased = SubstrateBiasWatch(), True
        # What it does to the plasma is no step of a target.
        self._flags |= FilmFlag.RAMPING
        self._know_from_here()
        while ramp.power != round(power):
            yield from self._tick()
            with self._deed("power bias"):
                ramp.towards(power, ROW)
        self._flags &= ~FilmFlag.RAMPING
        for _ in range(BIAS_ROWS + 1):
            yield from self._tick()

    def _unbiased(self) -> None:
        """Take the bias from a substrate behind its closed shutter: it would only wear the film off."""
        bias, ramp = self._crew.equipment.bias, self._substrate_ramp
        with self._lock:
            if self._is_biased and bias is not None and ramp is not None:
                self._is_biased = False
                bias.off()
                ramp.begin(0.0)

    def _ramped(self, goals: Mapping[str, float]) -> Poller:
        """Take every gun to its power [W], no faster than its target bears."""
        self._flags |= FilmFlag.RAMPING
        while True:
            with self._deed("power"):
                there = [self._ramps[gun].towards(goal, ROW) for gun, goal in goals.items()]
            if all(there):
                break
            yield from self._tick()
        self._flags &= ~FilmFlag.RAMPING

    def _begun_to_hold(self) -> None:
        super()._begun_to_hold()
        for gun, watch in self._bias_watches.items():
            if not self._is_same_gas:
                watch.reset()
            watch.known = self._memory.biases.of(self._conditions(gun), self._wear.of(gun))
        if self._lit:
            self._know_biases()

    def _presputter(self, seconds: float) -> Poller:
        self._flags |= FilmFlag.PRESPUTTER
        yield from self._waited(seconds)
        for gun, watch in self._bias_watches.items():
            if not math.isnan(watch.settled):
                self._memory.biases.learn(self._conditions(gun), watch.settled, self._wear.of(gun))
            for words, voltage in self._strikes[gun].items():
                if not math.isnan(voltage):
                    self._memory.strikes.learn(words, voltage, self._wear.of(gun))
        self._learn_last()
        yield from self._throttle_seen()
        self._flags &= ~FilmFlag.PRESPUTTER
        self._presputtered = True

    def _ramped_down(self) -> Poller:
        """Take the power away as slowly as it came, then the gas; leave the chamber pumping."""
        if self._lit:
            self._know_from_here()
            yield from self._ramped(dict.fromkeys(self.sources, EXTINGUISH))
        self._dark()
        self._gas_away()
        if self.recipe.rotation:
            self._rotate(False)
        yield from self._seen_closed()
        yield from self._tick()

    def _dark(self) -> None:
        """Switch every source off and open the loop."""
        with self._lock:
            self._powered = self._lit = self._presputtered = self._is_biased = False
            for supply in self._crew.equipment.powered.values():
                supply.off()
            self._crew.equipment.board.safe()
            for gun in self.sources:
                self._ramps[gun].begin(0.0)
            if self._substrate_ramp is not None:
                self._substrate_ramp.begin(0.0)
        self._go(ChamberState.GAS)

    def _book(self, grown: float) -> None:
        """Count at least what no crystal tells from nothing, so that the sample is doubtful whatever came."""
        if any(burns(self._crew.looks.seen.supplies[gun]) for gun in self.sources):
            self.film.came_through(grown if grown > LEAST else LEAST)

    def _asked(self) -> tuple[str, ...]:
        return (*self.sources, "bias") if self._is_biased else self.sources

    def _worn(self, source: str, energy: float) -> None:
        self._wear.add(source, energy)

    def _columns(self, seen: Seen) -> Mapping[str, float]:
        columns = {
            "pressure": self._crew.pressure,
            "valve_position": seen.position,
        }
        flows = {gas.lower(): flow.actual for gas, flow in seen.flows.items()}
        for gas, column in self._gas_columns:
            columns[column] = flows.get(gas, math.nan)
        for name, (forward, reflected, load, bias) in self._columns_of:
            state = seen.supplies.get(name) if self._powered else None
            if state is None:
                columns[forward] = columns[reflected] = columns[load] = columns[bias] = 0.0
            else:
                columns[forward], columns[reflected] = state.forward, state.reflected
                columns[load], columns[bias] = state.load, state.bias
        if "substrate_bias" in self._crew.log.columns:
            own = seen.supplies.get("bias") if self._powered and self._is_biased else None
            columns["substrate_bias_reflected"] = 0.0 if own is None else own.reflected
            columns["substrate_bias_power"] = 0.0 if own is None else own.load
            columns["substrate_bias"] = 0.0 if own is None else own.bias
        return columns

    def _watch(self, now: float, seen: Seen) -> None:
        crew = self._crew
        try:
            self._watch_chamber(seen)
        except Trouble as trouble:
            if trouble.code == "shutter" and self._powered:
                self._came_through(seen)
            raise
        if not self._flows:
            return
        self._watch_gas(now, seen)
        if not self._powered:
            return
        own = (seen.supplies[gun] for gun in self.sources)
        if any(each.bias >= LEAST_BIAS and each.load > 0.0 for each in own):
            # Heat comes with the first of them, and before its match has found the load.
            self._memory.glow.burns(now)
        try:
            self._watch_shutters(now, seen)
            if not self._lit:
                for gun in self.sources:
                    require_control(gun, seen.supplies[gun])
                self._watch_targets(now, seen)
                return
            sparks = self._source_watch.look(seen.supplies, self.sources)
            if self._is_biased:
                ramped = self._flags & FilmFlag.RAMPING
                self._substrate_watch.look(seen.supplies["bias"], None if ramped else self.recipe.bias_power)
        except Trouble:
            # The loop takes power and shutters away before a row looks at its contacts: it is named, not these.
            crew.looks.everything(acting=True)
            self._watch_chamber(seen)
            raise
        self._count_arcs(now, sparks)
        if self._keeps_its_gas:
            self._watch_targets(now, seen)

    def _watch_chamber(self, seen: Seen) -> None:
        """Raise Trouble when an interlock opens, or somebody else moves a valve or shutter."""
        deeds: list[Deed] = ["strike" if self._powered else "gas" if self._flows else "pump"]
        if self._is_heated:
            deeds.append("heat")
        for deed in deeds:
            watch_chamber(self._crew, seen, is_open=self.keeper.is_open, deed=deed)

    def _watch_targets(self, now: float, seen: Seen) -> None:
        still, pressure = self._steady and self._is_still(seen), seen.pressure(*self._crew.gauges.process)
        fixed = still and not self._flags & (FilmFlag.STRIKING | FilmFlag.RAMPING)
        for gun, watch in self._bias_watches.items():
            try:
                watch.look(now, seen.supplies[gun], pressure, still=still, fixed=fixed)
            except Trouble:
                # At every pressure, and whatever the bench file says: somebody is told to look.
                self._memory.biases.forget_all(f"{gun} of ")
                self._memory.strikes.forget_all(f"{gun} of ")
                self._memory.strikes.forget(AS_STATED.format(gun), self._wear.of(gun))
                raise
            self._strikes[gun][next(reversed(self._strikes[gun]))] = watch.struck

    def _conditions(self, gun: str) -> str:
        """Return what a target's bias is remembered by."""
        power = next(plan.power for plan in self._plans if plan.gun == gun)
        others = "+".join(sorted(self.sources))
        return f"{gun} of {others}, {self.recipe.material}, {power:.4g} W, {self._key}"

    def _is_fixed(self, seen: Seen) -> bool:
        """Return whether power and pressure stay."""
        return self._is_still(seen) and not self._flags & (FilmFlag.RAMPING | FilmFlag.ARC)
