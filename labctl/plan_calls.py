"""A plan called by hand, looked at before it is made: a program's file becomes a program on its cell, what cannot be
meant is refused in words. Plans themselves look at little: an experiment gives them what they take.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devices.base import Station
from devices.cycling.programs import Program
from devices.samples import SampleRef
from labctl.mistyped import Mistyped
from labctl.runs.making import made_by
from labctl.samples.believed import believed

SHELVES: Mapping[str, str] = {
    "SampleRef": "samples",
    "AnnealRecipe": "recipes",
    "FurnaceRecipe": "recipes",
    "DepositionRecipe": "recipes",
    "EvaporationRecipe": "recipes",
    "SheetRecipe": "recipes",
    "Program": "programs",
}
"""Where what is annotated so stands at the prompt, by the name of its file."""

KINDS: Mapping[str, str] = {
    "SampleRef": "a sample",
    "AnnealRecipe": "a recipe of flashes",
    "FurnaceRecipe": "a furnace's recipe",
    "DepositionRecipe": "a recipe of sputtering",
    "EvaporationRecipe": "a recipe of evaporation",
    "SheetRecipe": "a recipe of a sheet's map",
}
"""What such a thing is called; of a program there are many kinds."""

ROLES = frozenset({"FlashLamp", "Potentiostat", "SputterSystem", "Evaporator", "Furnace"})
"""Annotations for which only a station of that role will do."""


def as_meant(
    plan: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], data: Path
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a plan is to be called with for what was typed.

    A program as its file says it, which takes a cell to be one, becomes the program on the sample's cell. Raises
    Mistyped for the name of a file where the file is meant, for what stands in a file of another kind, and for a
    station of another role.
    """
    try:
        given = inspect.signature(plan).bind(*args, **kwargs)
    except TypeError:
        # The plan's own refusal names it, and what is missing.
        return args, dict(kwargs)
    for name, value in given.arguments.items():
        annotation = plan.__annotations__.get(name, "")
        meant = getattr(annotation, "__name__", str(annotation)).split(" | ")
        _expect(plan.__name__, name, meant, value)
    sample, program = given.arguments.get("sample"), given.arguments.get("program")
    if isinstance(sample, SampleRef) and program is not None and not isinstance(program, Program):
        given.arguments["program"] = program.on(believed(data, sample).cell)
    return given.args, given.kwargs


def with_inputs(
    plan: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], data: Path
) -> dict[str, Any]:
    """Return keywords whose md names the runs that made the plan's sample, unless its caller named some."""
    try:
        given = inspect.signature(plan).bind(*args, **kwargs).arguments
    except TypeError:
        return dict(kwargs)
    sample, md = given.get("sample"), kwargs.get("md") or {}
    if not isinstance(sample, SampleRef) or "md" not in plan.__annotations__ or "inputs" in md:
        return dict(kwargs)
    made = made_by(data, sample.id, sample.parents)
    return {**kwargs, "md": {"inputs": made, **md}} if made else dict(kwargs)


def _expect(plan: str, name: str, meant: Sequence[str], value: Any) -> None:
    """Raise Mistyped where a value is none of what is meant, the annotation of a parameter or the parts of a union."""
    shelf = SHELVES.get(meant[0])
    if shelf is not None and isinstance(value, str):
        raise Mistyped(
            f"{plan}: {name} = {value!r} is the name of a file, and what stands in it is expected: "
            f'{shelf}["{value}"]; nothing was begun'
        )
    kind = KINDS.get(type(value).__name__)
    if shelf is not None and kind is not None and type(value).__name__ not in meant:
        name_of = value.id if isinstance(value, SampleRef) else value.name
        expected = " or ".join(KINDS.get(each, "a program") for each in meant if each != "None")
        raise Mistyped(
            f'{plan}: {name} = {SHELVES[type(value).__name__]}["{name_of}"] is {kind}, and '
            f"{expected} is expected; nothing was begun"
        )
    if meant[0] in ROLES and (isinstance(value, str) or (_role(value) or meant[0]) != meant[0]):
        found = f"{value!r} is a name" if isinstance(value, str) else f"{value.name} is a {_role(value)}"
        raise Mistyped(
            f"{plan}: {name} = {found}, and a {meant[0]} is expected: one of the bench's devices; nothing was begun"
        )


def _role(value: Any) -> str:
    return value.role if isinstance(value, Station) else ""
