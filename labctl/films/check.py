"""What `labctl check` says of recipes for films and furnaces: how long, how worn the targets, gas, rows, disk, and what
would be refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, DataError, InterlockError, LabError
from devices.limits import Limits
from devices.recipes import FurnaceRecipe
from devices.sputter.guns import Wear
from devices.sputter.makings import require_reachable
from devices.sputter.parameters import SputterParameters
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.after_failure import FINISHES
from labctl.config import readers
from labctl.config.check import kind_of
from labctl.config.documents import shown
from labctl.config.folder import Config
from labctl.config.models import AnyRecipe, BenchFile, StationEntry
from labctl.films.answers import answer_to
from labctl.films.journals import FilmJournals
from labctl.films.questions import refusals_before
from labctl.films.rates import FilmRates
from labctl.films.steps import FilmStep, film_steps
from labctl.program_check import Told
from labctl.rehearsing.work import clock_time
from labctl.state import last_said, state_path
from labctl.wiring import is_twin

ROLE_OF: Mapping[type, str] = {
    DepositionRecipe: "SputterSystem",
    EvaporationRecipe: "Evaporator",
    FurnaceRecipe: "Furnace",
}


def tell_films(
    files: Sequence[Path], *, config: Path | None = None, bench: str = "", data: Path | None = None
) -> Iterator[Told]:
    """Yield what there is to say of each recipe for a film or a furnace, in an experiment too.

    bench: on whose machines; the first of the configuration that has such a machine if empty. data: whose calibrated
    rates and worn targets count; what the bench file says where there is none.
    """
    folder = Config(config)
    limits = folder.limits()
    known: dict[str, FilmRates] = {}
    for path in files:
        yield from _pumped(path, folder, limits)
        yield from _too_hot(path, folder, data)
        duration, spent = 0.0, dict[str, float]()
        try:
            steps = _steps(path, folder, data)
        except (DataError, InterlockError) as error:
            yield Told((f"{shown(path)}: would be refused: {error}",), True)
            continue
        for step in steps:
            recipe = step.recipe
            found = machine_of(ROLE_OF[type(recipe)], folder, bench)
            if found is None:
                yield Told((f"{recipe.name}: no bench has a machine for it",), False)
                continue
            name, built, on = found
            rates = None if data is None else known.setdefault(on.name, FilmRates(data, on))
            if isinstance(built, SputterParameters):
                if data is not None:
                    built = believed_built(built, name, on, data)
                built = _worn_by(built, spent)
            answer = answer_to(step, name, built, on, limits, rates)
            duration += answer.duration
            for gun, energy in answer.energies.items():
                spent[gun] = spent.get(gun, 0.0) + energy
            yield answer.told(f"{recipe.name} on {name} of bench {on.name}")
        if len(steps) > 1 and duration:
            said = f"films and bakes, all {len(steps)} together: {clock_time(duration)}"
            yield Told((f"{said}, without pumping and carrying",), False)


def believed_built(built: SputterParameters, name: str, bench: BenchFile, data: Path) -> SputterParameters:
    """Return how a machine is built, its targets as worn as it last said."""
    entry = bench.devices[name]
    assert isinstance(entry, StationEntry)
    said = last_said(state_path(data, name, bench.name, twin=is_twin(entry)))
    if said is None:
        return built
    wear = Wear(built.targets)
    wear.recalled((said.report.get("kept") or {}).get("wear") or {})
    return replace(
        built, targets={gun: replace(each, worn=wear.of(gun)) for gun, each in built.targets.items()}
    )


def _worn_by(built: SputterParameters, spent: Mapping[str, float]) -> SputterParameters:
    """Return how a machine is built, the target of each gun worn by some more [J]."""
    targets = {
        gun: replace(each, worn=each.worn + spent.get(gun, 0.0)) for gun, each in built.targets.items()
    }
    return replace(built, targets=targets)


def _pumped(path: Path, folder: Config, limits: Limits) -> Iterator[Told]:
    """Yield what there is to say of an experiment that pumps a chamber to a pressure of its own."""
    given = folder.experiment(path).arguments if kind_of(path) == "experiment" else {}
    if not {"chamber", "pressure"} <= given.keys():
        return
    pressure, chamber = given["pressure"], given["chamber"]
    lines = [
        f"{chamber} is pumped to {pressure:g} Pa: in {clock_time(limits.sputter.pump_time)}, or it is given up"
    ]
    try:
        require_reachable(chamber, pressure, limits.sputter)
    except LabError as error:
        lines.append(f"  would be refused: {error}")
    yield Told(tuple(lines), len(lines) > 1)


def _too_hot(path: Path, folder: Config, data: Path | None) -> Iterator[Told]:
    """Yield why the heat of an experiment would be refused for what lies on its sample."""
    if data is not None and kind_of(path) == "experiment":
        for said in refusals_before(folder.experiment(path), data):
            yield Told((f"{shown(path)}: would be refused: {said}",), True)


def _steps(path: Path, folder: Config, data: Path | None) -> list[FilmStep]:
    """Return what is done, of a film that is gone on with the rest."""
    kind = kind_of(path)
    if kind == "experiment":
        experiment = folder.experiment(path)
        steps, sample = film_steps(experiment), experiment.sample
        if experiment.plan not in FINISHES.values() or data is None or sample is None:
            return steps
        # Brings bluesky along, which no other experiment's check needs.
        from plans.finish_deposition import rest_of

        run, journals = str(experiment.arguments.get("run")), FilmJournals(data)
        return [
            replace(step, recipe=rest_of(journals.so_far(run, sample, step.recipe), sample, step.recipe))
            for step in steps
            if isinstance(step.recipe, DepositionRecipe | EvaporationRecipe)
        ]
    recipe = readers.any_recipe(path) if kind == "recipe" else None
    return [FilmStep(recipe)] if recipe is not None and type(recipe) in ROLE_OF else []


def machine_of(role: str, folder: Config, bench: str) -> tuple[str, Any, BenchFile] | None:
    """Return a machine of a role: its name, how it is built, its bench; of the first bench with one for ""."""
    for name in [bench] if bench else folder.names("bench"):
        try:
            chosen = folder.bench(name)
        except ConfigError:
            if bench:
                raise
            continue
        for device, entry in chosen.devices.items():
            if isinstance(entry, StationEntry) and entry.station_class.role == role:  # type: ignore[attr-defined]
                return device, entry.parameters, chosen
    return None


def told_of(
    recipe: AnyRecipe, name: str, built: Any, bench: BenchFile, limits: Limits, rates: FilmRates | None
) -> Told:
    """Return what there is to say of one recipe on a machine of this name, built so, of a bench.

    rates: by calibration; None where only the bench file counts.
    """
    answer = answer_to(FilmStep(recipe), name, built, bench, limits, rates)
    return answer.told(f"{recipe.name} on {name} of bench {bench.name}")
