"""An experiment file: a plan and what it is called with: sample, recipe, program, by name or written out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar, get_type_hints

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize
from devices.cycling.macros import Macro
from devices.errors import ConfigError, Mistake, ProgramError
from devices.quantities import STRICT, Unit
from devices.samples import SafeId, SampleRef
from labctl.config import programs, readers
from labctl.config.checking import Collected, nearest, validate
from labctl.config.documents import Document, named, quoted, read
from labctl.config.models import Compare, Experiment
from labctl.language.mistakes import each_of

T = TypeVar("T")

Voltages = tuple[Annotated[float, Field(gt=0, le=1000), Unit("V")], ...]
Spots = Annotated[tuple[SafeId, ...], Field(max_length=1000)]
Share = Annotated[float, Field(gt=0, lt=1), Unit("1")]
Powers = tuple[Annotated[float, Field(gt=0, le=2000), Unit("W")], ...]
Pressure = Annotated[float, Field(gt=0, le=1e5), Unit("Pa")]
Duration = Annotated[float, Field(gt=0, le=1e6), Unit("s")]

PLAIN = {
    "voltages": 'bank voltages, such as ["700 V", "800 V"]',
    "spots": "the ids of fresh spots on the sample, one for each voltage",
    "crystalline": 'the crystalline share to reach, such as "0.7"',
    "run": "the uid of the run to go on with, or its beginning",
    "powers": 'powers of the gun, such as ["80 W", "120 W"]',
    "chamber": 'the name of the chamber on the bench, such as "sputter"',
    "pressure": 'a pressure to be pumped to, such as "1e-4 Pa"',
    "duration": 'how long the chamber is closed off, such as "2 min"',
}
"""What some plans take beside sample, recipe and program, and what it is."""


RECIPES = ("recipe", "cathode", "electrolyte", "anode", "heat")
"""Keys of recipes: the one of a plan that takes one, and of one that makes a whole stack."""


class Find(Protocol):
    """Finds the file of a name."""

    def __call__(self, kind: str, name: str, *, file: str, key: str) -> Path:
        """Return the file; ConfigError, told of `key` in `file`, says which names exist."""


@dataclass(frozen=True, config=STRICT)
class _Experiment:
    name: SafeId
    plan: str
    sample: Any = None
    recipe: Any = None
    cathode: Any = None
    electrolyte: Any = None
    anode: Any = None
    heat: Any = None
    program: Any = None
    voltages: Voltages = ()
    spots: Spots = ()
    crystalline: Share | None = None
    run: Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]*$", max_length=64)] = ""
    powers: Powers = ()
    chamber: Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]{0,31})?$")] = ""
    pressure: Pressure | None = None
    duration: Duration | None = None
    compare: tuple[Compare, ...] = ()
    notes: Annotated[str, Field(max_length=100_000)] = ""
    operator: Annotated[str, Field(max_length=1000)] = ""


def experiment(path: Path, find: Find) -> Experiment:
    """Return the experiment in this file, the names in it looked up by `find`."""
    document = read(path)
    file = document.file
    collected = Collected()
    table = collected.attempt(_table, document, path.stem)
    body = document.body
    collected.mistakes += _plan_mistakes(body, file)
    sample = collected.attempt(_sample, body, path, file, find)
    recipes = {
        key: collected.attempt(_recipe, key, kinds, body, file, path.stem, find)
        for key, kinds in _recipe_kinds(body).items()
    }
    program = collected.attempt(_program, body, file, path.stem, find)
    if program is not None and sample is not None:
        collected.mistakes += _cell_mistakes(program, sample, file)
    collected.settle()
    assert table is not None
    given = {key: made for key, made in recipes.items() if made is not None}
    recipe = given.pop("recipe", None)
    arguments = {**given, **_arguments(table, sample, body)}
    return Experiment(
        name=table.name,
        plan=table.plan,
        sample=sample,
        recipe=recipe,
        program=program,
        compare=table.compare,
        notes=table.notes,
        operator=table.operator,
        config_hash=document.config_hash,
        arguments=arguments,
    )


def _arguments(table: _Experiment, sample: SampleRef | None, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plan takes beside sample, recipes and program; spots are samples cut from the sample."""
    given = {name: getattr(table, name) for name in PLAIN if name in body}
    if "spots" in given and sample is not None:
        given["spots"] = tuple(
            replace(sample, id=spot, parents=(sample.id,), cell_layers=()) for spot in table.spots
        )
    return given


def _table(document: Document, stem: str) -> _Experiment:
    return validate(_Experiment, named(document, stem), file=document.file)


def _sample(body: Mapping[str, Any], path: Path, file: str, find: Find) -> SampleRef | None:
    def inline(table: Mapping[str, Any]) -> SampleRef:
        return readers.described_sample(table, path, file=file, key="sample")

    return _resolved("sample", body, file, find, readers.sample, inline)


def _recipe_kinds(body: Mapping[str, Any]) -> dict[str, tuple[type[readers.Recipe], ...]]:
    """Return which recipes the experiment's plan takes, and of which kinds each may be."""
    # Plans bring bluesky along, which no other file needs.
    from labctl.plans import discover_plans

    plan = body.get("plan")
    found = discover_plans().get(plan) if isinstance(plan, str) else None
    return {} if found is None else recipes_of(found)


