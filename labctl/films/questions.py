"""What a person will be asked before an experiment's films and anneals, by what lies on its samples now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from devices.errors import DataError
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.roles.hands import Film, Heat
from devices.samples import SampleRef, doubts_about
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.after_failure import FINISHES
from labctl.config.check import kind_of
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.films.journals import FilmJournals
from labctl.films.places import PLACE_OF
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from labctl.samples.next_step import OnIt

STEPS: Mapping[str, tuple[str, ...]] = {
    "deposit": ("recipe",),
    "evaporate": ("recipe",),
    "bake": ("recipe",),
    "calibrate_rate": ("recipe",),
    "calibrate_tooling": ("recipe",),
    "full_stack": ("cathode", "heat", "electrolyte", "anode"),
    "line": ("cathode", "recipe", "electrolyte", "anode"),
    "anneal": ("recipe",),
    "anneal_then_cycle": ("recipe",),
}
"""Of each plan what it does to its sample, or to each of its spots, in this order; plans that go on with a film ask by
themselves."""
CYCLER = "potentiostat"


def film_questions(files: Sequence[Path], folder: Config, data: Path) -> list[str]:
    """Return what somebody will be asked before the experiments among files: a line each."""
    experiments = [(path, folder.experiment(path)) for path in files if kind_of(path) == "experiment"]
    return [
        f"{shown(path)}: somebody will be asked: {question}"
        for path, experiment in experiments
        for question in questions_before(experiment, data)
    ]


def questions_before(experiment: Experiment, data: Path) -> Iterator[str]:
    """Yield what somebody will be asked before each film and anneal of an experiment, if all before it is done.

    A doubtful film is asked about wherever its sample is brought, here once; what a person agreed to already, at the
    place where it would be asked, is left out.
    """
    for sample in _samples(experiment):
        if data.exists():
            yield from _of_what_is_there(experiment, sample, data)
        for place, step, there in _ahead(experiment, sample, data):
            question = "" if isinstance(step, AnnealRecipe) else there.question(step)
            if question and not _is_agreed(data, sample, place, question):
                yield question


def refusals_before(experiment: Experiment, data: Path) -> Iterator[str]:
    """Yield why heat of an experiment will be refused, whoever agrees, if all before it is done."""
    for sample in _samples(experiment):
        for _, step, there in _ahead(experiment, sample, data):
            if refused := there.refusal(step):
                yield refused


def _samples(experiment: Experiment) -> list[SampleRef]:
    """Return the samples of an experiment: its spots where it has some."""
    return [each for each in experiment.arguments.get("spots") or (experiment.sample,) if each is not None]


def _ahead(
    experiment: Experiment, sample: SampleRef, data: Path
) -> Iterator[tuple[str, Film | Heat | AnnealRecipe, OnIt]]:
    """Yield at which station what is done to a sample, and what will lie on it by then."""
    there = OnIt.of(data, sample) if data.exists() else OnIt(sample)
    for place, step in _steps(experiment):
        yield place, step, there
        if isinstance(step, Film):
            there = there.with_film(step)


def _of_what_is_there(experiment: Experiment, sample: SampleRef, data: Path) -> Iterator[str]:
    """Yield what is asked of a film that broke off, where the rest of it is to be put on, and of doubtful ones."""
    run, recipe, goes_on = experiment.arguments.get("run"), experiment.recipe, ""
    if experiment.plan in FINISHES.values() and isinstance(recipe, DepositionRecipe | EvaporationRecipe):
        # Brings bluesky along, which no other experiment's check needs.
        from plans.finish_deposition import question_to_finish

        with suppress(DataError):
            yield question_to_finish(recipe, FilmJournals(data).so_far(str(run), sample, recipe))
            goes_on = recipe.material
    doubts = doubts_about(believed(data, sample).sample, goes_on)
    if doubts and not all(_is_agreed(data, sample, place, doubts) for place in _places(experiment)):
        yield doubts


def _places(experiment: Experiment) -> list[str]:
    """Return the stations to which an experiment brings its sample."""
    given = (experiment.recipe, *experiment.arguments.values())
    found = [place for each in given for kind, place in PLACE_OF.items() if isinstance(each, kind)]
    return [*dict.fromkeys(found), *([CYCLER] if experiment.program is not None or not found else [])]


def _is_agreed(data: Path, sample: SampleRef, place: str, question: str) -> bool:
    """Return whether a person agreed to that question at that station; all that are not known by name are cyclers."""
    known = PLACE_OF.values()
    return any(
        (fact["fact"], fact.get("question")) == ("confirmed", question)
        and (at == place or (place == CYCLER and at not in known))
        for fact in Facts(data).of(sample.id)
        for at in [str(fact.get("place", "")).partition("/")[0]]
    )


def _steps(experiment: Experiment) -> Iterator[tuple[str, Film | Heat | AnnealRecipe]]:
    """Yield what is done to the sample, and at which station."""
    given: Mapping[str, Any] = {"recipe": experiment.recipe, **experiment.arguments}
    for recipe in (given.get(name) for name in STEPS.get(experiment.plan, ())):
        if isinstance(recipe, DepositionRecipe | EvaporationRecipe):
            yield PLACE_OF[type(recipe)], Film(recipe.material, recipe.thickness)
        elif isinstance(recipe, FurnaceRecipe):
            yield PLACE_OF[FurnaceRecipe], Heat.of(recipe)
        elif isinstance(recipe, AnnealRecipe):
            yield PLACE_OF[AnnealRecipe], recipe
