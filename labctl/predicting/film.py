"""What film a recipe will give: how thick, how fast, of what, from the physics of the chamber and the lab's fits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from devices.errors import ConfigError, InterlockError, Mistake
from devices.roles.films import FilmRate, Tooling
from devices.sputter.conditions import ROOM
from devices.sputter.guns import STRIKES, planned
from devices.sputter.parameters import SputterParameters
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe, GasFlow
from labctl.config import readers
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.config.models import BenchFile, StationEntry
from labctl.films.check import ROLE_OF, believed_built, machine_of
from labctl.films.rates import FilmRates
from labctl.predicting.anneal import FITTED, GUESSED, PREDICTED, Row, answer
from labctl.rehearsing.work import clock_time
from labctl.runs.films import MONITOR_SD
from labctl.samples.believed import MASK_BLUR
from sim.materials.targets import LITHIUM
from sim.physics.evaporation.vapour import mass_for
from sim.physics.growth.as_deposited import basal_share
from sim.physics.growth.lipon import Lipon
from sim.physics.growth.lithium_cobalt import phases
from sim.physics.vacuum.gases import GASES, H2O, Amounts, amounts, impingement
from sim.sputter.built import Truth
from sim.sputter.evaporator_chamber import OXIDISED
from sim.sputter.foretold import RATE_SPREAD, Burning, Foretold, boat_at, foretold, lights, substrate_bias
from sim.sputter.growth import SAMPLE_RADIUS, SPOILT

DIRECT = "aja_dcxs"
"""The driver of a supply whose target burns on direct current."""
RATE_FROM = {"LiCoO2": "literature: Julien 2019"}
"""By what the physics of a film's rate was set where nobody has calibrated the machine."""
ONE_POINT = "fitted to the FLA paper"
"""Of what was set at that paper's recipe; elsewhere it is predicted from there."""
PLAIN_THROW = Truth().throw
"""m from a boat to the sample where nobody says otherwise; guess."""


def predict_film(
    recipe_name: str, sample_name: str, bench: str, model: str, config_path: Path | None, data: Path | None
) -> None:
    """Print what film a recipe will give on a bench's machine, by the physics and what the lab has fitted.

    Raises ConfigError for unknown names, InterlockError where no model knows target or gas.
    """
    if model or sample_name:
        option = "--model" if model else "--sample"
        raise ConfigError(
            [Mistake("labctl predict", option, model or sample_name, "a film does not depend on it")]
        )
    config = Config(config_path)
    recipe = readers.any_recipe(config.path("recipe", recipe_name))
    if not isinstance(recipe, DepositionRecipe | EvaporationRecipe):
        reason = "no recipe of a film; `anneal` and `furnace` predict the others"
        raise ConfigError([Mistake("labctl predict", "recipe", recipe_name, reason)])
    tell_film(recipe, bench, config, data_dir(data), Console())


def tell_film(
    recipe: DepositionRecipe | EvaporationRecipe, bench: str, config: Config, data: Path, console: Console
) -> None:
    """Print the answer for one recipe; bench: whose machine, the first that has one where that bench has none."""
    role = ROLE_OF[type(recipe)]
    found = machine_of(role, config, bench) or machine_of(role, config, "")
    if found is None:
        raise ConfigError([Mistake("labctl predict", "recipe", recipe.name, "no bench has a machine for it")])
    name, built, on = found
    fits = FilmRates(data, on)
    try:
        rows = (
            sputtered(recipe, name, built, on, fits, data)
            if isinstance(recipe, DepositionRecipe)
            else evaporated(recipe, fits.tooling(name, recipe))
        )
        title = f"{recipe.name} on {name} of bench {on.name}: {recipe.material} {recipe.thickness * 1e6:g} um"
        console.print(answer(title, list(rows)))
    except ValueError as error:
        raise InterlockError("prediction", str(error)) from error


