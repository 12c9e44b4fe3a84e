"""One sputtered film: made to its thickness by targets that burn, its substrate heated where a recipe says so."""

from __future__ import annotations

import math

from devices.clock import Poller
from devices.sputter.interlocks import HEAT
from devices.sputter.looks import Seen
from devices.sputter.records import FilmFlag
from devices.sputter.regulated import LOOK_BACK
from devices.sputter.vacuum import reached
from devices.sputter.watch import HeatWatch, Trouble
from devices.sputter.weighed import WARM, WeighedFlight

WARM_TIME = 4 * 3600.0
"""Seconds that heating may take; guess."""
MEANINGFUL = 3.0
"""Seconds of open shutter from which the film's mean rate means something: its monitor measures once in one."""


class DepositionFlight(WeighedFlight):
    """A film from one gun or several."""

    _heat_watch: HeatWatch | None = None

    def _film(self) -> Poller:
        yield from self._heated()
        while True:
            if not self._lit:
                yield from self._lit_up()
            yield from self._stilled()
            if not self.is_held:
                yield from self._biased()
            yield from self._proven()
            if not self._is_done:
                yield from self._deposited()
            self._unbiased()
            if self._is_done:
                break
            yield from self._held(self._ramped_down)
            if self._lit:
                yield from self._throttle_seen()
            else:
                yield from self._pumped()
        yield from self._ramped_down()
        if self._crew.equipment.heater is not None:
            self._heat_watch, self._is_heated = None, False
            self._crew.equipment.heater.off()
        yield from self._looked_back()
        self._learn_rate()

    @property
    def _is_done(self) -> bool:
        flight = self._crew.log.flight
        return flight.done == flight.asked

    def _heated(self) -> Poller:
        yield from self._seen_closed()
        heater, wanted = self._crew.equipment.heater, self.recipe.substrate_temperature
        if heater is None or wanted is None:
            return
        self._crew.looks.everything()
        self._crew.require("heat", "nothing was heated")
        with self._deed(HEAT):
            heater.set_temperature(wanted)
        self._is_heated = True
        until = self._clock.now() + WARM_TIME
        while not abs(self._crew.looks.seen.temperature - wanted) <= WARM:
            if self._clock.now() > until:
                raise Trouble("heater", f"the substrate is not at {wanted:.0f} K after {WARM_TIME:.0f} s")
            yield from self._tick()
        self._heat_watch = HeatWatch(self._crew.limits, wanted)

    def _looked_back(self) -> Poller:
        """Doubt a film after which the base pressure does not come back: the hot gauge was off while it grew."""
        crew, until = self._crew, self._clock.now() + LOOK_BACK
        yield from self._tick()
        if not (yield from reached(crew, self.base_pressure, until, self._tick)):
            why = f"{self._no_base} after the film: water or air came in"
            self._forget_places()
            crew.log.tell("water", "alarm", why)
            self.film.doubt(why)
        crew.equipment.gas.gauge_power(crew.gauges.base, False)

    def _watch(self, now: float, seen: Seen) -> None:
        super()._watch(now, seen)
        if self._heat_watch is not None:
            self._heat_watch.look(now, seen.temperature)

    def _left(self) -> float:
        film, recipe = self.film, self.recipe
        if recipe.duration is not None:
            return recipe.duration - film.open_time
        if recipe.end == "rate" or film.flags & FilmFlag.BY_TIME:
            return recipe.thickness / self.keeper.rate - film.open_time
        # By the mean rate so far: that of one row has a tenth of noise, that of an instant none of its own.
        mean = film.monitor / film.open_time if film.open_time >= MEANINGFUL else math.nan
        left = (recipe.thickness - film.monitor) / (mean if mean > 0 else self.keeper.believed)
        return math.inf if math.isnan(left) else left

    def _share(self) -> float:
        recipe, film = self.recipe, self.film
        if recipe.duration is not None:
            return film.open_time / recipe.duration
        if recipe.end == "rate":
            return film.by_time / recipe.thickness
        return film.thickness / recipe.thickness
