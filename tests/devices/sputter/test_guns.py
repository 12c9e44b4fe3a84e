"""Targets: whole watts, limited ramps, wear that is kept."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from devices.errors import InterlockError
from devices.sputter.guns import Ramp, Wear, planned, strike_power, switch_on
from devices.sputter.parameters import Target
from devices.sputter.recipe import GunSetting

TARGETS = {"gun1": Target("LiCoO2"), "gun2": Target("Li3PO4"), "gun3": Target("LiCoO2")}


class Supply:
    def __init__(self):
        self.set = []

    def set_power(self, power):
        self.set.append(power)


def test_a_power_density_is_over_the_targets_area():
    plan = planned(GunSetting("Li3PO4", power_density=5e4), TARGETS)
    assert plan.power == pytest.approx(101.3, abs=0.1)
    assert plan.gun == "gun2"


def test_a_ramp_is_the_recipes_else_its_targets():
    assert planned(GunSetting("Li3PO4", power=50.0), TARGETS).ramp == TARGETS["gun2"].ramp
    assert planned(GunSetting("Li3PO4", power=50.0, ramp=0.1), TARGETS).ramp == 0.1


def test_a_target_that_is_nowhere_or_twice_is_asked_for():
    with pytest.raises(InterlockError, match=r"LiMn2O4 is on 0 guns"):
        planned(GunSetting("LiMn2O4", power=1.0), TARGETS)
    with pytest.raises(InterlockError, match=r"on 2 guns.*give `gun`"):
        planned(GunSetting("LiCoO2", power=1.0), TARGETS)
    assert planned(GunSetting("LiCoO2", power=1.0, gun="gun3"), TARGETS).gun == "gun3"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (GunSetting("LiCoO2", power=1.0, gun="gun2"), "LiCoO2 on gun2, which bears Li3PO4; say gun1 or gun3"),
        (GunSetting("LiMn2O4", power=1.0, gun="gun2"), "LiMn2O4 on gun2, which bears Li3PO4; mount LiMn2O4"),
        (GunSetting("LiCoO2", power=1.0, gun="gun4"), "LiCoO2 on gun4, which is not there; say gun1 or gun3"),
    ],
)
def test_a_recipe_that_names_another_gun_is_told_what_that_bears_and_which_has_its_target(setting, said):
    with pytest.raises(InterlockError, match=said):
        planned(setting, TARGETS)


def test_a_ramp_goes_in_whole_watts_and_says_when_it_is_there():
    supply = Supply()
    ramp = Ramp(supply, 0.4)
    steps = 0
    while not ramp.towards(3.0, 1.0):
        steps += 1
    assert steps == 7
    assert supply.set == [1.0, 2.0, 3.0]


def test_wear_adds_up_and_a_target_of_another_material_begins_anew():
    wear = Wear(TARGETS)
    wear.add("gun1", 3.6e6)
    assert wear.left("gun1") == pytest.approx(3.3 * 3.6e6)
    other = Wear({"gun1": Target("V2O5", worn=5.0)})
    assert other.recalled(wear.told()) == ["gun1 bore LiCoO2 before, now V2O5"]
    assert other.of("gun1") == 5.0


@pytest.mark.parametrize("worn", [0.0, 3.6e6, 9e6])
def test_a_target_is_never_less_worn_than_the_bench_file_or_the_session_before_says(worn):
    before = Wear(TARGETS)
    before.add("gun1", 5e6)
    after = Wear({"gun1": Target("LiCoO2", worn=worn)})
    assert after.recalled(before.told()) == []
    assert after.of("gun1") == max(worn, 5e6)


@pytest.mark.parametrize("error", [None, InterlockError("interlock", "open")])
def test_who_switches_a_supply_on_acts_for_that_moment_only_and_has_set_its_power_first(error):
    done = []

    class Switched:
        acting = False

        def take_control(self):
            done.append(("control", self.acting))

        def on(self):
            done.append(("on", self.acting))
            if error is not None:
                raise error

    supply = Switched()
    with nullcontext() if error is None else pytest.raises(InterlockError):
        switch_on(supply, lambda: done.append(("power", supply.acting)))
    assert done == [("control", True), ("power", True), ("on", True)]
    assert not supply.acting


@pytest.mark.parametrize("power", [10.0, 39.0, 120.0])
def test_a_plasma_is_never_lit_with_more_than_its_gun_has_in_the_end(power):
    recipe = SimpleNamespace(strike=None)
    assert strike_power(recipe, planned(GunSetting("Li3PO4", power=power), TARGETS)) <= power
