"""What a furnace or a rapid thermal anneal will do, from the same kinetics as under the lamp."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from devices.recipes import FurnaceRecipe
from devices.roles.predictor import Prediction
from devices.samples import SampleRef
from labctl.predicting.anneal import (
    FITTED,
    PER_AREA_AND_THICKNESS,
    PREDICTED,
    Question,
    Row,
    answer,
    asked,
    below_of,
    celsius,
    damage_table,
    margin_of,
    stack_of,
    tell_basis,
    tell_sample,
    utilisation_rows,
)
from labctl.predicting.damage import judge
from sim.materials.substrates import SUBSTRATES
from sim.materials.thermal import FURNACE_POINTS, LCO_DECOMPOSES
from sim.physics.anneal.state import AnnealResult

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the film's thickness, from the surface down, at which the crystalline share is told."""


def predict_furnace(
    recipe_name: str, sample_name: str, bench: str, model: str, config_path: Path | None, data: Path | None
) -> None:
    """Print what a furnace's recipe will do to a sample, with the pulses it already had.

    Raises ConfigError for unknown names, InterlockError when no model knows the sample.
    """
    question = asked(sample_name, bench, model, config_path, data)
    tell_furnace(question, question.config.furnace(recipe_name))


def tell_furnace(question: Question, recipe: FurnaceRecipe) -> None:
    """Print the answer for one recipe of a furnace. Raises InterlockError as predict_furnace does."""
    limits, sample = question.config.limits(), question.sample
    prediction, result = question.believer.furnace(question.described, recipe)
    basis = FITTED if is_fitted(sample, recipe) else PREDICTED
    steps = "; ".join(f"{celsius(each.temperature)} for {each.duration:g} s" for each in recipe.segments)
    title = f"{recipe.name} on {sample.id}: {stack_of(sample)}\n{steps}, in {recipe.atmosphere}"
    tell_sample(question)
    question.console.print(answer(title, list(rows(sample, prediction, result, basis))))
    of_film = [term for term in judge(prediction.values, limits.damage) if term.name != "explosion_share"]
    question.console.print(damage_table(of_film, basis))
    tell_basis(question, basis)
    question.console.print(
        "The atmosphere is a note: no reaction with it or with the substrate is calculated."
    )


def is_fitted(sample: SampleRef, recipe: FurnaceRecipe) -> bool:
    """Return whether the kinetics were fitted to an anneal of this temperature and time on this substrate."""
    hottest = max(recipe.segments, key=lambda segment: segment.temperature)
    return below_of(sample) == "Al" and (hottest.temperature, hottest.duration) in FURNACE_POINTS


def rows(sample: SampleRef, prediction: Prediction, result: AnnealResult, basis: str) -> Iterator[Row]:
    """Yield what becomes of film and substrate; basis: whether the mean crystalline share was fitted."""
    values, below = prediction.values, below_of(sample)
    substrate, hottest = SUBSTRATES[below], values["surface_peak"]
    yield Row("hottest", celsius(hottest), margin_of(hottest, LCO_DECOMPOSES, "decomposes"), "as asked")
    yield Row(
        f"{below} at it",
        celsius(hottest),
        margin_of(hottest, substrate.bearable, substrate.beyond),
        "as asked",
    )
    yield Row("crystalline, mean", f"{result.mean:.1%}", "", basis)
    for share in DEPTHS:
        depth = share * float(result.width.sum())
        there = float(np.interp(depth, result.depth, result.crystalline))
        yield Row(f"crystalline, {depth * 1e6:.2f} um deep", f"{there:.1%}", "", PREDICTED)
    bound = values["crystalline_bound"] / PER_AREA_AND_THICKNESS
    yield Row("capacity bound", f"{bound:.1f} uAh/cm2/um", "never a cell's capacity", basis)
    yield from utilisation_rows(below)
