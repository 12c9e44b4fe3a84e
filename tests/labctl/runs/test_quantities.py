"""The units that conditions go by are those of the recipes' own fields, of every kind of recipe and program."""

import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import pytest

from devices.cycling.programs import Program
from devices.quantities import Unit
from devices.sputter.recipe import EvaporationRecipe
from labctl.config.readers import RECIPES
from labctl.runs.conditions import condition
from labctl.runs.entries import CONTAINERS, _recipe
from labctl.runs.quantities import AMBIGUOUS, FILM_RATE, FLASHES, UNITS, unit_of
from labctl.units import EXAMPLES

KINDS = {f"recipe:{kind.__name__}": ("recipe", kind) for kind in RECIPES.values()}
KINDS["program"] = ("program", Program)


def numbers_in(key, hint, declared, above=()):
    """Yield the key, as the index has it, and the declared unit, "" for none, of each float that may stand there."""
    if get_origin(hint) is Annotated:
        inner, *more = get_args(hint)
        symbols = [each.symbol for each in more if isinstance(each, Unit)]
        yield from numbers_in(key, inner, symbols[0] if symbols else declared, above)
    elif hint is float:
        yield key, declared
    elif get_origin(hint) in (Union, types.UnionType):
        for each in get_args(hint):
            yield from numbers_in(key, each, declared, above)
    elif get_origin(hint) is tuple:
        # Bare numbers in a list are no values of a run.
        for each in {each for each in get_args(hint) if each is not ...}:
            yield from (found for found in numbers_in(key, each, declared, above) if found[0] != key)
    elif is_dataclass(hint) and hint not in above:
        hints = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            name = key if field.name in CONTAINERS else f"{key}.{field.name}"
            yield from numbers_in(name, hints[field.name], "", (*above, hint))


def keys_of(which):
    root, kind = KINDS[which]
    found = set(numbers_in(root, kind, ""))
    return {(FILM_RATE if kind is EvaporationRecipe and key == FLASHES else key, unit) for key, unit in found}


@pytest.mark.parametrize("which", KINDS)
def test_every_number_of_a_recipe_has_the_unit_of_its_field_or_one_that_is_written_down(which):
    assert keys_of(which)
    for key, declared in sorted(keys_of(which)):
        name = key.rpartition(".")[2]
        if declared and unit_of(key) == "":
            assert key.startswith("program.run.")
            assert name in AMBIGUOUS
        elif declared:
            assert unit_of(key) == declared, key
        else:
            assert name in UNITS, f"{key} declares no unit, and none is written down for it"


@pytest.mark.parametrize("which", KINDS)
def test_every_number_of_a_recipe_can_be_searched_as_people_type_it(which):
    for key, declared in sorted(keys_of(which)):
        typed = EXAMPLES[declared or unit_of(key)]
        assert condition(f"{key} > {typed}").keys([key]) == [key]


@pytest.mark.parametrize("which", KINDS)
def test_what_has_another_dimension_is_refused_of_every_number(which):
    for key, _ in keys_of(which):
        if unit_of(key):
            with pytest.raises(Exception, match="cannot be compared"):
                condition(f"{key} = 3 cd").keys([key])


def test_the_rates_of_flashes_and_of_films_are_told_apart_by_their_bodies():
    assert unit_of("recipe.rate") == "Hz"
    assert [key for key, _, _ in _recipe({"rate": 0.4, "voltage": 850.0})] == [FLASHES, "recipe.voltage"]
    assert [key for key, _, _ in _recipe({"material": "Li", "rate": 3e-10})] == ["recipe.material", FILM_RATE]
    assert condition("recipe.rate > 0.2 nm/s").keys([FLASHES, FILM_RATE]) == [FILM_RATE]
    assert condition("recipe.rate > 0.2 Hz").keys([FLASHES, FILM_RATE]) == [FLASHES]
