"""The keys of every kind of file, from the dataclasses that files become."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args, get_origin, get_type_hints

import pydantic_core
from pydantic.fields import FieldInfo

import devices.instruments
from devices.cycling.cells import Rate
from devices.limits import Limits
from devices.remote_table import RemoteTable
from devices.samples import SampleRef
from labctl.config import benches, experiments, telling
from labctl.config.benches import STATIONS, driver_of
from labctl.config.experiments import PLAIN
from labctl.config.fields import Field, field_at
from labctl.config.models import _ADDRESS_FORMS, Address, World
from labctl.config.programs import MACROS
from labctl.config.readers import RECIPES
from labctl.materials.kinds import FILES, NEEDED, Bounds, bounds_of
from labctl.night import listing
from labctl.serving import faults
from tables.markdown import code, first_paragraph, prose, said_of, table

TEXTS: Mapping[type, str] = {Rate: 'a rate, such as "50 uA", "50 uA/cm^2" or "C/10"'}
"""Classes that are a text in files."""


def keys_of(kind: type, seen: set[type], under: str = "") -> Iterator[str]:
    """Yield what a class says, its keys, and the same of every class in it that was not seen yet."""
    seen.add(kind)
    yield f"{said_of(kind)}\n"
    hints = get_type_hints(kind, include_extras=True)
    given = [each for each in dataclasses.fields(kind) if each.init and not each.name.startswith("_")]
    if given:
        yield table(("key", "what may stand there", "if left out"), [_key(kind, each) for each in given])
    for each in given:
        for inner in _classes(hints[each.name]):
            if inner not in seen:
                yield f"**{inner.__name__}** (in {code(f'{under}{each.name}')})\n"
                yield from keys_of(inner, seen, f"{under}{each.name}.")


def _key(kind: type, field: dataclasses.Field[Any]) -> tuple[str, str, str]:
    place = _place(kind, field.name)
    return code(field.name), prose(_allowed(kind, field.name, place)), _default(field, place.unit)


def _place(kind: type, *path: int | str) -> Field:
    found = field_at(kind, {}, path)
    if found is None:
        raise LookupError(f"{kind.__name__}: {path} is no place in a table")
    return found


def _allowed(kind: type, name: str, place: Field) -> str:
    hint = get_type_hints(kind, include_extras=True)[name]
    inner = " or ".join(dict.fromkeys(each.__name__ for each in _classes(hint)))
    stated = next((each for each in get_args(hint)[1:] if isinstance(each, Bounds)), None)
    if stated is not None:
        unit = "" if stated.unit == "1" else f" {stated.unit}"
        return f"a number with its source, {stated.low:g} to {stated.high:g}{unit}"
    text = next((said for kind, said in TEXTS.items() if _holds(hint, kind)), "")
    if text:
        return f"a list, each {text}" if get_origin(place.kind) is tuple else text
    if hint is Any:
        return "a name, or a table"
    if get_origin(place.kind) is dict:
        each = inner or _place(kind, name, "NAME").allowed()
        return f"a table by names, each {each}"
    if get_origin(place.kind) is tuple:
        return (
            f"a list of tables: {inner}"
            if inner
            else f"{place.allowed()}, each {_place(kind, name, 0).allowed()}"
        )
    return f"a table: {inner}" if inner else place.allowed()


def _default(field: dataclasses.Field[Any], unit: str) -> str:
    if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
        return "must be given"
    value = field.default if field.default is not dataclasses.MISSING else _made(field)
    value = value.default if isinstance(value, FieldInfo) else value
    if value in (None, "", (), {}, pydantic_core.PydanticUndefined):
        return ""
    if dataclasses.is_dataclass(value):
        return "what its own keys say"
    if isinstance(value, float):
        return code(f"{value:g}" if unit in ("", "1") else f"{value:g} {unit}")
    return code(json.dumps(value, default=str))


def _made(field: dataclasses.Field[Any]) -> object:
    assert not isinstance(field.default_factory, dataclasses._MISSING_TYPE)
    return field.default_factory()


def _classes(hint: Any) -> Iterator[type]:
    """Yield the dataclasses in an annotation that are tables in a file."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in TEXTS:
        yield hint
    for each in get_args(hint):
        yield from _classes(each)


def _holds(hint: Any, kind: type) -> bool:
    return hint is kind or any(_holds(each, kind) for each in get_args(hint))


