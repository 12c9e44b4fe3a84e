"""In what a film may grow otherwise than those it is judged by, and what that is worth."""

import math
from dataclasses import replace

import pytest

from devices.sputter.conditions import RATE_BY_POWER, Conditions, conditions_of, differences, power_difference

OWN = Conditions(3.0, gases={"Ar": 0.96, "O2": 0.04})


def apart(**changes):
    return differences(OWN, replace(OWN, **changes))


def test_a_film_under_the_conditions_of_its_calibration_differs_in_nothing():
    assert apart() == ()
    assert apart(pressure=3.1, temperature=310.0, gases={"Ar": 0.95, "O2": 0.05}) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pressure": 1.0}, "at 3 Pa and not 1 Pa"),
        ({"bias_power": 20.0}, "at a bias of 0 W and not 20 W"),
        ({"temperature": 600.0}, "on a substrate of 295 K and not 600 K"),
        ({"gases": {"Ar": 1.0}}, "in 96% Ar + 4% O2 and not 100% Ar"),
    ],
)
def test_every_difference_is_said_in_words_and_widens_rate_and_tooling(changes, words):
    (found,) = apart(**changes)
    assert found.words == words
    assert found.rate > 0.02
    assert found.tooling > 0.02


def test_several_differences_are_several():
    assert [each.what for each in apart(pressure=1.0, bias_power=5.0)] == ["pressure", "bias"]


def test_farther_away_is_less_certain():
    by_bias = [
        apart(bias_power=5.0)[0].rate,
        differences(replace(OWN, bias_power=4.0), replace(OWN, bias_power=5.0))[0].rate,
    ]
    assert by_bias[0] > by_bias[1] > 0.0
    assert apart(pressure=0.5)[0].rate > apart(pressure=2.0)[0].rate > 0.0
    assert apart(temperature=800.0)[0].rate > apart(temperature=400.0)[0].rate > 0.0


def test_differences_are_as_large_both_ways():
    other = Conditions(1.0, 20.0, 500.0, {"N2": 1.0})
    there, back = differences(OWN, other), differences(other, OWN)
    assert [each.rate for each in there] == pytest.approx([each.rate for each in back])


def test_gas_that_nobody_noted_is_no_difference():
    assert differences(Conditions(3.0), OWN) == ()


def test_in_vacuum_no_pressure_is_another():
    assert differences(Conditions(1e-5), Conditions(1e-3)) == ()


def test_a_power_counts_only_outside_of_those_that_were_calibrated():
    assert power_difference(80.0, 120.0, 100.0) is None
    assert power_difference(80.0, 120.0, 122.0) is None
    low = power_difference(80.0, 120.0, 40.0)
    assert low.words == "with 80 to 120 W and not 40 W"
    assert low.rate == pytest.approx(RATE_BY_POWER * math.log(2.0))
    assert power_difference(100.0, 100.0, 50.0).words == "with 100 W and not 50 W"


def test_a_recipe_says_its_conditions_in_shares_of_its_gas():
    told = {
        "pressure": 3.0,
        "base_pressure": 1e-5,
        "gases": [{"gas": "Ar", "flow": 24e-6}, {"gas": "O2", "flow": 1e-6}],
        "bias_power": 20.0,
        "substrate_temperature": 500.0,
    }
    found = conditions_of(told)
    assert (found.pressure, found.bias_power, found.temperature) == (3.0, 20.0, 500.0)
    assert found.gases == pytest.approx({"Ar": 0.96, "O2": 0.04})
    assert conditions_of({"base_pressure": 1e-5}) == Conditions(1e-5)
