"""What an experiment does in its chambers and furnaces, one after the other: films, targets that only burn, anneals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from devices.recipes import FurnaceRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.models import AnyRecipe, Experiment
from labctl.films.questions import STEPS

Burns = Literal["film", "presputter", "until_calm"]
"""What a recipe's targets burn for: its film, or behind the closed shutter only."""

BURNING: Mapping[str, Burns] = {"pre_sputter": "presputter", "condition_target": "until_calm"}
"""Plans that make no film of their recipe."""


@dataclass(frozen=True)
class FilmStep:
    """One recipe that is carried out."""

    recipe: AnyRecipe
    burns: Burns = "film"


def film_steps(experiment: Experiment) -> list[FilmStep]:
    """Return what an experiment does with recipes for films and furnaces, in order; a calibration's films all."""
    burns = BURNING.get(experiment.plan, "film")
    return [
        FilmStep(each, burns)
        for each in _recipes(experiment)
        if isinstance(each, DepositionRecipe | EvaporationRecipe | FurnaceRecipe)
    ]


def _recipes(experiment: Experiment) -> Iterator[Any]:
    given = {"recipe": experiment.recipe, **experiment.arguments}
    if experiment.plan == "calibrate_rate" and isinstance(experiment.recipe, DepositionRecipe):
        # Brings bluesky along, which no other experiment's check needs.
        from plans.calibrate_rate import at_power

        yield from (at_power(experiment.recipe, power) for power in given.get("powers", ()))
    elif experiment.plan == "calibrate_tooling":
        yield from (experiment.recipe for _ in given.get("spots", ()))
    else:
        yield from (given.get(name) for name in STEPS.get(experiment.plan, tuple(given)))
