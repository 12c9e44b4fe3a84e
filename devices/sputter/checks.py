"""What machine and lab allow of a deposition, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from devices.errors import InterlockError, LimitError
from devices.limits import SputterLimits
from devices.roles.films import FilmRate
from devices.sputter.guns import GunPlan, Wear, strike_power
from devices.sputter.makings import (
    base_pressure_of,
    require_endable,
    require_makings,
    require_reachable,
)
from devices.sputter.parameters import FilmConstants, SputterParameters
from devices.sputter.parts import MonitorReading
from devices.sputter.quartz import MASS_PER_HERTZ
from devices.sputter.reach import Reach, require_reach
from devices.sputter.recipe import DepositionRecipe, GasFlow
from devices.sputter.thickness import TRUSTED
from devices.sputter.watch import CRYSTAL_SETTLES, STUCK_ROWS

GAS_CONSTANT = 8.314462618
"""J/(mol K) [CODATA 2018]."""
SEEN_TWICE = 2.0
"""Times the film that a crystal's heat may feign must come before the shutter opens, if it were open; guess."""


def lowest_pressure(gases: Sequence[GasFlow], built: SputterParameters) -> float:
    """Return the pressure [Pa] that flows make with the throttle wide open: below it nothing can be held.

    Raises LimitError for a gas that this machine has no pump or no inlet for.
    """
    total = 0.0
    for each in gases:
        if each.gas not in built.pumping:
            inlets = [gas for gas in built.pumping if gas in (built.flows or built.pumping)]
            raise LimitError(f"{each.gas} (no such gas here: {', '.join(inlets)})", each.flow, "mol/s", 0, 0)
        total += each.flow * GAS_CONSTANT * built.chamber_temperature / built.pumping[each.gas]
    return total


def check_deposition(
    name: str,
    recipe: DepositionRecipe,
    limits: SputterLimits,
    built: SputterParameters,
    plans: Sequence[GunPlan],
) -> None:
    """Raise LimitError or InterlockError when the lab does not allow the recipe, or this machine cannot do it."""
    lowest = lowest_pressure(recipe.gases, built)
    require_makings(name, recipe, limits)
    base = base_pressure_of(recipe, limits)
    require_reachable(name, recipe.base_pressure, limits)
    for what, value, unit, low, high in (
        ("thickness", recipe.thickness, "m", 0.0, limits.thickness),
        (f"base_pressure before {recipe.material}", recipe.base_pressure, "Pa", 0.0, base),
        ("pressure (its pump reaches no less with these flows)", recipe.pressure, "Pa", lowest, math.inf),
        ("pressure", recipe.pressure, "Pa", 0.0, limits.plasma_pressure),
    ):
        _within(f"{name}.{what}", value, unit, low, high)
    if recipe.strike is not None:
        strike = recipe.strike
        lowest = lowest_pressure(strike.gases or recipe.gases, built)
        _within(f"{name}.strike.pressure", strike.pressure, "Pa", lowest, limits.plasma_pressure)
    if len({plan.gun for plan in plans}) != len(plans):
        raise InterlockError("target", f"{recipe.name} sets a gun twice; nothing was set")
    for plan in plans:
        _within(
            f"{name}.{plan.gun}.ramp (its target bears no faster)", plan.ramp, "W/s", 0.0, plan.target.ramp
        )
        most = plan.target.power_density * plan.target.area
        _within(f"{name}.{plan.gun}.power (its target bears no more)", plan.power, "W", 0.0, most)
        at_once = min(limits.strike_power, plan.power)
        power = strike_power(recipe, plan)
        _within(f"{name}.{plan.gun} strike.power (at once, and no ramp)", power, "W", 0.0, at_once)


