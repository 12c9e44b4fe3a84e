"""An experiment file: a plan and what it is called with: sample, recipe, program, by name or written out."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field, ValidationError
from pydantic.dataclasses import dataclass

from devices.cycling.cells import CellSize
from devices.cycling.macros import Macro
from devices.errors import ConfigError, Mistake, ProgramError
from devices.quantities import STRICT, Unit
from devices.recipes import AnnealRecipe
from devices.samples import SafeId, SampleRef
from labctl.config import readers
from labctl.config.checking import Collected, nearest, validate
from labctl.config.documents import Document, quoted, read
from labctl.config.models import Compare, Experiment
from labctl.language.mistakes import each_of

T = TypeVar("T")

Voltages = tuple[Annotated[float, Field(gt=0, le=1000), Unit("V")], ...]
Spots = Annotated[tuple[SafeId, ...], Field(max_length=1000)]
Share = Annotated[float, Field(gt=0, lt=1), Unit("1")]

PLAIN = {
    "voltages": 'bank voltages, such as ["700 V", "800 V"]',
    "spots": "the ids of fresh spots on the sample, one for each voltage",
    "crystalline": 'the crystalline share to reach, such as "0.7"',
    "run": "the uid of the run to go on with, or its beginning",
}
"""What some plans take beside sample, recipe and program, and what it is."""


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
    program: Any = None
    voltages: Voltages = ()
    spots: Spots = ()
    crystalline: Share | None = None
    run: Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]*$", max_length=64)] = ""
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
    sample = collected.attempt(_sample, body, file, find)
    recipe = collected.attempt(_recipe, body, file, path.stem, find)
    program = collected.attempt(_program, body, file, path.stem, find)
    if program is not None and sample is not None:
        collected.mistakes += _cell_mistakes(program, sample, file)
    collected.settle()
    assert table is not None
    assert sample is not None
    arguments = _arguments(table, sample, body)
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


def _arguments(table: _Experiment, sample: SampleRef, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plan takes beside sample, recipe and program; spots are samples cut from the sample."""
    given = {name: getattr(table, name) for name in PLAIN if name in body}
    if "spots" in given:
        given["spots"] = tuple(
            replace(sample, id=spot, parents=(sample.id,), cell_layers=()) for spot in table.spots
        )
    return given


def _table(document: Document, stem: str) -> _Experiment:
    return validate(_Experiment, readers.named(document, stem), file=document.file)


def _sample(body: Mapping[str, Any], file: str, find: Find) -> SampleRef | None:
    def inline(table: Mapping[str, Any]) -> SampleRef:
        return validate(SampleRef, table, file=file, key="sample")

    return _resolved("sample", body, file, find, readers.sample, inline)


def _recipe(body: Mapping[str, Any], file: str, name: str, find: Find) -> AnnealRecipe | None:
    def inline(table: Mapping[str, Any]) -> AnnealRecipe:
        return validate(AnnealRecipe, {"name": name, **table}, file=file, key="recipe")

    return _resolved("recipe", body, file, find, readers.recipe, inline)


def _program(body: Mapping[str, Any], file: str, name: str, find: Find) -> Macro | None:
    def inline(table: Mapping[str, Any]) -> Macro:
        return readers.program_of({"name": name, **table}, file=file, key="program")

    return _resolved("program", body, file, find, readers.program, inline)


def _resolved(
    kind: str,
    body: Mapping[str, Any],
    file: str,
    find: Find,
    by_name: Callable[[Path], T],
    inline: Callable[[Mapping[str, Any]], T],
) -> T | None:
    """Return the thing of that name or the one written out in the experiment; None when there is neither."""
    value = body.get(kind)
    if value is None:
        return None
    if isinstance(value, dict):
        return inline(value)
    if isinstance(value, str):
        return by_name(find(kind, value, file=file, key=kind))
    raise ConfigError([Mistake(file, kind, quoted(value), f"must be the name of a {kind}, or a table")])


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
    mistakes = []
    for kind in ("sample", "recipe", "program"):
        needed = kind in parameters and parameters[kind].default is inspect.Parameter.empty
        if needed and kind not in body:
            reason = f"missing; the plan {quoted(plan)} needs the name of a {kind}, or a table"
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
        if name in parameters and not body.get(name):
            yield Mistake(file, name, "", f"missing; the plan {quoted(plan)} needs {meaning}")
        if name not in parameters and name in body:
            yield Mistake(file, name, "", f"the plan {quoted(plan)} takes no {name}")
    spots, voltages = body.get("spots", ()), body.get("voltages", ())
    both = "spots" in parameters and isinstance(spots, list) and isinstance(voltages, list)
    if both and len({str(each) for each in spots}) != len(voltages):
        reason = f"must be {len(voltages)} different ids, one for each voltage"
        yield Mistake(file, "spots", quoted(spots), reason)


def _cell_mistakes(program: Macro, sample: SampleRef, file: str) -> list[Mistake]:
    """Say what is wrong with the currents that the macro asks of this very cell."""
    try:
        program.on(CellSize.of(sample))
    except (ProgramError, ValidationError) as error:
        where = f"on a cell of {sample.area:g} m^2: " if isinstance(error, ValidationError) else ""
        return [Mistake(file, "program", quoted(program.name), f"{where}{said}") for said in each_of(error)]
    return []
