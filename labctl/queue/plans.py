"""Plans as a queue can hold them: samples, recipes, programs by name, devices by name, the rest as JSON has it."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bluesky.utils import MsgGenerator

from devices.base import Station
from devices.errors import ConfigError
from devices.recipes import canonical_hash
from labctl.config.experiments import recipes_of
from labctl.config.folder import Config
from labctl.config.models import Experiment
from labctl.config.readers import RECIPES, Recipe, recipe_of
from labctl.plans import discover_plans
from labctl.queue.begun import BegunWork, Work
from labctl.session import Session

log = logging.getLogger(__name__)

ROLES = ("FlashLamp", "Potentiostat", "SputterSystem", "Evaporator", "Furnace")
"""Annotations of plans that stand for a device of that role."""

NAMED: Mapping[str, tuple[str, str]] = {
    "SampleRef": ("sample", "Name of a sample of the configuration."),
    "AnnealRecipe": ("recipe", "Name of an anneal recipe of the configuration."),
    "DepositionRecipe": ("sputter", "Name of a sputter system's recipe of the configuration."),
    "EvaporationRecipe": ("evaporate", "Name of an evaporator's recipe of the configuration."),
    "FurnaceRecipe": ("furnace", "Name of a furnace's recipe of the configuration."),
    "AnnealRecipe | FurnaceRecipe": (
        "heat",
        "Name of an anneal's or a furnace's recipe of the configuration.",
    ),
    "Program": ("program", "Name of a cycling program of the configuration."),
}
"""Annotations that stand for a file of the configuration: its kind, and what is said of it."""

OF_THE_SESSION = frozenset({"Hands", "TrainRecords", "LampCalibration", "FilmCalibration", "FilmRecords"})
"""Annotations of what the session itself gives a plan."""

JSON: Mapping[str, Any] = {"Sequence[float]": list[float], "float": float, "str": str}
"""Annotations that JSON can hold as they are, in SI units."""

SPOTS = "Sequence[SampleRef]"
CHAMBER, CHAMBERS = "Depositing", ("SputterSystem", "Evaporator")
"""The annotation of any chamber, and the roles that are one."""

MEANINGS: Mapping[str, str] = {
    "voltages": "Bank voltages [V].",
    "spots": "Ids of fresh spots on the sample, one for each voltage.",
    "crystalline": "The crystalline share to reach [1], between 0 and 1.",
    "run": "The uid of the run to go on with, or its beginning.",
    "powers": "Powers of the gun [W].",
    "pressure": "A pressure to be pumped to [Pa].",
    "duration": "How long a chamber is closed off [s].",
}
"""What plans take beside devices and names; a parameter that stands not here is not offered."""

AGAIN = "Why the same is done once more although an earlier try broke off; empty otherwise."
RUN = "run_experiment"


@dataclass(frozen=True)
class Argument:
    """One argument of a plan in the queue: what it is, of which type, which names it can be, whether of devices."""

    name: str
    meaning: str
    kind: Any = str
    names: tuple[str, ...] = ()
    is_device: bool = False
    optional: bool = False


def queue_plans(lab: Session, config: Config) -> dict[str, Callable[..., MsgGenerator[Any]]]:
    """Return every plan that a queue can hold, by name, for queueserver to find in its namespace."""
    begun, names = BegunWork(lab.data), _names(config)
    found = {}
    for plan, function in discover_plans().items():
        arguments = arguments_of(function, names, lab.devices)
        if arguments is not None and not plan.startswith("_"):
            found[plan] = _Queued(lab, config, begun, plan).offered(
                arguments, inspect.getdoc(function) or plan
            )
    experiment = Argument(
        "experiment", "Name of an experiment of the configuration.", names=names["experiment"]
    )
    words = "Run an experiment of the configuration by its name."
    found[RUN] = _Queued(lab, config, begun, RUN).offered([experiment], words)
    return found


def arguments_of(
    function: Callable[..., Any], names: Mapping[str, tuple[str, ...]], devices: Mapping[str, Any]
) -> list[Argument] | None:
    """Return what a plan takes in the queue; None when that is more than JSON holds, or this bench lacks a device."""
    found: list[Argument] = []
    parameters = inspect.signature(function).parameters
    if "md" not in parameters:
        return None
    for parameter in parameters.values():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY or parameter.annotation in OF_THE_SESSION:
            continue
        if parameter.default is None:
            # A stack without the oven: who wants it there names an experiment. Lamp or furnace go by a line's recipe.
            continue
        made = list(_arguments(parameter.name, str(parameter.annotation), names, devices))
        if not made:
            return None
        found += made
    return found


def _arguments(
    name: str, annotation: str, names: Mapping[str, tuple[str, ...]], devices: Mapping[str, Any]
) -> Iterator[Argument]:
    """Yield the arguments that a parameter of a plan becomes; none when the queue cannot have it."""
    if annotation in ROLES or annotation == CHAMBER:
        roles = CHAMBERS if annotation == CHAMBER else (annotation,)
        fitting = tuple(each for each, device in devices.items() if _role(device) in roles)
        if fitting:
            yield Argument(name, "Name of the device.", names=fitting, is_device=True)
    elif annotation in NAMED:
        kind, meaning = NAMED[annotation]
        yield Argument(name, meaning, names=names[kind])
    elif annotation == SPOTS and name in MEANINGS:
        yield Argument("sample", "Name of the sample that the spots are on.", names=names["sample"])
        yield Argument(name, MEANINGS[name], list[str])
    elif annotation in JSON and name in MEANINGS:
        yield Argument(name, MEANINGS[name], JSON[annotation])


def _role(device: Any) -> str:
    return device.role if isinstance(device, Station) else ""


def _names(config: Config) -> dict[str, tuple[str, ...]]:
    """Return the names that can be submitted, by kind; a file with mistakes is left out and told of."""
    readers: dict[str, Callable[[str], object]] = {
        "sample": config.sample,
        "recipe": config.recipe,
        "program": config.program,
        "experiment": config.experiment,
    }
    recipes: dict[str, Callable[[str], object]] = {
        kind: partial(_recipe, config, (made,)) for kind, made in RECIPES.items() if kind != "flash"
    }
    found = {kind: tuple(_readable(config, kind, read)) for kind, read in readers.items()}
    found |= {kind: tuple(_readable(config, "recipe", read)) for kind, read in recipes.items()}
    return {**found, "heat": (*found["recipe"], *found["furnace"])}


def _recipe(config: Config, kinds: Sequence[type[Recipe]], name: str) -> Recipe:
    return recipe_of(kinds, config.path("recipe", name))


def _readable(config: Config, kind: str, read: Callable[[str], object]) -> Iterator[str]:
    for name in config.names(kind):
        try:
            read(name)
        except ConfigError as error:
            # A recipe of another station is among them.
            log.debug("the queue does not offer the %s %s: %s", kind, name, error)
        else:
            yield name


class _Queued:
    """One plan of the queue."""

    def __init__(self, lab: Session, config: Config, begun: BegunWork, plan: str) -> None:
        self._lab, self._config, self._begun, self._plan = lab, config, begun, plan

    def offered(self, arguments: Sequence[Argument], words: str) -> Callable[..., MsgGenerator[Any]]:
        """Return it as a function whose signature, annotation and docstring queueserver reads."""
        arguments = [*arguments, Argument("again", AGAIN, optional=True)]
        signature = inspect.Signature([_parameter(each) for each in arguments])

        def plan(*args: Any, **kwargs: Any) -> MsgGenerator[Any]:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return (yield from self._once(bound.arguments))

        described: Any = plan
        described.__name__ = described.__qualname__ = self._plan
        described.__signature__ = signature
        described.__doc__ = _docstring(words, arguments)
        described._custom_parameter_annotation_ = {"parameters": dict(_annotations(arguments))}
        return plan

    def _once(self, given: Mapping[str, Any]) -> MsgGenerator[Any]:
        told = {name: getattr(value, "name", value) for name, value in given.items()}
        experiment = self._experiment({name: value for name, value in given.items() if name != "again"}, told)
        work = Work(self._plan, told)
        attempt = self._begun.begin(work)
        # All its runs carry the uid of the attempt: by it they are found when it breaks off.
        plan = self._lab.plan_of(experiment, {"experiment": attempt, "queue": work.body})
        result = yield from plan
        self._begun.finish(work, attempt)
        return result

    def _experiment(self, given: Mapping[str, Any], told: Mapping[str, Any]) -> Experiment:
        """Return what was submitted as an experiment, its names resolved now. Raises ConfigError."""
        if self._plan == RUN:
            return self._config.experiment(given["experiment"])
        sample = self._config.sample(given["sample"]) if "sample" in given else None
        kinds = recipes_of(discover_plans()[self._plan])
        others = {name: value for name, value in given.items() if name not in ("sample", "recipe", "program")}
        for name in kinds.keys() & others.keys():
            others[name] = _recipe(self._config, kinds[name], others[name])
        if "chamber" in others:
            others["chamber"] = getattr(others["chamber"], "name", others["chamber"])
        if "spots" in others and sample is not None:
            others["spots"] = tuple(
                replace(sample, id=spot, parents=(sample.id,), cell_layers=()) for spot in given["spots"]
            )
        return Experiment(
            name=self._plan,
            plan=self._plan,
            sample=sample,
            recipe=_recipe(self._config, kinds["recipe"], given["recipe"]) if "recipe" in given else None,
            program=self._config.program(given["program"]) if "program" in given else None,
            compare=(),
            notes="",
            operator="",
            config_hash=canonical_hash({"plan": self._plan, "arguments": dict(told)}),
            arguments=others,
        )


def _parameter(argument: Argument) -> inspect.Parameter:
    # Devices have no annotation here: queueserver takes theirs from the names it may be.
    annotation = inspect.Parameter.empty if argument.is_device else argument.kind
    default = "" if argument.optional else inspect.Parameter.empty
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(argument.name, kind, annotation=annotation, default=default)


def _annotations(arguments: Sequence[Argument]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what queueserver checks a submitted argument by, where it is more than a type."""
    for argument in arguments:
        if argument.names:
            group = argument.name.capitalize()
            there = {"devices" if argument.is_device else "enums": {group: list(argument.names)}}
            yield argument.name, {"annotation": group, **there}


def _docstring(words: str, arguments: Sequence[Argument]) -> str:
    lines = [words, "", "Parameters", "----------"]
    for argument in arguments:
        lines += [argument.name, f"    {argument.meaning}"]
    return "\n".join(lines)