def sputtered(
    recipe: DepositionRecipe,
    name: str,
    built: SputterParameters,
    on: BenchFile,
    fits: FilmRates,
    data: Path,
) -> Iterator[Row]:
    """Yield what a sputter system's recipe gives. Raises ValueError where no model knows target or gas."""
    entry = on.devices[name]
    assert isinstance(entry, StationEntry)
    built = believed_built(built, name, on, data)
    plans = [planned(setting, built.targets) for setting in recipe.guns]
    guns = [
        Burning(
            plan.target.material,
            plan.power,
            plan.target.share_of_rate(plan.target.worn),
            direct=entry.parts[plan.gun].driver == DIRECT,
        )
        for plan in plans
    ]
    gas = _pressures(recipe.pressure, recipe.gases)
    bias = substrate_bias(recipe.bias_power, recipe.pressure)
    around: dict[str, Any] = {
        "bias": bias,
        "temperature": recipe.substrate_temperature or ROOM,
        "turns": recipe.rotation,
    }
    plain = foretold(guns, gas, **around)
    worn = {gun: target.worn for gun, target in built.targets.items()}
    known = fits.film_rate(name, recipe, worn)
    film = plain if known is None else foretold(guns, gas, **around, scale=known.rate / plain.rate)
    if film.material != recipe.material:
        raise ValueError(f"these targets give {film.material}, the recipe says {recipe.material}")
    yield from _how_much(recipe, film, plain, known, fits.tooling(name, recipe))
    spread = f"within {SAMPLE_RADIUS * 1e3:g} mm of the axis" + (
        "" if recipe.rotation else ", it does not turn"
    )
    yield Row("uniformity", f"+-{film.uniformity:.1%}", spread, "predicted, of a guessed chamber")
    yield _struck(recipe, guns)
    for each in guns:
        volts = each.bias(recipe.pressure)
        yield Row(f"bias of {each.material}", f"{volts:.0f} V", f"at {each.power:.1f} W", GUESSED)
    yield from _made_of(recipe, film, bias)


def _how_much(
    recipe: DepositionRecipe,
    film: Foretold,
    plain: Foretold,
    known: FilmRate | None,
    tooling: Tooling | None,
) -> Iterator[Row]:
    """Yield thickness, rate and time, each with what it is uncertain by."""
    if known is not None:
        rate_basis, factor = FITTED, 1.0 + known.sd
        remark = f"+-{known.sd:.1%}; physics alone says {_rate(plain.rate)}"
    else:
        rate_basis, factor = RATE_FROM.get(recipe.material, GUESSED), RATE_SPREAD
        remark = f"within a factor of {RATE_SPREAD:g}: `calibrate_rate` measures this machine's"
    if recipe.end == "monitor":
        thickness = recipe.thickness
        sd, basis = (MONITOR_SD, GUESSED) if tooling is None else (tooling.sd, FITTED)
        by = f"+-{sd:.1%}: ended by the monitor, its tooling"
    else:
        seconds = recipe.duration or recipe.thickness / (known.rate if known else film.rate)
        thickness, basis = film.rate * seconds, rate_basis
        by = f"between {thickness / factor * 1e6:.2f} and {thickness * factor * 1e6:.2f} um: ended by time"
    yield Row("thickness", f"{thickness * 1e6:.3g} um", by, basis)
    yield Row("rate", _rate(film.rate), remark, rate_basis)
    if recipe.duration is None:
        lasts = recipe.thickness / film.rate
        between = f"between {clock_time(lasts / factor)} and {clock_time(lasts * factor)}"
        yield Row("open shutter", clock_time(lasts), between, rate_basis)
    else:
        yield Row("open shutter", clock_time(recipe.duration), "", "as asked")


def _struck(recipe: DepositionRecipe, guns: list[Burning]) -> Row:
    """Return whether the plasma lights as the recipe lights it."""
    strike = recipe.strike
    pressure = recipe.pressure if strike is None else strike.pressure
    gases = recipe.gases if strike is None or not strike.gases else strike.gases
    gas = _pressures(pressure, gases)
    powers = {each.material: min(each.power, STRIKES if strike is None else strike.power) for each in guns}
    shown = " and ".join(f"{power:g} W" for power in dict.fromkeys(powers.values()))
    said = "lights" if lights(guns, powers, gas) else "DOES NOT LIGHT"
    return Row("plasma", said, f"at {pressure:g} Pa with {shown}", "predicted, of guessed guns")


