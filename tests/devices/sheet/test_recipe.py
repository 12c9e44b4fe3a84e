"""What a sheet's recipe may ask for."""

import pytest
from pydantic import ValidationError

from devices.sheet.recipe import BinRule, SheetRecipe


def test_a_rule_has_what_it_needs_and_nothing_else():
    BinRule("short", "voltage", drop=0.05)
    BinRule("interface", "interface", deviation=0.5, frequency=100.0, against=3e4)
    for wrong in (
        {"of": "voltage"},
        {"of": "electrolyte", "deviation": 0.1},
        {"of": "voltage", "drop": 1.0, "deviation": 0.1},
    ):
        with pytest.raises(ValidationError):
            BinRule("one", **wrong)


def test_rules_ask_only_for_frequencies_that_are_measured():
    with pytest.raises(ValidationError, match="not among"):
        SheetRecipe("map", (1e3,), bins=(BinRule("thin", "electrolyte", deviation=0.1, frequency=3e4),))


@pytest.mark.parametrize("name", ["good", "missing"])
def test_no_bin_is_called_what_is_none(name):
    with pytest.raises(ValidationError, match="meaning of its own"):
        BinRule(name, "voltage", drop=0.05)
