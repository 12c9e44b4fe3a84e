"""What a person will be asked before an experiment's films and anneals, by what lies on its samples now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from devices.recipes import FurnaceRecipe
from devices.roles.hands import Film, Heat
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.check import kind_of
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.samples.next_step import OnIt

STEPS: Mapping[str, tuple[str, ...]] = {
    "deposit": ("recipe",),
    "evaporate": ("recipe",),
    "bake": ("recipe",),
    "calibrate_rate": ("recipe",),
    "calibrate_tooling": ("recipe",),
    "full_stack": ("cathode", "heat", "electrolyte", "anode"),
    "line": ("cathode", "electrolyte", "anode"),
}
"""Of each plan what it does to its sample, or to each of its spots, in this order; plans that go on with a film ask by
themselves."""


def film_questions(files: Sequence[Path], folder: Config, data: Path) -> list[str]:
    """Return what somebody will be asked before the experiments among files: a line each."""
    experiments = [(path, folder.experiment(path)) for path in files if kind_of(path) == "experiment"]
    return [
        f"{shown(path)}: somebody will be asked: {question}"
        for path, experiment in experiments
        for question in questions_before(experiment, data)
    ]


def questions_before(experiment: Experiment, data: Path) -> Iterator[str]:
    """Yield what somebody will be asked before each film and anneal of an experiment, if all before it is done."""
    steps = list(_steps(experiment))
    for sample in experiment.arguments.get("spots") or (experiment.sample,):
        if sample is None or not steps:
            continue
        there = OnIt.of(data, sample) if data.exists() else OnIt(sample)
        for step in steps:
            if question := there.question(step):
                yield question
            if isinstance(step, Film):
                there = there.with_film(step)


def _steps(experiment: Experiment) -> Iterator[Film | Heat]:
    given: Mapping[str, Any] = {"recipe": experiment.recipe, **experiment.arguments}
    for recipe in (given.get(name) for name in STEPS.get(experiment.plan, ())):
        if isinstance(recipe, DepositionRecipe | EvaporationRecipe):
            yield Film(recipe.material, recipe.thickness)
        elif isinstance(recipe, FurnaceRecipe):
            yield Heat.of(recipe)
