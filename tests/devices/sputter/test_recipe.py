"""Recipes of films as they are typed, and as they are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from devices.errors import ConfigError
from devices.recipes import to_json
from devices.sputter.recipe import SCCM, DepositionRecipe, EvaporationRecipe
from labctl.config.checking import validate
from labctl.config.readers import deposition, evaporation

TYPED = {
    "name": "lco",
    "material": "LiCoO2",
    "pressure": "3 Pa",
    "base_pressure": "1e-4 Pa",
    "presputter": "15 min",
    "thickness": "0.7 um",
    "guns": [{"target": "LiCoO2", "power_density": "5.9 W/cm^2"}],
    "gases": [{"gas": "Ar", "flow": "24 sccm"}, {"gas": "O2", "flow": "1 sccm"}],
}


def test_flows_are_typed_in_sccm_and_powers_per_area():
    recipe = validate(DepositionRecipe, TYPED, file="lco.toml")
    assert recipe.gases[0].flow == pytest.approx(24 * SCCM, rel=1e-5)
    assert recipe.guns[0].power_density == pytest.approx(5.9e4)


def test_a_bare_flow_is_refused():
    body = {**TYPED, "gases": [{"gas": "Ar", "flow": 24}]}
    with pytest.raises(ConfigError, match="give a unit"):
        validate(DepositionRecipe, body, file="lco.toml")


def test_recipes_survive_json(recipes):
    for recipe in (recipes["lco"](), recipes["lipon"]()):
        assert TypeAdapter(DepositionRecipe).validate_python(to_json(recipe), strict=False) == recipe
    li = EvaporationRecipe("li", "Li", 0.3e-9, 2e-6, 1e-4, 200.0)
    assert TypeAdapter(EvaporationRecipe).validate_python(to_json(li), strict=False) == li


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"end": "time"}, "duration is given with"),
        ({"duration": 10.0}, "duration is given with"),
        ({"thickness": 0.0}, "greater than 0"),
    ],
)
def test_what_contradicts_itself_is_refused(recipes, changes, said):
    with pytest.raises(ValidationError, match=said):
        recipes["lco"](**changes)


def test_the_shipped_recipes_are_those_of_the_papers():
    shipped = Path(__file__).parents[3] / "config" / "recipes"
    cathode = deposition(shipped / "sputter-lco-0.7um.toml")
    assert cathode.guns[0].power_density == pytest.approx(5.9e4)
    electrolyte = deposition(shipped / "sputter-lipon-1um.toml")
    assert [each.target for each in electrolyte.guns] == ["Li3PO4", "Li2O"]
    assert electrolyte.strike.pressure == 3.0
    assert evaporation(shipped / "evaporate-li-2um.toml").thickness == 2e-6
    with pytest.raises(ConfigError, match='must be "sputter"'):
        deposition(shipped / "evaporate-li-2um.toml")
