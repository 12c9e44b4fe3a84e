"""Targets that burn behind the closed shutter, so that the film that comes after is a good one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from devices.clock import Poller
from devices.sputter.crew import Crew
from devices.sputter.guns import GunPlan, Wear
from devices.sputter.memory import ChamberMemory
from devices.sputter.parameters import Reference
from devices.sputter.plasma import PlasmaFlight
from devices.sputter.recipe import DepositionRecipe
from devices.sputter.records import Film, FilmFlag
from devices.sputter.thickness import ThicknessKeeper
from devices.sputter.watch import Trouble

CALM_TIME = 600.0
"""Seconds without an arc and without a drift of the bias after which a target counts as conditioned; guess."""
CALM_DRIFT = 0.01
"""Of the bias, within that time; guess."""
CONDITIONING = 4 * 3600.0
"""Seconds after which a target that is not calm never will be; guess: its arcs die out with 0.02 kWh [twins]."""


class ConditioningFlight(PlasmaFlight):
    """Targets that burn behind the closed shutter for the recipe's pre-sputtering, or until they are calm; no film.

    inside: the id of the sample that is in the chamber meanwhile, empty without one. What comes through a shutter that
    does not stay closed is a doubtful layer on it.
    """

    def __init__(
        self,
        recipe: DepositionRecipe,
        crew: Crew,
        plans: Sequence[GunPlan],
        wear: Wear,
        memory: ChamberMemory,
        references: Sequence[Reference] = (),
        *,
        until_calm: bool,
        inside: str = "",
    ) -> None:
        film = Film()
        keeper = ThicknessKeeper(film, math.nan, math.inf, crew.limits, monitored=False)
        super().__init__(recipe, crew, plans, wear, memory, film, keeper, references)
        self._until_calm, self._inside = until_calm, inside
        self._quiet_since, self._bias_then = math.inf, dict[str, float]()

    def _film(self) -> Poller:
        yield from self._lit_up()
        if self._until_calm:
            yield from self._calmed()
        yield from self._ramped_down()
        self._crew.log.progress(1.0, whole=True)

    def _book(self, grown: float) -> None:
        if not self._inside:
            return
        # Nobody weighs or times a film here, so there is no number yet.
        self.film.by_time = 0.0
        super()._book(grown)
        if self.film.openings:
            why = f"{self._inside} was in the chamber, and its shutter was open while a target burnt: it is doubtful"
            self._crew.log.tell("sample_exposed", "alarm", why)

    def _cut_short(self) -> str:
        return "it was in the chamber while targets were conditioned, and its shutter did not stay closed"

    def _calmed(self) -> Poller:
        """Wait until neither arcs nor a drifting bias were seen for a while. Raises Trouble when that never comes."""
        self._flags |= FilmFlag.PRESPUTTER
        until = self._clock.now() + CONDITIONING
        self._quiet_since = math.inf
        while not self._is_calm():
            if self._clock.now() > until:
                raise Trouble(
                    "conditioning", f"arcs or bias have not settled after {CONDITIONING / 3600:g} h"
                )
            yield from self._tick()
        self._flags &= ~FilmFlag.PRESPUTTER

    def _is_calm(self) -> bool:
        now, supplies = self._clock.now(), self._crew.looks.seen.supplies
        bias = {gun: supplies[gun].bias for gun in self.sources}
        drifts = any(
            abs(bias[gun] - then) > CALM_DRIFT * max(then, 1.0) for gun, then in self._bias_then.items()
        )
        if self._flags & FilmFlag.ARC or drifts or math.isinf(self._quiet_since):
            self._quiet_since, self._bias_then = now, bias
        return now - self._quiet_since >= CALM_TIME