def _made_of(recipe: DepositionRecipe, film: Foretold, bias: float) -> Iterator[Row]:
    """Yield what the film is made of, how it lies and what strains it."""
    grown = film.second
    if bias:
        yield Row("substrate's bias", f"{bias:.0f} V", f"at {recipe.bias_power:g} W", GUESSED)
    yield Row("density", f"{grown.mass / grown.thickness / 1e3:.2f} g/cm3", "", GUESSED)
    if film.material == "LiCoO2":
        ratio = grown.ratio("Li", "Co")
        found = phases(ratio)
        left = f"{found.capacity_share:.1%} of the capacity, {found.cobalt_oxide_volume:.1%} of it Co3O4"
        yield Row("Li/Co", f"{ratio:.3f}", left, PREDICTED)
        active = grown.active / grown.thickness
        yield Row(
            "active as deposited", f"{active:.0%}", "" if active > 0.5 else "it needs an anneal", PREDICTED
        )
        share = basal_share(recipe.thickness)
        yield Row("(003) in plane", f"{share:.0%}", "badly entered by lithium", "1 um: review; width a guess")
    elif film.material == "LiPON":
        glass = Lipon(grown.ratio("N", "P"), grown.ratio("Li", "P"))
        yield Row("Li/P", f"{glass.lithium:.2f}", "Li2O SEPARATES" if glass.separated else "", PREDICTED)
        yield Row("N/P", f"{glass.nitrogen:.2f}", f"activation {glass.activation:.2f} eV", ONE_POINT)
        conductivity = glass.conductivity()
        areal = recipe.thickness / conductivity * 1e4
        yield Row(
            "conductivity", f"{conductivity / 100:.2g} S/cm", f"{areal:.0f} ohm cm2 at 25 degC", ONE_POINT
        )
        per_phosphorus = _water(recipe.base_pressure) / grown.atoms["P"]
        spoils = "SPOILS IT" if per_phosphorus > SPOILT else f"spoils it above {SPOILT:g}"
        yield Row(
            "water", f"{per_phosphorus:.2g} per P", f"{spoils}, at {recipe.base_pressure:g} Pa", GUESSED
        )
    stress = grown.stress / grown.thickness
    pulls = "tension" if stress > 0 else "compression"
    yield Row("stress as grown", f"{abs(stress) / 1e6:.0f} MPa", pulls, "sign: Hoffman 1994; size a guess")


def evaporated(recipe: EvaporationRecipe, tooling: Tooling | None) -> Iterator[Row]:
    """Yield what an evaporator's recipe gives. Raises ValueError for anything but lithium, and beyond its law."""
    if recipe.material != "Li":
        raise ValueError(f"no model knows a boat of {recipe.material}")
    sd, basis = (MONITOR_SD, GUESSED) if tooling is None else (tooling.sd, FITTED)
    by = f"+-{sd:.1%}: ended by the monitor, its tooling"
    yield Row("thickness", f"{recipe.thickness * 1e6:.3g} um", by, basis)
    yield Row("rate", f"{recipe.rate * 1e9:.3g} nm/s", "held by the boat's power", "as asked")
    yield Row("open shutter", clock_time(recipe.thickness / recipe.rate), "", "as asked")
    boat = boat_at(recipe.rate, PLAIN_THROW)
    yield Row("boat", f"{boat.temperature:.0f} K", "vapour pressure (CRC)", "predicted, of a guessed boat")
    enough = f"of {recipe.power:g} W" if boat.power <= recipe.power else f"MORE THAN {recipe.power:g} W"
    yield Row("its power", f"{boat.power:.0f} W", enough, "predicted, of a guessed boat")
    mass = mass_for(LITHIUM, recipe.thickness, PLAIN_THROW)
    soaked = recipe.soak * boat.loss
    yield Row(
        "lithium", f"{(mass + soaked) * 1e3:.2f} g", f"{soaked * 1e3:.2f} g of it in the soak", PREDICTED
    )
    per_atom = _water(recipe.base_pressure) / (recipe.rate * LITHIUM.density / LITHIUM.atom)
    spoils = "OXIDISES IT" if per_atom > OXIDISED else f"oxidises it above {OXIDISED:g}"
    yield Row("water", f"{per_atom:.2g} per Li", f"{spoils}, at {recipe.base_pressure:g} Pa", GUESSED)
    if recipe.mask_area is not None:
        edge = MASK_BLUR * math.sqrt(4.0 * math.pi * recipe.mask_area)
        yield Row(
            "area",
            f"{recipe.mask_area * 1e4:.3g} cm2",
            f"+-{edge / recipe.mask_area:.1%}: half-shadow",
            GUESSED,
        )


def _pressures(total: float, gases: tuple[GasFlow, ...]) -> Amounts:
    """Return the pressures [Pa] by gas: shared as the flows are."""
    flows = sum(each.flow for each in gases)
    return amounts({each.gas: total * each.flow / flows for each in gases})


def _water(base_pressure: float) -> float:
    """Return molecules of water that strike [1/(m2 s)] where all of the base pressure [Pa] is water."""
    return impingement(base_pressure, GASES[H2O].molecule, ROOM)


def _rate(rate: float) -> str:
    return f"{rate * 6e10:.2f} nm/min"
