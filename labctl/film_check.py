"""What `labctl check` says of recipes for films and furnaces: how long, how worn the targets, gas, rows, disk, and what
would be refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, LabError
from devices.limits import Limits
from devices.recipes import FurnaceRecipe
from devices.roles.films import FilmRate
from devices.sputter.believed import believed_rate, told_elsewhere
from devices.sputter.checks import check_station, energy_wanted, lowest_pressure
from devices.sputter.evaporation_check import check_evaporation
from devices.sputter.guns import GunPlan, Wear, planned
from devices.sputter.parameters import EvaporatorParameters, FurnaceParameters, SputterParameters
from devices.sputter.reach import Reach, gases_of
from devices.sputter.recipe import SCCM, DepositionRecipe, EvaporationRecipe
from labctl.config import readers
from labctl.config.check import kind_of
from labctl.config.folder import Config
from labctl.config.models import AnyRecipe, BenchFile, Experiment, Part, StationEntry
from labctl.film_rates import FilmRates
from labctl.program_check import Told
from labctl.rehearsing.work import clock_time, size_in_words
from labctl.state import last_said, state_path
from labctl.wiring import is_twin

BYTES_A_ROW = 930.0
"""In journal (240) and spool (690), as measured on films of hours."""
ROLE_OF: Mapping[type, str] = {
    DepositionRecipe: "SputterSystem",
    EvaporationRecipe: "Evaporator",
    FurnaceRecipe: "Furnace",
}
KWH = 3.6e6


def tell_films(
    files: Sequence[Path], *, config: Path | None = None, bench: str = "", data: Path | None = None
) -> Iterator[Told]:
    """Yield what there is to say of each recipe for a film or a furnace, in an experiment too.

    bench: on whose machines; the first of the configuration that has such a machine if empty. data: whose calibrated
    rates and worn targets count; what the bench file says where there is none.
    """
    folder = Config(config)
    limits = folder.limits()
    for path in files:
        for recipe in _recipes(path, folder):
            found = _machine(ROLE_OF[type(recipe)], folder, bench)
            if found is None:
                yield Told((f"{recipe.name}: no bench has a machine for it",), False)
                continue
            name, built, on = found
            rates = None
            if data is not None and isinstance(built, SputterParameters):
                built, rates = _with_wear(built, name, on, data), FilmRates(data, on)
            yield told_of(recipe, name, built, on, limits, rates)


def _with_wear(built: SputterParameters, name: str, bench: BenchFile, data: Path) -> SputterParameters:
    """Return how a machine is built, its targets as worn as it last said."""
    entry = bench.devices[name]
    assert isinstance(entry, StationEntry)
    said = last_said(state_path(data, name, bench.name, twin=is_twin(entry)))
    if said is None:
        return built
    wear = Wear(built.targets)
    wear.recalled((said.report.get("kept") or {}).get("wear") or {})
    return replace(
        built, targets={gun: replace(each, worn=wear.of(gun)) for gun, each in built.targets.items()}
    )


def _recipes(path: Path, folder: Config) -> list[AnyRecipe]:
    kind = kind_of(path)
    made: list[Any] = []
    if kind == "recipe":
        made = [readers.any_recipe(path)]
    elif kind == "experiment":
        experiment: Experiment = folder.experiment(path)
        made = [experiment.recipe, *experiment.arguments.values()]
    return [each for each in made if type(each) in ROLE_OF]


def _machine(role: str, folder: Config, bench: str) -> tuple[str, Any, BenchFile] | None:
    """Return a machine of a role: its name, how it is built, its bench."""
    for name in [bench] if bench else folder.names("bench"):
        try:
            chosen = folder.bench(name)
        except ConfigError:
            if bench:
                raise
            continue
        for device, entry in chosen.devices.items():
            if isinstance(entry, StationEntry) and entry.station_class.role == role:  # type: ignore[attr-defined]
                return device, entry.parameters, chosen
    return None


def told_of(
    recipe: AnyRecipe, name: str, built: Any, bench: BenchFile, limits: Limits, rates: FilmRates | None
) -> Told:
    """Return what there is to say of one recipe on a machine of this name, built so, of a bench.

    rates: by calibration; None where only the bench file counts.
    """
    head = f"{recipe.name} on {name} of bench {bench.name}"
    if isinstance(recipe, DepositionRecipe):
        entry = bench.devices[name]
        assert isinstance(entry, StationEntry)
        lines, refused = _sputtered(recipe, name, built, limits, rates, entry.parts)
    elif isinstance(recipe, EvaporationRecipe):
        entry = bench.devices[name]
        assert isinstance(entry, StationEntry)
        lines, refused = _evaporated(recipe, name, built, limits, entry.parts)
    else:
        assert isinstance(recipe, FurnaceRecipe)
        lines, refused = _baked(recipe, built, limits)
    said = [f"  would be refused: {each}" for each in refused]
    return Told((head, *lines, *said), bool(refused))


def _sputtered(
    recipe: DepositionRecipe,
    name: str,
    built: SputterParameters,
    limits: Limits,
    rates: FilmRates | None,
    parts: Mapping[str, Part],
) -> tuple[list[str], list[str]]:
    worn = {gun: target.worn for gun, target in built.targets.items()}
    try:
        plans = [planned(setting, built.targets) for setting in recipe.guns]
        known = None if rates is None else rates.film_rate(name, recipe, worn)
        rate = known or believed_rate(recipe, built, plans)
        reach = reach_written(parts, built, recipe)
        check_station(name, recipe, limits.sputter, built, plans, rate, parts, lambda: reach)
    except LabError as error:
        return [], [str(error)]
    film = recipe.duration or (None if rate is None else recipe.thickness / rate.rate)
    if film is None:
        return ["  nobody knows at which rate it grows: calibrate it"], []
    ramps = max(plan.power / plan.ramp for plan in plans)
    duration = film + recipe.presputter + 2.0 * ramps
    lines = [f"  {_taking(duration)} after pumping: {clock_time(film)} of film{_by(rate)}"]
    watched = rates is not None and built.monitor == "in_situ"
    tooling = rates.tooling(name, recipe) if rates is not None and watched else None
    lines += [f"  {said}" for said in told_elsewhere(rate, tooling)]
    gas = ", ".join(f"{each.gas} {each.flow / SCCM * duration / 60e3:.2f} l" for each in recipe.gases)
    least = lowest_pressure(recipe.gases, built)
    lines.append(
        f"  gas (standard): {gas}; {recipe.pressure:g} Pa held, {least:.2g} Pa is the least the pump allows"
    )
    lines += [_wear(plan, recipe, rate) for plan in plans]
    refused = []
    for plan in plans:
        left = (1.0 - limits.sputter.life_left) * plan.target.life - plan.target.worn
        if (energy_wanted(recipe, plan, rate) or 0.0) > left:
            refused.append(f"{plan.gun}: {plan.target.material} has {max(left, 0.0) / KWH:.2f} kWh left")
    if built.monitor == "in_situ":
        crystal, said = _crystal(recipe.thickness, built.monitored_life, limits)
        lines.append(crystal)
        refused += said
    return lines, refused


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
    )


def _most(part: Part | None, what: str) -> float:
    """Return a part's own limit by the bench file; infinite where that says none."""
    return math.inf if part is None else float(getattr(part.parameters, what, math.inf))


