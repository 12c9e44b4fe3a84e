"""One function for each kind of file that stands alone: limits, recipe, sample, program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from devices.cycling.cycle_macros import (
    ConstantCurrentConstantVoltage,
    CycleLife,
    Formation,
    PotentiostaticCharge,
)
from devices.cycling.macros import Macro, RateTest
from devices.cycling.programs import CellLimits, Program
from devices.cycling.pulse_macros import (
    GalvanostaticTitration,
    HybridPulsePower,
    PotentiostaticTitration,
    Pulses,
    Ragone,
)
from devices.cycling.sweep_macros import Chronoamperometry, CyclicVoltammetry
from devices.errors import ConfigError, Mistake
from devices.limits import Limits
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.remote_table import RemoteTable
from devices.samples import SampleRef
from devices.sheet.recipe import SheetRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.checking import joined, validate
from labctl.config.documents import named, quoted, read, shown, text_of
from labctl.config.models import AnyRecipe
from labctl.language.mistakes import each_of
from labctl.language.text_program import TextProgram

MACROS: Mapping[str, type[Macro]] = {
    "rate_test": RateTest,
    "cccv": ConstantCurrentConstantVoltage,
    "cv_charge": PotentiostaticCharge,
    "formation": Formation,
    "cycle_life": CycleLife,
    "gitt": GalvanostaticTitration,
    "pitt": PotentiostaticTitration,
    "hppc": HybridPulsePower,
    "ragone": Ragone,
    "pulses": Pulses,
    "cyclic_voltammetry": CyclicVoltammetry,
    "chronoamperometry": Chronoamperometry,
    "text": TextProgram,
    "program": Program,
}
"""What `macro` in a program file chooses."""

Recipe = AnyRecipe

RECIPES: Mapping[str, type[Recipe]] = {
    "flash": AnnealRecipe,
    "furnace": FurnaceRecipe,
    "sputter": DepositionRecipe,
    "evaporate": EvaporationRecipe,
    "sheet": SheetRecipe,
}
"""What `kind` in a recipe file chooses; without it, flashes."""


def limits(path: Path) -> Limits:
    """Return the limits in this file."""
    document = read(path)
    return validate(Limits, document.body, file=document.file)


def any_recipe(path: Path) -> Recipe:
    """Return the recipe in this file, of the kind it says; a lamp's where it says none."""
    document = read(path)
    kind = document.body.get("kind", "flash")
    if not isinstance(kind, str) or kind not in RECIPES:
        reason = f"must be one of {', '.join(quoted(each) for each in RECIPES)}"
        raise ConfigError([Mistake(document.file, "kind", quoted(kind), reason)])
    body = {name: value for name, value in named(document, path.stem).items() if name != "kind"}
    made: Recipe = validate(RECIPES[kind], body, file=document.file)
    return made


def recipe(path: Path) -> AnnealRecipe:
    """Return the lamp's recipe in this file; one for a furnace is a mistake."""
    found = any_recipe(path)
    if isinstance(found, AnnealRecipe):
        return found
    raise ConfigError([_another(path, found, "a lamp is asked for a recipe of flashes")])


def furnace(path: Path) -> FurnaceRecipe:
    """Return the furnace's recipe in this file; one for a lamp is a mistake."""
    found = any_recipe(path)
    if isinstance(found, FurnaceRecipe):
        return found
    raise ConfigError([_another(path, found, 'must be "furnace"')])


def deposition(path: Path) -> DepositionRecipe:
    """Return the sputter system's recipe in this file; another station's is a mistake."""
    found = any_recipe(path)
    if isinstance(found, DepositionRecipe):
        return found
    raise ConfigError([_another(path, found, 'must be "sputter"')])


def evaporation(path: Path) -> EvaporationRecipe:
    """Return the evaporator's recipe in this file; another station's is a mistake."""
    found = any_recipe(path)
    if isinstance(found, EvaporationRecipe):
        return found
    raise ConfigError([_another(path, found, 'must be "evaporate"')])


def recipe_of(kind: type[Recipe], path: Path) -> Recipe:
    """Return the recipe of a kind in this file; another station's is a mistake."""
    found = any_recipe(path)
    if isinstance(found, kind):
        return found
    raise ConfigError([_another(path, found, f"must be {quoted(kind_of(kind))}")])


def kind_of(recipe: type[Recipe]) -> str:
    """Return what a recipe file calls its kind."""
    return next(kind for kind, each in RECIPES.items() if each is recipe)


def _another(path: Path, found: Recipe, reason: str) -> Mistake:
    """Return the mistake of a recipe of another kind than is asked for."""
    return Mistake(shown(path), "kind", quoted(kind_of(type(found))), reason)


def sample(path: Path) -> SampleRef:
    """Return the sample in this file."""
    document = read(path)
    return described_sample(named(document, path.stem, "id"), path, file=document.file)


def described_sample(body: Mapping[str, Any], path: Path, *, file: str, key: str = "") -> SampleRef:
    """Return the sample in a table of the file at `path`, with the numbers of its materials from the library."""
    # The library reads its own files with what is here.
    from labctl.materials.library import library_at

    if "materials" in body:
        reason = "a sample names its materials in its layers; their numbers belong into files in materials/"
        raise ConfigError([Mistake(file, joined(key, "materials"), "", reason)])
    sample = validate(SampleRef, body, file=file, key=key)
    return library_at(path).described(sample)


def tool(path: Path) -> RemoteTable:
    """Return the command table of a remote tool in this file."""
    document = read(path)
    return validate(RemoteTable, named(document, path.stem), file=document.file)


def program(path: Path, limits: CellLimits | None = None) -> Macro:
    """Return the cycling program in this file, or the macro that becomes one on a cell's area.

    A .txt holds steps in the language of cycling, a .json is aurora-unicycler's; `limits` are the cell's where
    such a file says none.
    """
    if path.suffix == ".json":
        # Its schema is slow to import, and few have such a file.
        from labctl.language.unicycler import UnicyclerProgram, load, protocol_of

        file = shown(path)
        protocol = protocol_of(load(text_of(path, file), file), file)
        return UnicyclerProgram(path.stem, protocol, limits, file=file)
    if path.suffix == ".txt":
        return _text_program(path, limits)
    document = read(path)
    return program_of(named(document, path.stem), file=document.file)


def _text_program(path: Path, limits: CellLimits | None) -> Macro:
    file = shown(path)
    text = text_of(path, file)
    try:
        return TextProgram(path.stem, (text,), limits)
    except ValidationError as error:
        raise ConfigError([Mistake(file, "", "", said) for said in each_of(error)]) from error


def program_of(body: Mapping[str, Any], *, file: str, key: str = "") -> Macro:
    """Return the program in a table; `key` is where the table stands in `file`."""
    macro = body.get("macro")
    if not isinstance(macro, str) or macro not in MACROS:
        choices = f"one of {', '.join(quoted(each) for each in MACROS)}"
        reason = f"missing; give {choices}" if macro is None else f"must be {choices}"
        value = "" if macro is None else quoted(macro)
        raise ConfigError([Mistake(file, joined(key, "macro"), value, reason)])
    rest = {name: value for name, value in body.items() if name != "macro"}
    return validate(MACROS[macro], rest, file=file, key=key)