def check_station(
    name: str,
    recipe: DepositionRecipe,
    limits: SputterLimits,
    built: SputterParameters,
    plans: Sequence[GunPlan],
    rate: FilmRate | None,
    parts: Collection[str],
    reach: Callable[[], Reach],
) -> None:
    """Raise LimitError or InterlockError for everything that is known of a recipe before anything is begun.

    Wear and crystals are asked apart. rate: at which it is believed to grow; parts: what the machine has; reach: asks
    for what those can do, once all else is well.
    """
    check_deposition(name, recipe, limits, built, plans)
    constants = check_monitor(name, recipe, built, rate, parts)
    require_endable(name, recipe.thickness, None if rate is None else rate.rate, recipe.duration)
    require_presputter(name, recipe, plans, rate, constants, limits)
    require_reach(name, recipe, plans, reach())


def require_presputter(
    name: str,
    recipe: DepositionRecipe,
    plans: Sequence[GunPlan],
    rate: FilmRate | None,
    constants: FilmConstants | None,
    limits: SputterLimits,
) -> None:
    """Raise InterlockError for targets that would not be cleaned, or a stuck shutter not be seen before it shall open.

    That one is seen by the film that comes onto a monitor's crystal meanwhile; without one nothing sees it.
    """
    if constants is not None:
        _require_stuck_seen(name, recipe, plans, rate, constants, limits)
    if recipe.presputter < limits.presputter:
        raise InterlockError(
            "presputter",
            f"{name}: presputter = {recipe.presputter:g} s is too short to clean a target; {limits.presputter:g} s at"
            " the least (limits.toml, sputter.presputter). Nothing was set",
        )


def _require_stuck_seen(
    name: str,
    recipe: DepositionRecipe,
    plans: Sequence[GunPlan],
    rate: FilmRate | None,
    constants: FilmConstants,
    limits: SputterLimits,
) -> None:
    least = CRYSTAL_SETTLES + STUCK_ROWS
    if rate is not None:
        seen = SEEN_TWICE * limits.crystal_heat * MASS_PER_HERTZ * constants.tooling / constants.density
        least = min(least, seen / rate.rate - min(_ramp_at_full(recipe, plan) for plan in plans))
    if recipe.presputter < least:
        raise InterlockError(
            "presputter",
            f"{name}: presputter = {recipe.presputter:g} s is too short to see a shutter that is stuck open by the film"
            f" on the crystal; {math.ceil(least)} s at the least. Nothing was set",
        )


def _ramp_at_full(recipe: DepositionRecipe, plan: GunPlan) -> float:
    """Return the time [s] at full power that gives as much film as the ramp to it."""
    return max(plan.power**2 - strike_power(recipe, plan) ** 2, 0.0) / (2.0 * plan.power * plan.ramp)


def check_monitor(
    name: str,
    recipe: DepositionRecipe,
    built: SputterParameters,
    rate: FilmRate | None,
    parts: Collection[str],
) -> FilmConstants | None:
    """Return what the monitor is set to, None without one. Raises InterlockError for an end that nothing could tell."""
    there = "monitor" in parts and built.monitor == "in_situ"
    constants = built.films.get(recipe.material)
    if recipe.end == "monitor" and not (there and constants is not None):
        why = (
            f"there are no constants of a {recipe.material} film (parameters.films)"
            if there
            else "no thickness monitor stays beside the substrate"
        )
        raise InterlockError(
            "monitor", f'{name}: {why}, so a film cannot end by it; use end = "rate" or "time"'
        )
    if recipe.end == "rate" and rate is None:
        raise InterlockError(
            "rate",
            f"{name}: nobody knows at which rate {recipe.material} grows from {_targets(recipe)}; calibrate it, or use"
            ' end = "monitor" or "time"',
        )
    if recipe.substrate_temperature is not None and "heater" not in parts:
        raise InterlockError("heater", f"{name} has no heater for a substrate temperature; nothing was set")
    if recipe.bias_power and "bias" not in parts:
        raise InterlockError("bias", f"{name} has no supply for the substrate's bias; nothing was set")
    return constants if there else None


