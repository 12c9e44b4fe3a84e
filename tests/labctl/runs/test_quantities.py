"""The units that conditions go by are those of the recipes' own fields."""

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from devices import recipes
from devices.cycling import programs, techniques
from devices.quantities import Unit
from labctl.runs.quantities import AMBIGUOUS, unit_of

KINDS = [
    kind
    for module in (recipes, techniques, programs)
    for kind in vars(module).values()
    if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__")
]


def units_in(hint):
    for each in getattr(hint, "__metadata__", ()):
        if isinstance(each, Unit):
            yield each.symbol
    for each in get_args(hint):
        yield from units_in(each)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fields_unit_is_known(kind):
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        for unit in units_in(hints[field.name]):
            assert field.name in AMBIGUOUS or unit_of(f"program.{field.name}") == unit, field.name


def test_a_recipes_rate_is_a_frequency():
    assert unit_of("recipe.rate") == "Hz"
