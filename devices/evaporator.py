"""The evaporator station: a boat whose rate a thickness monitor holds, a shutter, a mask, a chamber to be pumped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ophyd.status import StatusBase

from devices.base import Instrument
from devices.clock import Clock
from devices.limits import SputterLimits
from devices.roles.films import EvaporationJob, FilmPredictor, Tooling
from devices.roles.hands import Hands
from devices.sputter.checks import require_crystal
from devices.sputter.crew import Gauges
from devices.sputter.equipment import BOAT, equipment_of
from devices.sputter.evaporation import EvaporationFlight
from devices.sputter.evaporation_check import check_evaporation
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.recipe import EvaporationRecipe
from devices.sputter.records import film_columns
from devices.sputter.station import ChamberStation


class EvaporatorStation(ChamberStation[EvaporationJob, EvaporationFlight]):
    """An evaporator as plans see it.

    Control: prepare(job), kickoff(), pump_down(), vent(), stop(), safe(); by a person reset(), accounted(),
             chuck_is_cold().
    Get: flight(), in nanometres of film; state, verdicts() on the interlocks.
    Measure: stream `primary`, one row a second; `layers`, one row for each film; `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    role = "Evaporator"
    parts = ("boat", "gas", "monitor", "relays", "permissives")
    optional_parts = ("valve", "turbo", "heater")
    Parameters = EvaporatorParameters

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: EvaporatorParameters,
        limits: SputterLimits,
        hands: Hands,
        predictor: FilmPredictor | None = None,
    ) -> None:
        equipment = equipment_of(instruments, (BOAT,))
        super().__init__(
            name=name,
            clock=clock,
            lane=lane,
            instruments=instruments,
            equipment=equipment,
            columns=film_columns((BOAT,), (), instruments),
            gauges=Gauges((parameters.base_gauge,), parameters.base_gauge, (parameters.rough_gauge,)),
            load_lock=parameters.load_lock,
            volume=parameters.volume,
            limits=limits,
            hands=hands,
        )
        self.parameters = parameters
        self._predictor = predictor

    def check(self, recipe: EvaporationRecipe) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is sent."""
        self._allowed(recipe)
        monitor = self._equipment.monitor
        assert monitor is not None
        reading = self.clock.call(monitor.read_film)
        require_crystal(reading, recipe.thickness, self.parameters.monitored_life, self.limits)

    def prepare(self, job: EvaporationJob) -> StatusBase:
        """Check the job, have the sample brought, with the mask on it; nothing is pumped yet."""
        self.check(job.recipe)
        return self._prepare(job, job.recipe.mask)

    def kickoff(self) -> StatusBase:
        """Begin the film that was prepared; the status finishes when the chamber is at its base pressure."""
        job = self._taken()
        recipe = job.recipe
        self.check(recipe)
        flight = EvaporationFlight(recipe, self._crew, self.parameters, self._constants(recipe))
        return self._begin(job, flight, recipe.thickness)

    def tooling(self, recipe: EvaporationRecipe) -> Tooling:
        """Return the tooling factor that the monitor will be set to: the lab's calibration, or the bench file's."""
        known = None if self._predictor is None else self._predictor.tooling(self.name, recipe)
        return known or Tooling(self._allowed(recipe).tooling, math.nan, "")

    def _constants(self, recipe: EvaporationRecipe) -> FilmConstants:
        """Return what the monitor is set to, its tooling by the lab's calibration where there is one."""
        return replace(self._allowed(recipe), tooling=self.tooling(recipe).value)

    def _allowed(self, recipe: EvaporationRecipe) -> FilmConstants:
        most = self._equipment.supplies[BOAT].limit
        return check_evaporation(self.name, recipe, self.limits, self.parameters, most)