def _page(kinds: Mapping[str, type]) -> str:
    seen: set[type] = set()
    parts = []
    for title, kind in kinds.items():
        parts.append(f"## {title}\n")
        parts.append(f"In Python: {code(f'{kind.__module__}.{kind.__name__}')}.\n")
        parts += keys_of(kind, seen)
    return "\n".join(parts)


def recipes() -> str:
    """Return the keys of recipes, by kind."""
    return _page({f'kind = "{name}"': kind for name, kind in RECIPES.items()})


def programs() -> str:
    """Return the keys of program files, by macro."""
    return _page({f'macro = "{name}"': kind for name, kind in MACROS.items()})


def samples() -> str:
    """Return the keys of a sample."""
    return "\n".join(keys_of(SampleRef, set()))


def limits() -> str:
    """Return the keys of limits.toml."""
    return "\n".join(keys_of(Limits, set()))


def experiment() -> str:
    """Return the keys of an experiment file."""
    said = [(code(name), prose(meaning)) for name, meaning in PLAIN.items()]
    keys = "\n".join(keys_of(experiments._Experiment, set()))
    return f"{keys}\nWhat some plans take beside sample, recipes and program:\n\n{table(('key', 'what it is'), said)}"


def night() -> str:
    """Return the keys of a night's list."""
    return "\n".join(keys_of(listing._Table, set()))


def told() -> str:
    """Return the keys of telling.toml."""
    return "\n".join(keys_of(telling.Telling, set()))


def fault_file() -> str:
    """Return the keys of a file of faults."""
    return "\n".join(keys_of(faults.PlannedFault, set()))


def tool() -> str:
    """Return the keys of the command table of a remote tool."""
    return "\n".join(keys_of(RemoteTable, set()))


def materials() -> str:
    """Return the keys of a material's file, by kind."""
    seen: set[type] = set()
    parts = []
    for kind, made in FILES.items():
        needed = ", ".join(code(each) for each in NEEDED[kind]) or "nothing else"
        parts += [f"## {kind}\n", *keys_of(made, seen), f"\nThe twins need: {needed}.\n"]
        assert bounds_of(kind) is not None
    return "\n".join(parts)


def bench() -> str:
    """Return the keys of a bench file, of every station and of every instrument."""
    seen: set[type] = {World}
    parts = ["## The file\n", *keys_of(benches._Bench, seen)]
    parts += ["\n## `[world]`\n", *keys_of(World, seen - {World}, "world.")]
    parts += [
        "\n## Addresses\n",
        f"{said_of(Address)}\n\nForms: {prose(_ADDRESS_FORMS)}.\n",
        "\n## Stations\n",
    ]
    for name, path in STATIONS.items():
        module, _, stem = path.rpartition(".")
        parts += _station(name, getattr(importlib.import_module(module), stem), seen)
    parts.append("\n## Instruments\n")
    for stem in sorted(each.name for each in pkgutil.iter_modules(devices.instruments.__path__)):
        parts += _instrument(stem, driver_of(stem, "docs", stem), seen)
    return "\n".join(parts)


def _station(name: str, station: Any, seen: set[type]) -> Iterator[str]:
    yield f"\n### {name}\n"
    yield f"{first_paragraph(station.__doc__ or '')}\n"
    optional = ", ".join(code(part) for part in getattr(station, "optional_parts", ()))
    yield f"Parts: {', '.join(code(part) for part in station.parts)}{'; if there: ' + optional if optional else ''}.\n"
    yield from _parameters(station, seen)


def _instrument(stem: str, driver: type, seen: set[type]) -> Iterator[str]:
    yield f"\n### {stem}\n"
    module = inspect.getmodule(driver)
    yield f"{first_paragraph((module and module.__doc__) or '')}\n"
    yield f"{said_of(driver)}\n"
    yield from _parameters(driver, seen)


def _parameters(owner: Any, seen: set[type]) -> Iterator[str]:
    parameters = getattr(owner, "Parameters", None)
    if parameters is not None:
        yield from keys_of(parameters, seen)


MADE: Mapping[str, Callable[[], str]] = {
    "recipes": recipes,
    "programs": programs,
    "samples": samples,
    "limits": limits,
    "experiment": experiment,
    "night": night,
    "telling": told,
    "faults": fault_file,
    "tool": tool,
    "materials": materials,
    "bench": bench,
}
