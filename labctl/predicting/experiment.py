"""What an experiment's films and anneals will give, one after the other, each on what the ones before have left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from devices.errors import ConfigError, Mistake
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import Layer, with_films
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.finder import data_dir
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.config.naming import file_of
from labctl.films.check import machine_of
from labctl.films.steps import BURNING, film_steps
from labctl.predicting.anneal import question_of, tell_anneal
from labctl.predicting.film import tell_film
from labctl.predicting.furnace import tell_furnace

ORDER = ("cathode", "recipe", "heat", "electrolyte", "anode")
"""In which order an experiment's recipes are carried out."""


def predict_experiment(
    name: str, bench: str, model: str, config_path: Path | None, data: Path | None
) -> None:
    """Print what each film and anneal of an experiment will give.

    Raises ConfigError for an unknown name and for one that has neither, InterlockError where no model knows something.
    """
    config, directory = Config(config_path), data_dir(data)
    experiment = config.experiment(file_of(name, config, ("experiment",)))
    steps = list(_recipes(experiment))
    if not steps:
        reason = f"its plan {experiment.plan} makes no film and anneals nothing; `labctl check {name}` tells the rest"
        raise ConfigError([Mistake("labctl predict", "experiment", name, reason)])
    sample = experiment.sample
    for recipe in steps:
        if isinstance(recipe, DepositionRecipe | EvaporationRecipe):
            tell_film(recipe, bench, config, directory, Console())
            if sample is not None:
                grown = Layer(recipe.material, recipe.thickness, source=f"{recipe.name}, not yet there")
                sample = with_films(sample, [grown])
        elif sample is not None:
            found = machine_of("FlashLamp", config, bench) or machine_of("FlashLamp", config, "")
            where = bench if found is None else found[2].name
            question = question_of(config, sample, where, model, directory)
            if isinstance(recipe, AnnealRecipe):
                tell_anneal(question, recipe)
            else:
                tell_furnace(question, recipe)


def _recipes(experiment: Experiment) -> Iterator[Any]:
    given: Mapping[str, Any] = {"recipe": experiment.recipe, **experiment.arguments}
    kinds = DepositionRecipe | EvaporationRecipe | FurnaceRecipe | AnnealRecipe
    if experiment.plan == "calibrate_rate":
        yield from (step.recipe for step in film_steps(experiment))
    elif experiment.plan not in BURNING:
        yield from (given[name] for name in ORDER if isinstance(given.get(name), kinds))
