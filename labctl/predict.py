"""What an anneal will do, asked before it is done: peaks, margins and damage, from belief and the lab's limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from devices.limits import LampLimits
from devices.recipes import AnnealRecipe
from devices.roles import Prediction
from devices.samples import Layer, SampleRef
from labctl.belief import Believer, bank_of, surroundings_of, tube_of
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.damage import Term, judge
from labctl.drawing import CELSIUS
from labctl.units import show
from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import CALIBRATED, CALIBRATION_POINTS, LCO_DECOMPOSES, UTILISATION
from sim.physics.lamp.bank import CALIBRATION_DURATION, CALIBRATION_VOLTAGE, Discharge, discharge
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


def predict_anneal(
    recipe_name: str, sample_name: str, bench: str, config_path: Path | None, data: Path | None
) -> None:
    """Print what a recipe will do to a sample under a bench's lamp, with the pulses it already had.

    An empty sample_name is a fresh film, and the answer begins with saying which.

    Raises ConfigError for unknown names, InterlockError when no model knows the sample or the model gives up.
    """
    config = Config(config_path)
    recipe, limits = config.recipe(recipe_name), config.limits()
    sample = config.sample(sample_name) if sample_name else PLAIN
    station = config.bench(bench)
    bank, tube = bank_of(station), tube_of(limits.lamp)
    prediction = Believer(data_dir(data), bank, surroundings_of(station), tube=tube).anneal(sample, recipe)
    pulse = discharge(bank, recipe.voltage, recipe.pulse_duration, recipe.lit)
    load = lamp_load(bank, tube, pulse, recipe.period)
    console = Console()
    if not sample_name:
        console.print(f"NO SAMPLE NAMED: this is for a fresh film of {_stack(PLAIN)}; name one with --sample")
    console.print(
        _answer(
            recipe,
            sample,
            [*film_rows(sample, recipe, prediction), *lamp_rows(recipe, pulse, load, limits.lamp)],
        )
    )
    console.print(damage_table(judge(prediction.values, limits.damage), basis_of(sample, recipe)))
    fitted = "; ".join(f"{what}: {to}" for what, to in CALIBRATED.items())
    console.print(f"fitted to the FLA paper: {fitted}. All else is predicted.", highlight=False)
    if basis_of(sample, recipe) == GUESSED:
        console.print(
            f"ABSORPTANCE IS A GUESS on {_below(sample)}: it was fitted on Al, and all heat follows from it"
        )


def is_calibrated(sample: SampleRef, recipe: AnnealRecipe) -> bool:
    """Return whether this very film and recipe were used to fit the model: it cannot predict them."""
    film, *below = (layer.thickness for layer in reversed(sample.layers))
    asked = (film, recipe.voltage, recipe.pulse_duration, recipe.pulse_count, recipe.rate)
    on_foil = [layer.material for layer in sample.layers] == ["Al", "LiCoO2"] and below == [100e-6]
    return on_foil and not recipe.micro_pulses and asked in CALIBRATION_POINTS


def basis_of(sample: SampleRef, recipe: AnnealRecipe) -> str:
    """Return where the numbers of film and heat come from; of those that the fit was made to, if it was."""
    if _below(sample) != "Al":
        return GUESSED
    return FITTED if is_calibrated(sample, recipe) else PREDICTED


def film_rows(sample: SampleRef, recipe: AnnealRecipe, prediction: Prediction) -> Iterator[Row]:
    """Yield what happens to film and substrate.

    The fit was made to the surface's peak and the capacity, which goes with the mean crystalline share; what is
    below follows, and is no more than predicted even for the films of the fit.
    """
    values, basis = prediction.values, basis_of(sample, recipe)
    inferred = PREDICTED if basis == FITTED else basis
    below = _below(sample)
    substrate = SUBSTRATES[below]
    yield Row(
        "film surface peak",
        _celsius(values["surface_peak"]),
        _margin(values["surface_peak"], LCO_DECOMPOSES, "decomposes"),
        basis,
    )
    yield Row(
        f"{below} peak, below the film",
        _celsius(values["foil_peak"]),
        _margin(values["foil_peak"], substrate.bearable, substrate.beyond),
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


def damage_table(terms: tuple[Term, ...], basis: str) -> Table:
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


def _answer(recipe: AnnealRecipe, sample: SampleRef, rows: list[Row]) -> Table:
    table = Table(
        title=f"{recipe.name} on {sample.id}: {_stack(sample)}\n"
        f"{recipe.voltage:g} V, {recipe.pulse_duration * 1e3:g} ms, {recipe.pulse_count} pulses at {recipe.rate:g} Hz",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("remark")
    table.add_column("basis")
    for row in rows:
        table.add_row(row.name, row.value, row.remark, row.basis)
    return table


def _stack(sample: SampleRef) -> str:
    return " on ".join(f"{layer.material} {layer.thickness * 1e6:g} um" for layer in reversed(sample.layers))


def _below(sample: SampleRef) -> str:
    return sample.layers[-2].material


def _short(value: float, term: Term) -> str:
    shown = SHOWN.get(term.name, term.unit)
    text = show(value, term.unit, shown)
    number, _, symbol = text.partition(" ")
    return f"{float(number):.4g}" + ("" if shown == "1" else f" {symbol}")


def _celsius(temperature: float) -> str:
    return f"{temperature - CELSIUS:.0f} degC"


def _margin(temperature: float, limit: float, beyond: str) -> str:
    apart = f"{abs(limit - temperature):.0f} K {'below' if temperature <= limit else 'ABOVE'}"
    return f"{apart} {limit - CELSIUS:.0f} degC: {beyond}"


def _allowed(limit: str, kept: bool) -> str:
    return f"of {limit}" if kept else f"MORE THAN {limit}"
