"""Whether an experiment's films are as thick as its sample's description says that they are meant to be."""

from __future__ import annotations

import math
from collections.abc import Iterator

from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.after_failure import FINISHES
from labctl.config.models import Experiment
from labctl.films.questions import STEPS

SDS = 3.0
"""Standard uncertainties of its description by which a film may be thicker or thinner; the usual bound."""
SAME = 0.05
"""The same of what a description gives no uncertainty of, relative; guess, a monitor without calibration is as good."""


def odd_films(experiment: Experiment) -> Iterator[str]:
    """Yield a line for each film that is to be of another thickness than its sample's description expects."""
    given = {"recipe": experiment.recipe, **experiment.arguments}
    names = ("recipe",) if experiment.plan in FINISHES.values() else STEPS.get(experiment.plan, ())
    made: dict[str, float] = {}
    for recipe in map(given.get, names):
        if isinstance(recipe, DepositionRecipe | EvaporationRecipe):
            made[recipe.material] = made.get(recipe.material, 0.0) + recipe.thickness
    for sample in dict.fromkeys(experiment.arguments.get("spots") or (experiment.sample,)):
        for material, thickness in made.items() if sample is not None else ():
            meant = [each for each in (*sample.grown, *sample.cell_layers) if each.material == material]
            expected = math.fsum(each.thickness for each in meant)
            sd = math.fsum(each.thickness_sd for each in meant)
            if meant and abs(thickness - expected) > max(SDS * sd, SAME * expected):
                yield (
                    f"{sample.id} is described with {expected * 1e6:.4g} um of {material} to come,"
                    f" {thickness * 1e6:.4g} um is to be put on it"
                )
