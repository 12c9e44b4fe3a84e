"""What a bench file's own rates say of a film, alone and of several targets."""

from dataclasses import replace

import pytest

from devices.roles.films import FilmRate, Tooling
from devices.sputter.believed import believed_rate, together, told_elsewhere
from devices.sputter.guns import planned
from devices.sputter.parameters import RateCalibration, SputterParameters, Target
from devices.sputter.recipe import SCCM, DepositionRecipe, GasFlow, GunSetting

BUILT = SputterParameters(
    targets={"gun1": Target("LiCoO2")}, rates={"LiCoO2": RateCalibration(5e-11, 100.0, 3.0, 0.02, "c")}
)
RECIPE = DepositionRecipe(
    name="r",
    material="LiCoO2",
    guns=(GunSetting("LiCoO2", power=100.0),),
    gases=(GasFlow("Ar", 24 * SCCM),),
    pressure=3.0,
    base_pressure=1e-4,
    presputter=60.0,
    thickness=1e-7,
)


def believed(recipe, built=BUILT):
    return believed_rate(recipe, built, [planned(setting, built.targets) for setting in recipe.guns])


def test_under_its_own_conditions_a_rate_is_as_sure_as_it_was_measured():
    assert believed(RECIPE) == FilmRate(5e-11, 0.02, "c", "")


def test_with_another_bias_it_is_less_sure_unless_it_was_measured_with_that():
    biased = replace(RECIPE, bias_power=20.0)
    assert believed(biased).sd > 0.09
    assert believed(biased).elsewhere == "LiCoO2 at a bias of 0 W and not 20 W"
    own = replace(BUILT, rates={"LiCoO2": replace(BUILT.rates["LiCoO2"], bias_power=20.0)})
    assert believed(biased, own).sd == pytest.approx(0.02)


def test_a_film_of_several_targets_is_calibrated_when_each_of_them_is():
    one, other = FilmRate(3e-11, 0.02, "a"), FilmRate(1e-11, 0.1, "b", "B at 3 Pa and not 1 Pa")
    both = together([one, other])
    assert both.rate == pytest.approx(4e-11, rel=1e-6, abs=0.0)
    assert both.sd * both.rate == pytest.approx(
        ((0.02 * 3e-11) ** 2 + (0.1 * 1e-11) ** 2) ** 0.5, rel=1e-6, abs=0.0
    )
    assert (both.calibration, both.elsewhere) == ("a+b", other.elsewhere)
    assert together([one, replace(other, calibration="")]).calibration == ""


def test_only_what_is_known_elsewhere_is_told():
    rate, tooling = FilmRate(3e-11, 0.02, "a"), Tooling(1.0, 0.1, "b", "A at 3 Pa and not 1 Pa")
    words = "is known of A at 3 Pa and not 1 Pa: it is uncertain by 10%"
    assert told_elsewhere(rate, tooling) == [f"the monitor's tooling {words}"]
    assert told_elsewhere(rate, None) == told_elsewhere(None, None) == []
