"""What the parts of a sputter system can do: what is beyond it is refused, what nobody knows is not."""

from __future__ import annotations

import re

import pytest

from devices.errors import LimitError
from devices.sputter.guns import GunPlan
from devices.sputter.parameters import Target
from devices.sputter.reach import Reach, gases_of, require_reach
from devices.sputter.recipe import SCCM, GasFlow, Strike

PLANS = [GunPlan("gun1", Target("LiCoO2"), 119.6, 0.3)]


@pytest.mark.parametrize(
    ("reach", "changes", "what"),
    [
        (Reach(powers={"gun1": 100.0}), {}, "gun1.power"),
        (Reach(powers={"bias": 50.0}), {"bias_power": 60.0}, "bias_power"),
        (Reach(flows={"Ar": 20 * SCCM}), {}, "flow of Ar"),
        (Reach(flows={"Kr": 0.0}), {"strike": Strike(3.0, gases=(GasFlow("Kr", SCCM),))}, "flow of Kr"),
        (Reach(pressure=1.0), {}, "pressure"),
        (Reach(pressure=4.0), {"strike": Strike(5.0)}, "strike.pressure"),
        (Reach(temperature=773.15), {"substrate_temperature": 873.15}, "substrate_temperature"),
    ],
)
def test_what_no_part_can_do_is_refused_by_name(recipes, reach, changes, what):
    recipe = recipes["lco"](**changes)
    with pytest.raises(LimitError, match=what):
        require_reach("sputter", recipe, PLANS, reach)
    require_reach("sputter", recipe, PLANS, Reach())


@pytest.mark.parametrize(
    ("reach", "changes", "said"),
    [
        (Reach(flows={"Ar": 20 * SCCM}), {}, "= 24 sccm is outside [0, 20] sccm; nothing was sent"),
        (
            Reach(flows={"O2": 0.0}, inlets=("Ar", "N2")),
            {},
            "flow of O2 (no inlet of the gas controller is named so in the bench file; those there are: Ar, N2)",
        ),
        (
            Reach(temperature=773.15),
            {"substrate_temperature": 873.15},
            "= 600 degC is above 500 degC; nothing",
        ),
    ],
)
def test_refusals_are_in_the_units_that_files_have(recipes, reach, changes, said):
    with pytest.raises(LimitError, match=re.escape(said)):
        require_reach("sputter", recipes["lco"](**changes), PLANS, reach)


def test_the_gases_of_a_recipe_are_those_that_light_it_too(recipes):
    recipe = recipes["lco"](strike=Strike(3.0, gases=(GasFlow("Kr", SCCM),)))
    assert gases_of(recipe) == {"Ar", "O2", "Kr"}
