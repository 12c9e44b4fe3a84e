"""The sputter system station: guns, gas, throttle, monitor, shutters, pumps together, with what watches them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ophyd.status import StatusBase

from devices.base import Instrument
from devices.clock import Clock
from devices.errors import ConfigError, InterlockError, LabError, Mistake
from devices.limits import SputterLimits
from devices.roles.films import ConditioningJob, DepositionJob, FilmPredictor, FilmRate, Tooling
from devices.roles.hands import Hands
from devices.sputter.believed import believed_rate, told_elsewhere
from devices.sputter.checks import (
    check_monitor,
    check_station,
    require_crystal,
    require_life,
    require_measured,
    wanted_of_crystal,
)
from devices.sputter.conditioning import ConditioningFlight
from devices.sputter.crew import Gauges
from devices.sputter.deposition import DepositionFlight
from devices.sputter.equipment import GUNS, equipment_of, shutter_of
from devices.sputter.guns import GunPlan, Wear, planned
from devices.sputter.parameters import FilmConstants, SputterParameters
from devices.sputter.plasma import PlasmaFlight
from devices.sputter.reach import Reach, gases_of, reach_of
from devices.sputter.recipe import DepositionRecipe
from devices.sputter.records import GRAIN, film_columns
from devices.sputter.station import ChamberStation
from devices.sputter.watch import ShareWatch


class SputterStation(ChamberStation[DepositionJob | ConditioningJob, PlasmaFlight]):
    """A sputter system as plans see it.

    Control: prepare(job), kickoff(), pump_down(), vent(), stop(), safe(); by a person reset(), accounted(),
             new_target(), chuck_is_cold().
    Get: flight(), in nanometres of film; state, target_life(), verdicts() on the interlocks.
    Measure: stream `primary`, one row a second; `layers`, one row for each film; `events`.
    Set: nothing apart from a job; recipes hold every setpoint.
    """

    role = "SputterSystem"
    parts = ("gun1", "gas", "valve", "relays", "permissives")
    optional_parts = ("gun2", "gun3", "gun4", "bias", "monitor", "heater", "turbo", "ends")
    Parameters = SputterParameters

    def __init__(
        self,
        *,
        name: str,
        clock: Clock,
        lane: str,
        instruments: Mapping[str, Instrument],
        parameters: SputterParameters,
        limits: SputterLimits,
        hands: Hands,
        predictor: FilmPredictor | None = None,
    ) -> None:
        equipment = equipment_of(instruments, GUNS)
        _require_built(name, parameters, tuple(equipment.supplies), limits)
        super().__init__(
            name=name,
            clock=clock,
            lane=lane,
            instruments=instruments,
            equipment=equipment,
            columns=film_columns(equipment.supplies, sorted(parameters.pumping), instruments),
            gauges=Gauges(
                (parameters.process_gauge,),
                parameters.base_gauge,
                (parameters.rough_gauge, parameters.process_gauge),
            ),
            load_lock=parameters.load_lock,
            volume=parameters.volume,
            limits=limits,
            hands=hands,
        )
        self.parameters = parameters
        self._predictor = predictor
        self._wear = Wear(parameters.targets)

    def report(self) -> dict[str, Any]:
        """Return what the chamber reports, and how worn the targets are."""
        report = super().report()
        report["kept"]["wear"] = self._wear.told()
        return report

    def recall(self, report: Mapping[str, Any], *, died: bool) -> None:
        """Take what it reported last, how worn the targets are too; one of another material is a new one."""
        for said in self._wear.recalled((report.get("kept") or {}).get("wear") or {}):
            self._log.tell("target", "info", f"{said}: its wear is counted anew")
        super().recall(report, died=died)

    def target_life(self) -> dict[str, float]:
        """Return what the target of each gun may still have [J]."""
        return {gun: self._wear.left(gun) for gun in self.parameters.targets}

    def wear(self) -> dict[str, dict[str, Any]]:
        """Return of the target of each gun its material, the energy it had and its whole life [J]."""
        return {
            gun: {"material": target.material, "energy": self._wear.of(gun), "life": target.life}
            for gun, target in self.parameters.targets.items()
        }

    def new_target(self, gun: str) -> None:
        """Take note that a new target of the same material is on a gun, by a person's command."""
        if gun not in self.parameters.targets:
            raise InterlockError(
                "target", f"{self.name} has no {gun!r}; {', '.join(self.parameters.targets)}"
            )
        if self._flight is not None:
            raise LabError(
                f"{self.name} is making a film: nobody changes the target of {gun} now, its wear goes on being counted."
                " Say it when the film is done"
            )
        self._wear.renew(gun)
        self.publish(lasting=True)

    def film_rate(self, recipe: DepositionRecipe) -> FilmRate | None:
        """Return the rate at which the film is believed to grow: the lab's predictor's, or the bench file's."""
        worn = {gun: self._wear.of(gun) for gun in self.parameters.targets}
        known = None if self._predictor is None else self._predictor.film_rate(self.name, recipe, worn)
        return known or believed_rate(recipe, self.parameters, self._plans(recipe))

    def tooling(self, recipe: DepositionRecipe) -> Tooling | None:
        """Return the tooling factor that the monitor will be set to; None when it does not watch the film."""
        constants = check_monitor(
            self.name, recipe, self.parameters, self.film_rate(recipe), self.instruments
        )
        if constants is None:
            return None
        known = None if self._predictor is None else self._predictor.tooling(self.name, recipe)
        return known or Tooling(constants.tooling, math.nan, "")

    def check(self, recipe: DepositionRecipe, *, film: bool = True) -> None:
        """Raise LimitError or InterlockError when machine or lab do not allow the recipe; nothing is set.

        film: whether one is made, for which the crystal may be too worn; else targets only burn.
        """
        plans = self._plans(recipe)
        rate = self.film_rate(recipe)

        def reach() -> Reach:
            return self.clock.call(lambda: reach_of(self._equipment, gases_of(recipe)))

        check_station(self.name, recipe, self.limits, self.parameters, plans, rate, self.instruments, reach)
        require_life(plans, recipe, self._wear, rate, self.limits)
        if film:
            require_measured(self.name, recipe, self.parameters, rate, self.instruments)
            self._require_crystal(recipe, rate)

    def prepare(self, job: DepositionJob | ConditioningJob) -> StatusBase:
        """Check the job, have the sample brought, if there is one; nothing is pumped yet."""
        self.check(job.recipe, film=isinstance(job, DepositionJob))
        return self._prepare(job)

    def kickoff(self) -> StatusBase:
        """Begin the film that was prepared; the status finishes when the chamber is at its base pressure.

        Raises InterlockError when the crystal, or a target, is too worn for it.
        """
        job = self._taken()
        recipe, plans = job.recipe, self._plans(job.recipe)
        self.check(recipe, film=isinstance(job, DepositionJob))
        if isinstance(job, ConditioningJob):
            burnt = ConditioningFlight(
                recipe,
                self._crew,
                plans,
                self._wear,
                self._memory,
                self.parameters.references,
                until_calm=job.until_calm,
                inside="" if job.inside is None else job.inside.id,
            )
            return self._begin(job, burnt, GRAIN)
        rate = self.film_rate(recipe)
        constants = self._constants(recipe, rate)
        shares = self._shares(recipe, rate)
        flight = DepositionFlight(
            recipe,
            self._crew,
            plans,
            self._wear,
            self._memory,
            rate,
            constants,
            shares,
            self.parameters.crystal_warms,
            self.parameters.references,
        )
        flight.keeper.by_rate = recipe.end == "rate"
        status = self._begin(job, flight, recipe.thickness)
        unseen = self._equipment.unseen_shutters
        if unseen:
            self._log.tell(
                "shutters_unseen",
                "warning",
                f"no board names both end switches of {', '.join(unseen)}: one that sticks is seen by the film, later",
            )
        guns_unseen = {shutter_of(plan.gun) for plan in plans} & set(unseen)
        if len(plans) > 1 and guns_unseen and not shares.can_tell:
            self._log.tell(
                "guns_not_told_apart",
                "warning",
                "no calibration is good enough to miss one of these guns: nothing sees whether each shutter opens",
            )
        if constants is None:
            self._log.tell("not_watched", "warning", "no thickness monitor watches this film")
        if rate is None:
            self._log.tell("unpredicted", "warning", "nobody knows at which rate this film grows")
        for said in told_elsewhere(rate, self.tooling(recipe)):
            self._log.tell("known_elsewhere", "warning", said)
        return status

    def _require_crystal(self, recipe: DepositionRecipe, rate: FilmRate | None) -> None:
        """Raise InterlockError where the crystal is too worn for a film that needs it."""
        monitor, wanted = self._equipment.monitor, wanted_of_crystal(recipe, rate)
        if monitor is None or wanted is None or self._constants(recipe, rate) is None:
            return
        reading = self.clock.call(monitor.read_film)
        require_crystal(reading, wanted, self.parameters.monitored_life, self.limits)

    def _shares(self, recipe: DepositionRecipe, rate: FilmRate | None) -> ShareWatch:
        """Return what watches the guns of a film against each other, where rates and tooling were calibrated."""
        tooling = self.tooling(recipe)
        if rate is None or not rate.calibration or tooling is None or not tooling.calibration:
            return ShareWatch({}, math.inf)
        alone = [self.film_rate(replace(recipe, guns=(setting,))) for setting in recipe.guns]
        shares = {
            plan.gun: each.rate / rate.rate
            for plan, each in zip(self._plans(recipe), alone, strict=True)
            if each is not None and len(alone) > 1
        }
        return ShareWatch(shares, math.hypot(rate.sd, tooling.sd))

    def _constants(self, recipe: DepositionRecipe, rate: FilmRate | None) -> FilmConstants | None:
        """Return what the monitor is set to, its tooling by the lab's calibration where there is one."""
        constants = check_monitor(self.name, recipe, self.parameters, rate, self.instruments)
        tooling = self.tooling(recipe)
        return (
            constants if constants is None or tooling is None else replace(constants, tooling=tooling.value)
        )

    def _plans(self, recipe: DepositionRecipe) -> list[GunPlan]:
        return [planned(setting, self.parameters.targets) for setting in recipe.guns]


def _require_built(
    name: str, parameters: SputterParameters, guns: tuple[str, ...], limits: SputterLimits
) -> None:
    """Raise ConfigError for a target without a gun, and for a crystal that heat moves by more than limits bear."""
    where, warms = f"devices.{name}.parameters", parameters.crystal_warms
    mistakes = [
        Mistake("bench file", f"{where}.targets.{gun}", "", "there is no part of that name")
        for gun in parameters.targets
        if gun not in guns
    ]
    if warms is not None and abs(warms.heat) > limits.crystal_heat:
        most = f"more than {limits.crystal_heat:g} Hz, sputter.crystal_heat of the limits"
        mistakes.append(Mistake("bench file", f"{where}.crystal_warms.heat", f"{warms.heat:g} Hz", most))
    if mistakes:
        raise ConfigError(mistakes)
