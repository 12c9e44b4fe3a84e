"""What is said before a film, before targets burn, or before an anneal: how long, wear, gas, rows, what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.errors import LabError
from devices.limits import Limits
from devices.recipes import FurnaceRecipe
from devices.roles.films import FilmRate, Tooling
from devices.sputter.baking import cooling_time
from devices.sputter.believed import believed_rate, told_elsewhere
from devices.sputter.checks import (
    check_station,
    energy_wanted,
    lowest_pressure,
    require_measured,
    wanted_of_crystal,
)
from devices.sputter.conditioning import CALM_TIME, CONDITIONING
from devices.sputter.evaporation_check import check_evaporation
from devices.sputter.guns import GunPlan, planned
from devices.sputter.heating_check import check_heating
from devices.sputter.parameters import EvaporatorParameters, FurnaceParameters, SputterParameters
from devices.sputter.reach import Reach, gases_of
from devices.sputter.recipe import SCCM, DepositionRecipe, EvaporationRecipe
from labctl.config.models import BenchFile, Part, StationEntry
from labctl.films.rates import FilmRates
from labctl.films.steps import Burns, FilmStep
from labctl.program_check import Told
from labctl.rehearsing.work import clock_time, size_in_words

BYTES_A_ROW = 930.0
"""In journal (240) and spool (690), as measured on films of hours."""
KWH = 3.6e6


@dataclass(frozen=True)
class Answer:
    """What is said of one recipe, why it would be refused; how long it takes [s], what each gun's target gets [J]."""

    lines: Sequence[str]
    refused: Sequence[str]
    duration: float = 0.0
    energies: Mapping[str, float] = field(default_factory=dict)

    def told(self, head: str) -> Told:
        """Return it in lines, under a head."""
        said = [f"  would be refused: {each}" for each in self.refused]
        return Told((head, *self.lines, *said), bool(self.refused))


def answer_to(
    step: FilmStep, name: str, built: Any, bench: BenchFile, limits: Limits, rates: FilmRates | None
) -> Answer:
    """Return what there is to say of one step on a machine of this name, built so, of a bench.

    rates: by calibration; None where only the bench file counts.
    """
    entry, recipe = bench.devices[name], step.recipe
    assert isinstance(entry, StationEntry)
    if isinstance(recipe, DepositionRecipe):
        return _sputtered(recipe, step.burns, name, built, limits, rates, entry.parts)
    if isinstance(recipe, EvaporationRecipe):
        return _evaporated(recipe, name, built, limits, rates, entry.parts)
    assert isinstance(recipe, FurnaceRecipe)
    return _baked(name, recipe, built, limits)


def _sputtered(
    recipe: DepositionRecipe,
    burns: Burns,
    name: str,
    built: SputterParameters,
    limits: Limits,
    rates: FilmRates | None,
    parts: Mapping[str, Part],
) -> Answer:
    worn = {gun: target.worn for gun, target in built.targets.items()}
    try:
        plans = [planned(setting, built.targets) for setting in recipe.guns]
        known = None if rates is None else rates.film_rate(name, recipe, worn)
        rate = known or believed_rate(recipe, built, plans)
        reach = reach_written(parts, built, recipe)
        check_station(name, recipe, limits.sputter, built, plans, rate, parts, lambda: reach)
        if burns == "film":
            require_measured(name, recipe, built, rate, parts)
    except LabError as error:
        return Answer([], [str(error)])
    refused = list(_worn_out(recipe, plans, rate, limits))
    if burns != "film":
        return _burnt(recipe, plans, built, refused, until_calm=burns == "until_calm")
    film = recipe.duration or (None if rate is None else recipe.thickness / rate.rate)
    if film is None:
        return Answer(["  nobody knows at which rate it grows: calibrate it"], [])
    duration = film + recipe.presputter + _ramps(plans)
    lines = [f"  {_taking(duration)} after pumping: {clock_time(film)} of film{_by(rate)}"]
    watched = rates is not None and built.monitor == "in_situ"
    tooling = rates.tooling(name, recipe) if rates is not None and watched else None
    lines += _tooling(tooling)
    lines += [f"  {said}" for said in told_elsewhere(rate, tooling)]
    energies = {plan.gun: energy_wanted(recipe, plan, rate) or 0.0 for plan in plans}
    lines += [_gas(recipe, built, duration), *(_wear(plan, energies[plan.gun]) for plan in plans)]
    if built.monitor == "in_situ":
        crystal, said = _crystal(recipe.thickness, built.monitored_life, limits)
        lines.append(crystal)
        refused += said if wanted_of_crystal(recipe, rate) else []
    return Answer(lines, refused, duration, energies)


def _burnt(
    recipe: DepositionRecipe,
    plans: Sequence[GunPlan],
    built: SputterParameters,
    refused: Sequence[str],
    *,
    until_calm: bool,
) -> Answer:
    """Return what there is to say of targets that burn behind the closed shutter only."""
    shortest = recipe.presputter + _ramps(plans)
    longest = shortest
    taking, why = _taking(shortest), "for the pre-sputtering time"
    if until_calm:
        shortest, longest = shortest + CALM_TIME, shortest + CONDITIONING
        taking = f"{clock_time(shortest)} at the least, {_taking(longest)} at the most,"
        why = "until arcs and bias have settled"
    lines = [f"  {taking} after pumping: targets burn behind the closed shutter {why}; no film"]
    energies = {plan.gun: plan.power * (longest - plan.power / plan.ramp) for plan in plans}
    most = " at the most" if until_calm else ""
    lines.append(_gas(recipe, built, longest) + most)
    lines += [_wear(plan, energies[plan.gun], most) for plan in plans]
    return Answer(lines, refused, longest, energies)


