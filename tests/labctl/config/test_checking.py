"""Every mistake in a table is told with its key, its value and what is allowed in the unit of the field."""

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.cycling.macros import RateTest
from devices.cycling.programs import Program
from devices.errors import ConfigError
from devices.recipes import AnnealRecipe
from devices.samples import SampleRef
from devices.sputter.recipe import DepositionRecipe
from labctl.config.checking import validate
from labctl.config.models import TrueCell

RECIPE = {"name": "x", "voltage": "850 V", "pulse_duration": "1.8 ms", "pulse_count": 20, "rate": "0.4 Hz"}
LIMITS = {"voltage_min": "3 V", "voltage_max": "4.3 V", "current_max": "1 mA"}
CHARGE = {"technique": "constant_current", "current": "1 uA"}


def one(told, kind, body, **kwargs):
    (mistake,) = told(validate, kind, body, file="f.toml", **kwargs)
    return mistake


def test_a_good_table_becomes_the_dataclass_in_si():
    assert validate(AnnealRecipe, RECIPE, file="f.toml") == AnnealRecipe("x", 850.0, 0.0018, 20, 0.4)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("voltage", 850, 'give a unit, e.g. "850 V" (between 200 and 1000 V)'),
        ("voltage", "850 kV", "must be between 200 and 1000 V"),
        ("voltage", "-850 V", "must be between 200 and 1000 V"),
        ("voltage", "0 V", "must be between 200 and 1000 V"),
        ("voltage", "850 A", '"A" cannot become V; give e.g. "850 V" (between 200 and 1000 V)'),
        ("voltage", True, 'must be a text with number and unit, e.g. "850 V" (between 200 and 1000 V)'),
        ("pulse_count", 1_000_000_000, "must be a whole number between 1 and 10000"),
        ("pulse_count", True, "must be a whole number between 1 and 10000"),
        ("pulse_count", 20.0, "must be a whole number between 1 and 10000"),
        ("pulse_count", "20", "must be a whole number between 1 and 10000"),
        ("pulse_count", -1, "must be a whole number between 1 and 10000"),
    ],
)
def test_a_value_out_of_place_is_told_with_its_range(told, key, value, allowed):
    found = one(told, AnnealRecipe, RECIPE | {key: value})
    assert (found[0], found[2]) == (key, allowed)
    assert found[1].strip('"') == str(value).lower().replace("kv", "kV").replace("v", "V").replace(" a", " A")


@pytest.mark.parametrize(
    "name", ["../../x", "/abs", "a\0b", "é", "😀", "-x", ".x", "a\nb", "", "x" * 65, "a b"]
)
def test_a_name_that_is_no_safe_id_is_refused(told, name):
    key, _, allowed = one(told, AnnealRecipe, RECIPE | {"name": name}, key="recipe")
    assert key == "recipe.name"
    assert "letters, digits" in allowed


def test_all_mistakes_are_told_at_once(told):
    found = told(validate, AnnealRecipe, {"voltage": 1, "pulse_count": 0}, file="f.toml")
    assert {key for key, _, _ in found} == {"name", "voltage", "pulse_duration", "pulse_count", "rate"}


def test_a_missing_value_comes_with_an_example(told):
    body = {key: value for key, value in RECIPE.items() if key != "voltage"}
    assert one(told, AnnealRecipe, body) == (
        "voltage",
        "",
        'missing; give a value between 200 and 1000 V, e.g. "850 V"',
    )


def test_an_unknown_key_names_the_nearest_and_the_known_ones(told):
    key, _, allowed = one(told, AnnealRecipe, RECIPE | {"bank_voltage": "850 V"})
    assert key == "bank_voltage"
    assert 'did you mean "voltage"?' in allowed
    assert "name, voltage, pulse_duration, pulse_count, rate" in allowed


def test_open_bounds_are_told_as_such(told):
    body = {"id": "a", "layers": [{"material": "LiCoO2", "thickness": "-5 nm"}]}
    assert one(told, SampleRef, body) == (
        "layers[0].thickness",
        '"-5 nm"',
        "must be above 0 and at most 10000 um",
    )