def require_measured(
    name: str,
    recipe: DepositionRecipe,
    built: SputterParameters,
    rate: FilmRate | None,
    parts: Collection[str],
) -> None:
    """Raise InterlockError for a film that is neither weighed nor of a known rate: nobody would know its thickness."""
    constants = check_monitor(name, recipe, built, rate, parts)
    if constants is None and rate is None:
        there = "monitor" in parts and built.monitor == "in_situ"
        weighed = f", or constants of {recipe.material} (parameters.films) to weigh it by" if there else ""
        raise InterlockError(
            "rate",
            f"{name}: nobody would know how thick {recipe.material} from {_targets(recipe)} gets: write a rate of each"
            f" target, a guess will do (parameters.rates){weighed}. Nothing was set",
        )


def energy_wanted(recipe: DepositionRecipe, plan: GunPlan, rate: FilmRate | None) -> float | None:
    """Return the energy [J] a film needs of one target, pre-sputtering and ramps included; None if nobody knows."""
    if recipe.duration is not None:
        duration = recipe.duration
    elif rate is not None:
        duration = recipe.thickness / rate.rate
    else:
        return None
    return plan.power * (duration + recipe.presputter + plan.power / plan.ramp)


def require_life(
    plans: Sequence[GunPlan],
    recipe: DepositionRecipe,
    wear: Wear,
    rate: FilmRate | None,
    limits: SputterLimits,
) -> None:
    """Raise InterlockError when a target would be worn out before the film is done."""
    for plan in plans:
        wanted = energy_wanted(recipe, plan, rate)
        left = wear.left(plan.gun) - limits.life_left * plan.target.life
        if left < (wanted or 0.0) or left <= 0:
            need = "" if wanted is None else f", this film needs {wanted / 3.6e6:.2f} kWh"
            raise InterlockError(
                "target life",
                f"{plan.gun}: {plan.target.material} has {max(left, 0.0) / 3.6e6:.2f} kWh left{need}. Mount a new one"
                f' and type lab.<station>.new_target("{plan.gun}"); nothing was begun',
            )


def wanted_of_crystal(recipe: DepositionRecipe, rate: FilmRate | None) -> float | None:
    """Return how much of a film [m] needs the crystal: all that it ends, none of one that it can only cut short.

    None of one that goes on without it: then it need not oscillate either.
    """
    if recipe.monitor_failure == "go_on" and rate is not None and rate.sd <= TRUSTED:
        return None
    return recipe.thickness if recipe.end == "monitor" else 0.0


def require_crystal(
    reading: MonitorReading | None, thickness: float, life: float, limits: SputterLimits
) -> None:
    """Raise InterlockError when the crystal would be used up before the film [m] that it ends is done.

    0: it ends none, and must oscillate only, since without it the film would be cut short.
    """
    if reading is None:
        return
    if not reading.ok:
        raise InterlockError(
            "crystal life",
            "the crystal of the thickness monitor does not oscillate, and the film would be ended for that; put in a"
            ' new one, or go on by a calibrated rate when a film is sputtered (monitor_failure = "go_on"). Nothing was'
            " begun",
        )
    needed = thickness / life
    if needed and reading.life - needed < limits.crystal_left:
        raise InterlockError(
            "crystal life",
            f"the monitor's crystal has {reading.life:.0%} of its life left, this film takes {needed:.0%} and"
            f" {limits.crystal_left:.0%} must stay; put in a new one, or end a sputtered film by rate or time. Nothing"
            " was begun",
        )


def _targets(recipe: DepositionRecipe) -> str:
    return " and ".join(each.target for each in recipe.guns)


def _within(what: str, value: float, unit: str, low: float, high: float) -> None:
    if not low <= value <= high * (1 + 1e-9):
        raise LimitError(f"{what} (limits.toml, sputter; bench file)", value, unit, low, high)
