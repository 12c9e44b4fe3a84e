"""What machine and lab allow of an evaporation, before anything is sent."""

import pytest

from devices.errors import InterlockError, LimitError
from devices.limits import SputterLimits
from devices.sputter.evaporation_check import check_evaporation
from devices.sputter.parameters import EvaporatorParameters, FilmConstants
from devices.sputter.recipe import EvaporationRecipe

BUILT = EvaporatorParameters(films={"Li": FilmConstants(534.0)})


def checked(power_limit=300.0, material="Li", **changes):
    fields = {"rate": 0.3e-9, "thickness": 2e-6, "base_pressure": 1e-4, "power": 200.0, **changes}
    recipe = EvaporationRecipe("li", material, **fields)
    return check_evaporation("evaporator", recipe, SputterLimits(), BUILT, power_limit)


def test_a_recipe_within_everything_tells_what_the_monitor_is_set_to():
    assert checked() == BUILT.films["Li"]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"power": 400.0}, "its boat's supply gives no more"),
        ({"base_pressure": 2e-4}, "base_pressure before Li"),
        ({"thickness": 20e-6}, "thickness"),
        ({"thickness": 0.29e-9}, r"thickness \(1 s of film.* = 0.00029 um is below 0.0003 um"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_its_name(changes, what):
    with pytest.raises(LimitError, match=what):
        checked(**changes)


def test_a_film_that_nobody_can_weigh_is_refused():
    with pytest.raises(InterlockError, match="no constants of a Mg film"):
        checked(material="Mg")
