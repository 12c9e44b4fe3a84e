"""One function for each kind of file that stands alone: limits, recipe, sample, tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.errors import ConfigError, Mistake
from devices.limits import Limits
from devices.recipes import AnnealRecipe, FurnaceRecipe
from devices.samples import SampleRef
from devices.sheet.recipe import SheetRecipe
from devices.sputter.recipe import DepositionRecipe, EvaporationRecipe
from labctl.config.checking import joined, validate
from labctl.config.documents import named, quoted, read, shown
from labctl.config.models import AnyRecipe

if TYPE_CHECKING:
    from devices.remote_table import RemoteTable

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


def recipe_of(kinds: Sequence[type[Recipe]], path: Path) -> Recipe:
    """Return the recipe of one of these kinds in this file; another station's is a mistake."""
    found = any_recipe(path)
    if isinstance(found, tuple(kinds)):
        return found
    raise ConfigError([_another(path, found, f"must be {kinds_of(kinds, quoted)}")])


def written_out(
    kinds: Sequence[type[Recipe]], table: Mapping[str, Any], name: str, *, file: str, key: str
) -> Recipe:
    """Return the recipe in a table; of several kinds it says its `kind`, and is of the first if it does not."""
    chosen, body = kinds[0], {"name": name, **table}
    if len(kinds) > 1:
        kind = body.pop("kind", kind_of(chosen))
        if kind not in map(kind_of, kinds):
            reason = f"must be {kinds_of(kinds, quoted)}"
            raise ConfigError([Mistake(file, joined(key, "kind"), quoted(kind), reason)])
        chosen = RECIPES[kind]
    made: Recipe = validate(chosen, body, file=file, key=key)
    return made


def kind_of(recipe: type[Recipe]) -> str:
    """Return what a recipe file calls its kind."""
    return next(kind for kind, each in RECIPES.items() if each is recipe)


def kinds_of(recipes: Sequence[type[Recipe]], told: Callable[[str], str] = str) -> str:
    """Return what recipe files call these kinds, in words."""
    return " or ".join(told(kind_of(each)) for each in recipes)


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
    # A bench without such a tool does not wait for what describes one.
    from devices.remote_table import RemoteTable

    document = read(path)
    return validate(RemoteTable, named(document, path.stem), file=document.file)
