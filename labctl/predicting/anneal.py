"""What an anneal will do, asked before it is done: peaks, margins and damage, from belief and the lab's limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from devices.errors import ConfigError, DataError, Mistake
from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles.predictor import Prediction
from devices.samples import Layer, SampleRef
from labctl.belief import Believer, bank_of, surroundings_of
from labctl.config.allowed import LAMP
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.how_many import how_many
from labctl.pictures.drawing import CELSIUS
from labctl.predicting.damage import Term, judge
from labctl.samples.believed import believed
from labctl.units import show
from sim.foil import Surroundings
from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import CALIBRATION_POINTS, LCO_DECOMPOSES, MODELS, UTILISATION
from sim.physics.lamp.bank import (
    CALIBRATION_DURATION,
    CALIBRATION_EXPOSURE,
    CALIBRATION_VOLTAGE,
    Bank,
    Discharge,
    discharge,
)
from sim.physics.lamp.load import LampLoad, lamp_load

PER_AREA_AND_THICKNESS = 3.6e7
"""C/m3 in one uAh/cm2/um."""
FITTED, PREDICTED, GUESSED = "calibrated", "predicted", "guess"
"""Where a number comes from. A guess: on anything but aluminium nobody has measured how much light is absorbed."""
SHOWN = {"film_peak": "degC"}
"""The unit in which people read a damage term, where it is not its SI unit."""

PLAIN = SampleRef(id="as-made", layers=(Layer("Al", 100e-6), Layer("LiCoO2", 0.7e-6)))
"""What a recipe is tried on when no sample is named: the thinnest film of the FLA paper, on its foil."""


@dataclass(frozen=True)
class Row:
    """One line of the answer: what, how much, what that leaves or means, and where it comes from."""

    name: str
    value: str
    remark: str
    basis: str


@dataclass(frozen=True)
class Question:
    """What every prediction needs: the sample, the lab's limits, the bench's lamp, belief, and whom to tell.

    sample: as it is believed to be. described: as belief is asked, which puts on it what runs did by itself.
    """

    config: Config
    sample: SampleRef
    described: SampleRef
    bank: Bank
    surroundings: Surroundings
    believer: Believer
    console: Console


def asked(sample_name: str, bench: str, model: str, config_path: Path | None, data: Path | None) -> Question:
    """Return the question for a sample on a bench; model replaces the bench's own where it is given.

    An empty sample_name is a fresh film. Raises ConfigError for unknown names.
    """
    config = Config(config_path)
    sample = config.sample(sample_name) if sample_name else PLAIN
    return question_of(config, sample, bench, model, data_dir(data))


def question_of(config: Config, sample: SampleRef, bench: str, model: str, data: Path) -> Question:
    """Return the question for a sample as it is described. Raises ConfigError for unknown names."""
    station = config.bench(bench)
    bank, surroundings = bank_of(station), surroundings_of(station)
    if model and model not in MODELS:
        raise ConfigError(
            [Mistake("labctl predict", "--model", model, f"must be one of {', '.join(MODELS)}")]
        )
    if model:
        surroundings = replace(surroundings, model=model)
    there = sample if sample is PLAIN else believed(data, sample).sample
    return Question(config, there, sample, bank, surroundings, Believer(data, bank, surroundings), Console())


def predict_anneal(
    recipe_name: str, sample_name: str, bench: str, model: str, config_path: Path | None, data: Path | None
) -> None:
    """Print what a recipe will do to a sample under a bench's lamp, with the pulses it already had.

    Raises ConfigError for unknown names, InterlockError when no model knows the sample or the model gives up.
    """
    question = asked(sample_name, bench, model, config_path, data)
    tell_anneal(question, question.config.recipe(recipe_name))


def tell_anneal(question: Question, recipe: AnnealRecipe) -> None:
    """Print the answer for one recipe of flashes. Raises InterlockError as predict_anneal does."""
    limits, sample, bank = question.config.limits(), question.sample, question.bank
    prediction = question.believer.anneal(question.described, recipe)
    pulse = discharge(bank, recipe.voltage, recipe.pulse_duration, recipe.lit)
    load = lamp_load(bank, pulse, recipe.period)
    basis = basis_of(question, recipe)
    allowed = limits.of_lamp(LAMP)
    # Set S2 was fitted to capacities alone.
    peak = basis if question.surroundings.model == "S1" or basis == GUESSED else PREDICTED
    rows = [*film_rows(sample, prediction, basis, peak), *lamp_rows(recipe, pulse, load, allowed)]
    each = f"{recipe.voltage:g} V, {recipe.pulse_duration * 1e3:g} ms"
    flashes = f"{each}, {how_many(recipe.pulse_count, 'pulse')} at {recipe.rate:g} Hz"
    title = f"{recipe.name} on {sample.id}: {stack_of(sample)}"
    tell_sample(question)
    question.console.print(answer(f"{title}\n{flashes}", rows))
    question.console.print(damage_table(judge(prediction.values, limits.damage), basis))
    tell_basis(question, basis)


def tell_sample(question: Question) -> None:
    """Print which film it is for, where none was named."""
    if question.sample is PLAIN:
        question.console.print(
            f"NO SAMPLE NAMED: this is for a fresh film of {stack_of(PLAIN)}; name one with --sample"
        )


def tell_basis(question: Question, basis: str) -> None:
    """Print what the numbers rest on."""
    model = question.surroundings.model
    fitted = "; ".join(f"{what}: {to}" for what, to in MODELS[model].fitted.items())
    question.console.print(
        f"set {model}, fitted to the FLA paper: {fitted}. All else is predicted.", highlight=False
    )
    if basis == GUESSED:
        question.console.print(
            f"ABSORPTANCE IS A GUESS on {below_of(question.sample)}: it was fitted on Al, and all heat follows from it"
        )


def is_calibrated(sample: SampleRef, recipe: AnnealRecipe) -> bool:
    """Return whether this very film and recipe were used to fit the model: it cannot predict them."""
    film, *below = (layer.thickness for layer in reversed(sample.layers))
    asked = (film, recipe.voltage, recipe.pulse_duration, recipe.pulse_count, recipe.rate)
    on_foil = [layer.material for layer in sample.layers] == ["Al", "LiCoO2"] and below == [100e-6]
    return on_foil and not recipe.micro_pulses and asked in CALIBRATION_POINTS


def basis_of(question: Question, recipe: AnnealRecipe) -> str:
    """Return where the numbers of film and heat come from; of those that the fit was made to, if it was.

    The fit holds for the example's lamp and place: other light or another chuck make it a prediction.
    """
    if below_of(question.sample) != "Al":
        return GUESSED
    in_place = question.surroundings == Surroundings(model=question.surroundings.model)
    as_fitted = in_place and is_lamp_of_fit(question.bank) and is_calibrated(question.sample, recipe)
    return FITTED if as_fitted else PREDICTED


def is_lamp_of_fit(bank: Bank) -> bool:
    """Return whether a lamp gives the light that the fit was made with."""
    pulse = discharge(bank, CALIBRATION_VOLTAGE, CALIBRATION_DURATION)
    return math.isclose(pulse.exposure, CALIBRATION_EXPOSURE, rel_tol=1e-3)


def film_rows(sample: SampleRef, prediction: Prediction, basis: str, peak: str) -> Iterator[Row]:
    """Yield what happens to film and substrate; basis as in basis_of, and peak that of the surface's peak.

    The fit was made to the surface's peak and the capacity, which goes with the mean crystalline share; what is
    below follows, and is no more than predicted even for the films of the fit.
    """
    values = prediction.values
    inferred = PREDICTED if basis == FITTED else basis
    below = below_of(sample)
    substrate = SUBSTRATES[below]
    yield Row(
        "film surface peak",
        celsius(values["surface_peak"]),
        margin_of(values["surface_peak"], LCO_DECOMPOSES, "decomposes"),
        peak,
    )
    yield Row(
        f"{below} peak, below the film",
        celsius(values["foil_peak"]),
        margin_of(values["foil_peak"], substrate.bearable, substrate.beyond),
        inferred,
    )
    yield Row("crystalline, mean", f"{values['crystalline_mean']:.1%}", "", basis)
    yield Row("crystalline, bottom", f"{values['crystalline_bottom']:.1%}", "", inferred)
    yield Row(
        "capacity bound",
        f"{values['crystalline_bound'] / PER_AREA_AND_THICKNESS:.1f} uAh/cm2/um",
        "never a cell's capacity",
        basis,
    )
    yield from utilisation_rows(below)


def utilisation_rows(below: str) -> Iterator[Row]:
    """Yield the share of the capacity bound that was reached on a substrate, where it was measured."""
    if below in UTILISATION:
        known = UTILISATION[below]
        yield Row("share of it reached", f"{known.share:.0%}", known.source, "empirical")


def lamp_rows(recipe: AnnealRecipe, pulse: Discharge, load: LampLoad, limits: LampLimits) -> Iterator[Row]:
    """Yield what the lamp gives and bears."""
    at_point = (recipe.voltage, recipe.pulse_duration) == (CALIBRATION_VOLTAGE, CALIBRATION_DURATION)
    basis = FITTED if at_point and not recipe.micro_pulses else PREDICTED
    train = recipe.pulse_count * pulse.exposure / 1e4
    yield Row("exposure per pulse", f"{pulse.exposure / 1e4:.2f} J/cm2", f"{train:.0f} J/cm2 in all", basis)
    yield Row(
        "bank after a pulse",
        f"{pulse.voltage_after:.0f} V",
        f"{pulse.electrical_energy:.0f} J drawn",
        PREDICTED,
    )
    yield Row(
        "average power",
        f"{load.average_power:.0f} W",
        _allowed(f"{limits.average_power:g} W", load.average_power <= limits.average_power),
        PREDICTED,
    )
    yield Row(
        "recharge time",
        f"{load.recharge_time:.2f} s",
        _allowed(f"{recipe.period:g} s between pulses", load.fastest_rate >= recipe.rate),
        PREDICTED,
    )
    yield Row("lamp life", f"{load.life:.1g} pulses", "the tube is a guess", PREDICTED)


def damage_table(terms: Sequence[Term], basis: str) -> Table:
    """Return the table of damage terms and thresholds; basis: where the heat comes from, as in basis_of."""
    known = "all a guess" if basis == GUESSED else "all predicted"
    table = Table(title=f"Damage, {known}; thresholds of limits.toml", box=box.SIMPLE_HEAD)
    table.add_column("term")
    for name in ("value", "warning above", "fault above"):
        table.add_column(name, justify="right")
    table.add_column("")
    for term in terms:
        values = (_short(each, term) for each in (term.value, term.warn, term.fault))
        table.add_row(term.name, *values, {"ok": "ok", "warning": "WARNING", "fault": "FAULT"}[term.level])
    return table


def answer(title: str, rows: Sequence[Row]) -> Table:
    """Return the table of rows."""
    table = Table(title=title, box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("remark")
    table.add_column("basis")
    for row in rows:
        table.add_row(row.name, row.value, row.remark, row.basis)
    return table


def stack_of(sample: SampleRef) -> str:
    """Return a sample's layers in words, film first."""
    return " on ".join(
        f"{layer.material} {layer.thickness * 1e6:.4g} um" for layer in reversed(sample.layers)
    )


def below_of(sample: SampleRef) -> str:
    """Return what the film lies on. Raises DataError for a bare sample."""
    if len(sample.layers) < 2:
        raise DataError(
            f"{sample.id} has no film to heat yet; `labctl predict EXPERIMENT` predicts one that grows first"
        )
    return sample.layers[-2].material


def _short(value: float, term: Term) -> str:
    shown = SHOWN.get(term.name, term.unit)
    text = show(value, term.unit, shown)
    number, _, symbol = text.partition(" ")
    return f"{float(number):.4g}" + ("" if shown == "1" else f" {symbol}")


def celsius(temperature: float) -> str:
    """Return a temperature [K] as people read it."""
    return f"{temperature - CELSIUS:.0f} degC"


def margin_of(temperature: float, limit: float, beyond: str) -> str:
    """Return how far a temperature is from a limit, both [K], and what is beyond it."""
    apart = f"{abs(limit - temperature):.0f} K {'below' if temperature <= limit else 'ABOVE'}"
    return f"{apart} {limit - CELSIUS:.0f} degC: {beyond}"


def _allowed(limit: str, kept: bool) -> str:
    return f"of {limit}" if kept else f"MORE THAN {limit}"