def _ramps(plans: Sequence[GunPlan]) -> float:
    """Return how long the powers go up and down [s]."""
    return 2.0 * max(plan.power / plan.ramp for plan in plans)


def _gas(recipe: DepositionRecipe, built: SputterParameters, duration: float) -> str:
    gas = ", ".join(f"{each.gas} {each.flow / SCCM * duration / 60e3:.2f} l" for each in recipe.gases)
    least = lowest_pressure(recipe.gases, built)
    return (
        f"  {recipe.pressure:g} Pa held, {least:.2g} Pa is the least the pump allows; gas (standard): {gas}"
    )


def _worn_out(
    recipe: DepositionRecipe, plans: Sequence[GunPlan], rate: FilmRate | None, limits: Limits
) -> Iterator[str]:
    """Yield which targets a station would refuse to burn, as it reckons: with the film, whatever they burn for."""
    for plan in plans:
        left = (1.0 - limits.sputter.life_left) * plan.target.life - plan.target.worn
        if (energy_wanted(recipe, plan, rate) or 0.0) > left:
            yield f"{plan.gun}: {plan.target.material} has {max(left, 0.0) / KWH:.2f} kWh left"


def reach_written(parts: Mapping[str, Part], built: SputterParameters, recipe: DepositionRecipe) -> Reach:
    """Return what the parts of a sputter system can do by its bench file, which need not say how much gas."""
    powers = {
        part: float(entry.parameters.power_limit)
        for part, entry in parts.items()
        if hasattr(entry.parameters, "power_limit")
    }
    there = getattr(parts["gas"].parameters, "gases", None)
    flows = {
        gas: built.flows.get(gas, math.inf) if there is None or gas in there else 0.0
        for gas in gases_of(recipe)
    }
    return Reach(
        powers,
        flows,
        _most(parts.get("valve"), "full_scale"),
        _most(parts.get("heater"), "temperature_limit"),
        tuple(there or ()),
    )


def _most(part: Part | None, what: str) -> float:
    """Return a part's own limit by the bench file; infinite where that says none."""
    return math.inf if part is None else float(getattr(part.parameters, what, math.inf))


def _evaporated(
    recipe: EvaporationRecipe,
    name: str,
    built: EvaporatorParameters,
    limits: Limits,
    rates: FilmRates | None,
    parts: Mapping[str, Part],
) -> Answer:
    power_limit = getattr(parts["boat"].parameters, "power_limit", math.inf)
    refused = []
    try:
        check_evaporation(name, recipe, limits.sputter, built, power_limit)
    except LabError as error:
        refused.append(str(error))
    film = recipe.thickness / recipe.rate
    duration = film + recipe.soak + 2.0 * recipe.power / recipe.ramp
    crystal, said = _crystal(recipe.thickness, built.monitored_life, limits)
    tooling = _tooling(None if rates is None else rates.tooling(name, recipe))
    lines = [
        f"  {_taking(duration)} at the most after pumping: {clock_time(film)} of film",
        *tooling,
        crystal,
    ]
    return Answer(lines, refused + said, duration)


def _baked(name: str, recipe: FurnaceRecipe, built: FurnaceParameters, limits: Limits) -> Answer:
    refused = []
    try:
        check_heating(name, recipe, limits.furnace, built)
    except LabError as error:
        refused.append(str(error))
    highest = max(temperature for _, temperature in recipe.profile)
    lasts, last = recipe.profile[-1]
    cooling = cooling_time(last, built.cooling)
    line = (
        f"  {_taking(lasts + cooling)}, some {clock_time(cooling)} of it cooling at the end,"
        f" {highest - 273.15:.0f} degC at the most"
    )
    return Answer([line], refused, lasts + cooling)


def _taking(duration: float) -> str:
    return f"{clock_time(duration)}, {duration:.0f} rows, {size_in_words(duration * BYTES_A_ROW)}"


def _by(rate: FilmRate | None) -> str:
    if rate is None:
        return ""
    known = "calibrated" if rate.calibration else "believed, not calibrated"
    return f" at {rate.rate * 6e10:.2f} nm/min ({known}, +-{rate.sd:.0%}){_fit(rate.calibration)}"


def _tooling(tooling: Tooling | None) -> list[str]:
    """Return what the monitor is set to, where it was calibrated."""
    if tooling is None:
        return []
    return [
        f"  monitor's tooling {tooling.value:.3f} (calibrated, +-{tooling.sd:.0%}){_fit(tooling.calibration)}"
    ]


def _fit(calibration: str) -> str:
    return f", by fit {calibration}" if calibration else ""


def _wear(plan: GunPlan, wanted: float, most: str = "") -> str:
    return (
        f"  {plan.gun} {plan.target.material}: {plan.power:.1f} W, {wanted / KWH:.3f} kWh{most} of its target's"
        f" {plan.target.life / KWH:.1f} kWh ({wanted / plan.target.life:.1%}),"
        f" {plan.target.worn / KWH:.3f} kWh are gone before"
    )


def _crystal(thickness: float, life: float, limits: Limits) -> tuple[str, list[str]]:
    needed, least = thickness / life, limits.sputter.crystal_left
    refused = (
        [f"the film takes {needed:.0%} of a crystal, {least:.0%} must stay"] if needed > 1 - least else []
    )
    return f"  crystal of the thickness monitor: {needed:.1%} of its life", refused