FILM = {
    "name": "f",
    "material": "LiCoO2",
    "pressure": "3 Pa",
    "base_pressure": "1e-4 Pa",
    "presputter": "15 min",
    "thickness": "0.7 um",
    "guns": [{"target": "LiCoO2", "power_density": "5.9 W/cm^2", "ramp": "20 W/min"}],
    "gases": [{"gas": "Ar", "flow": "24 sccm"}],
}


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        ({"gases": [{"gas": "Ar", "flow": "2400 sccm"}]}, "must be above 0 and at most 1344.85 sccm"),
        (
            {"gases": [{"gas": "Ar", "flow": 24}]},
            'give a unit, e.g. "24 sccm" (above 0 and at most 1344.85 sccm)',
        ),
        ({"thickness": "20 mm"}, "must be above 0 and at most 0.1 mm"),
        ({"thickness": "-5 nm"}, "must be above 0 and at most 100000 nm"),
        (
            {"guns": [{"target": "LiCoO2", "power_density": "-5.9 W/cm^2"}]},
            "must be above 0 and at most 100 W/cm^2",
        ),
        ({"presputter": "200 h"}, "must be between 0 and 27.7778 h"),
        ({"substrate_temperature": "1500 degC"}, "must be between 26.85 and 1026.85 degC"),
        ({"pressure": "1 mbar"}, "must be above 0 and at most 20 Pa"),
    ],
)
def test_bounds_are_told_in_the_unit_that_was_typed(told, change, allowed):
    assert one(told, DepositionRecipe, FILM | change)[2] == allowed


def test_a_choice_names_the_choices(told):
    body = {"name": "p", "rates": ["1 A/m^2"], "lower": "3 V", "upper": "4 V", "cycles": 1}
    assert one(told, RateTest, body | {"on_host_loss": "kepp"}) == (
        "on_host_loss",
        '"kepp"',
        'must be one of "keep", "open"; did you mean "keep"?',
    )


def test_a_rule_over_several_values_is_told_in_its_own_words(told):
    body = {"name": "p", "rates": ["1 A/m^2"], "lower": "4 V", "upper": "3 V", "cycles": 1}
    assert one(told, RateTest, body) == ("", "", "lower must be below upper")


def test_a_list_of_the_wrong_length_is_told_with_the_right_one(told):
    assert one(told, SampleRef, {"id": "a", "layers": []})[2] == "must be a list of 1 to 16 entries"
    assert one(told, SampleRef, {"id": "a", "layers": {}})[2] == "must be a list of 1 to 16 entries"


def test_what_is_no_table_is_refused(told):
    assert one(told, AnnealRecipe, [1])[2] == "must be a table"


def test_a_loop_is_judged_as_a_loop_and_a_step_as_a_step(told):
    step = {"run": CHARGE, "until": {"voltage_above": 4.2}}
    steps = [
        {"body": [step], "times": 0},
        {"run": {"technique": "pulse"}, "until": {}},
        {"run": CHARGE, "until": {}},
        {"run": CHARGE | {"current": "20 A"}, "until": {"duration": "1 h"}},
    ]
    found = told(validate, Program, {"name": "p", "steps": steps, "limits": LIMITS}, file="f.toml")
    assert [(key, value) for key, value, _ in found] == [
        ("steps[0].body[0].until.voltage_above", "4.2"),
        ("steps[0].times", "0"),
        ("steps[1].run.technique", '"pulse"'),
        ("steps[2]", ""),
        ("steps[3].run.current", '"20 A"'),
    ]
    assert found[2][2].startswith('must be one of "open_circuit", "constant_current", ')


VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=2)
    | st.builds("{} {}".format, st.floats(), st.sampled_from(["V", "kV", "mV", "ms", "s", "Hz", "A", "degC"]))
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RECIPE, VALUES)))
def test_whatever_is_typed_the_recipe_is_within_its_range_or_refused(changes):
    try:
        recipe = validate(AnnealRecipe, RECIPE | changes, file="f.toml")
    except ConfigError as error:
        recipe, mistakes = None, error.mistakes
    if recipe is None:
        assert mistakes
        assert all(mistake.key in RECIPE and mistake.allowed for mistake in mistakes)
    else:
        assert 200 <= recipe.voltage <= 1000
        assert 50e-6 <= recipe.pulse_duration <= 10e-3
        assert type(recipe.pulse_count) is int
        assert math.isfinite(recipe.rate)


def test_a_number_that_may_be_left_out_is_refused_with_its_bounds(told):
    mistake = one(told, TrueCell, {"sample": "a", "leak_resistance": "1 ohm"})
    assert mistake == ("leak_resistance", '"1 ohm"', "must be between 1000 and 1e+15 ohm")