def recipes_of(plan: Callable[..., Any]) -> dict[str, tuple[type[readers.Recipe], ...]]:
    """Return the names of a plan's parameters that are recipes, and the kinds that each may be of."""
    hints = get_type_hints(plan)
    kinds = set(readers.RECIPES.values())
    found: dict[str, tuple[type[readers.Recipe], ...]] = {}
    for name in inspect.signature(plan).parameters:
        members = getattr(hints.get(name), "__args__", (hints.get(name),))
        if wanted := tuple(each for each in members if each in kinds):
            found[name] = wanted
    return found


def _recipe(
    key: str, kinds: Sequence[type[readers.Recipe]], body: Mapping[str, Any], file: str, name: str, find: Find
) -> readers.Recipe | None:
    """Return the recipe of one of these kinds that stands under a key, by its name or written out."""

    def inline(table: Mapping[str, Any]) -> readers.Recipe:
        return readers.written_out(kinds, table, name, file=file, key=key)

    def by_name(path: Path) -> readers.Recipe:
        return readers.recipe_of(kinds, path)

    return _resolved(key, body, file, find, by_name, inline, folder="recipe")


def _program(body: Mapping[str, Any], file: str, name: str, find: Find) -> Macro | None:
    def inline(table: Mapping[str, Any]) -> Macro:
        return programs.program_of({"name": name, **table}, file=file, key="program")

    return _resolved("program", body, file, find, programs.program, inline)


def _resolved(
    kind: str,
    body: Mapping[str, Any],
    file: str,
    find: Find,
    by_name: Callable[[Path], T],
    inline: Callable[[Mapping[str, Any]], T],
    folder: str = "",
) -> T | None:
    """Return the thing of that name or the one written out in the experiment; None when there is neither.

    folder: the kind of file that is looked for, where it is not called as the key is.
    """
    value = body.get(kind)
    if value is None:
        return None
    if isinstance(value, dict):
        return inline(value)
    if isinstance(value, str):
        return by_name(find(folder or kind, value, file=file, key=kind))
    reason = f"must be the name of a {folder or kind}, or a table"
    raise ConfigError([Mistake(file, kind, quoted(value), reason)])


def _plan_mistakes(body: Mapping[str, Any], file: str) -> list[Mistake]:
    """Say what the plan is called with and the experiment lacks, and the other way round."""
    # Plans bring bluesky along, which no other file needs.
    from labctl.plans import discover_plans

    plans, plan = discover_plans(), body.get("plan")
    if not isinstance(plan, str):
        return []
    if plan not in plans:
        return [
            Mistake(
                file,
                "plan",
                quoted(plan),
                f"no such plan{nearest(plan, plans)}; there are {', '.join(plans)}",
            )
        ]
    parameters = inspect.signature(plans[plan]).parameters
    mistakes, recipes = [], recipes_of(plans[plan])
    for kind in ("sample", *RECIPES, "program"):
        needed = kind in parameters and parameters[kind].default is inspect.Parameter.empty
        if needed and kind not in body:
            named = f"recipe ({readers.kinds_of(recipes[kind])})" if kind in recipes else kind
            reason = f"missing; the plan {quoted(plan)} needs the name of a {named}, or a table"
            mistakes.append(Mistake(file, kind, "", reason))
        if kind not in parameters and kind in body and not (kind == "sample" and "spots" in parameters):
            mistakes.append(Mistake(file, kind, "", f"the plan {quoted(plan)} takes no {kind}"))
    if "spots" in parameters and "sample" not in body:
        reason = f"missing; the plan {quoted(plan)} needs the sample that its spots are on"
        mistakes.append(Mistake(file, "sample", "", reason))
    mistakes += _plain_mistakes(body, parameters, plan, file)
    return mistakes


def _plain_mistakes(
    body: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], plan: str, file: str
) -> Iterator[Mistake]:
    """Yield what is missing of the plan's other arguments, what it does not take, and spots without a voltage."""
    for name, meaning in PLAIN.items():
        if name in parameters and not body.get(name) and parameters[name].default is inspect.Parameter.empty:
            yield Mistake(file, name, "", f"missing; the plan {quoted(plan)} needs {meaning}")
        if name not in parameters and name in body:
            yield Mistake(file, name, "", f"the plan {quoted(plan)} takes no {name}")
    each = "voltage" if "voltages" in parameters else "power"
    spots, steps = body.get("spots", ()), body.get(f"{each}s", ())
    both = "spots" in parameters and isinstance(spots, list) and isinstance(steps, list)
    if both and len({str(spot) for spot in spots}) != len(steps):
        reason = f"must be {len(steps)} different ids, one for each {each}"
        yield Mistake(file, "spots", quoted(spots), reason)


def _cell_mistakes(program: Macro, sample: SampleRef, file: str) -> list[Mistake]:
    """Say what is wrong with the currents that the macro asks of this very cell."""
    try:
        program.on(CellSize.of(sample))
    except (ProgramError, ValidationError) as error:
        where = f"on a cell of {sample.area:g} m^2: " if isinstance(error, ValidationError) else ""
        return [Mistake(file, "program", quoted(program.name), f"{where}{said}") for said in each_of(error)]
    return []