def _evaporated(
    recipe: EvaporationRecipe,
    name: str,
    built: EvaporatorParameters,
    limits: Limits,
    parts: Mapping[str, Part],
) -> tuple[list[str], list[str]]:
    power_limit = getattr(parts["boat"].parameters, "power_limit", math.inf)
    refused = []
    try:
        check_evaporation(name, recipe, limits.sputter, built, power_limit)
    except LabError as error:
        refused.append(str(error))
    film = recipe.thickness / recipe.rate
    duration = film + recipe.soak + 2.0 * recipe.power / recipe.ramp
    crystal, said = _crystal(recipe.thickness, built.monitored_life, limits)
    return [
        f"  {_taking(duration)} at the most after pumping: {clock_time(film)} of film",
        crystal,
    ], refused + said


def _baked(recipe: FurnaceRecipe, built: FurnaceParameters, limits: Limits) -> tuple[list[str], list[str]]:
    highest = max(temperature for _, temperature in recipe.profile)
    refused = []
    if highest > limits.furnace.temperature:
        refused.append(
            f"{highest - 273.15:.0f} degC; {limits.furnace.temperature - 273.15:.0f} degC at the most"
        )
    fastest = max(segment.ramp for segment in recipe.segments)
    if fastest > max(built.heating, built.cooling):
        refused.append(
            f"ramp = {fastest:g} K/s; it goes {max(built.heating, built.cooling):g} K/s at the most"
        )
    return [f"  {_taking(recipe.profile[-1][0])}, {highest - 273.15:.0f} degC at the most"], refused


def _taking(duration: float) -> str:
    return f"{clock_time(duration)}, {duration:.0f} rows, {size_in_words(duration * BYTES_A_ROW)}"


def _by(rate: FilmRate | None) -> str:
    if rate is None:
        return ""
    known = "calibrated" if rate.calibration else "believed, not calibrated"
    return f" at {rate.rate * 6e10:.2f} nm/min ({known}, +-{rate.sd:.0%})"


def _wear(plan: GunPlan, recipe: DepositionRecipe, rate: FilmRate | None) -> str:
    wanted = energy_wanted(recipe, plan, rate) or 0.0
    return (
        f"  {plan.gun} {plan.target.material}: {plan.power:.1f} W, {wanted / KWH:.3f} kWh of its target's"
        f" {plan.target.life / KWH:.1f} kWh ({wanted / plan.target.life:.1%}),"
        f" {plan.target.worn / KWH:.3f} kWh are gone"
    )


def _crystal(thickness: float, life: float, limits: Limits) -> tuple[str, list[str]]:
    needed, least = thickness / life, limits.sputter.crystal_left
    refused = (
        [f"the film takes {needed:.0%} of a crystal, {least:.0%} must stay"] if needed > 1 - least else []
    )
    return f"  crystal of the thickness monitor: {needed:.1%} of its life", refused
