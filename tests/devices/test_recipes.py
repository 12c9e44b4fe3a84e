import pytest
from pydantic import TypeAdapter, ValidationError

from devices.errors import ConfigError
from devices.recipes import AnnealRecipe, FurnaceRecipe, MicroPulse, canonical_hash, to_json
from labctl.config.checking import validate

PLAIN = AnnealRecipe("fla", voltage=850.0, pulse_duration=1.8e-3, pulse_count=20, rate=0.4)


def split(**changes):
    fields = {"voltage": 850.0, "pulse_duration": 1.8e-3, "pulse_count": 5, "rate": 0.4}
    return AnnealRecipe("split", **{**fields, "micro_pulses": (MicroPulse(0.6e-3, 0.5),) * 3, **changes})


def test_a_recipe_without_micro_pulses_keeps_the_body_and_hash_it_always_had():
    body = {"name": "fla", "voltage": 850.0, "pulse_duration": 1.8e-3, "pulse_count": 20, "rate": 0.4}
    assert to_json(PLAIN) == body
    assert canonical_hash(to_json(PLAIN)) == canonical_hash(body)
    assert PLAIN.lit == ()


def test_micro_pulses_burn_for_their_share_of_each_slot():
    assert [pytest.approx(window) for window in split().lit] == [
        (0.0, 0.3e-3),
        (0.6e-3, 0.9e-3),
        (1.2e-3, 1.5e-3),
    ]


def test_a_recipe_with_micro_pulses_survives_json():
    assert TypeAdapter(AnnealRecipe).validate_python(to_json(split()), strict=False) == split()
    assert canonical_hash(to_json(split())) != canonical_hash(to_json(split(micro_pulses=())))


def test_micro_pulses_that_do_not_fill_the_envelope_are_refused():
    with pytest.raises(ValidationError, match=r"last 0\.0018 s together; pulse_duration is 0\.002 s"):
        split(pulse_duration=2e-3)


@pytest.mark.parametrize(
    ("duration", "duty"), [(0.6e-3, 0.0), (0.6e-3, 1.1), (1e-6, 1.0), (float("nan"), 1.0)]
)
def test_a_micro_pulse_that_cannot_be_is_refused(duration, duty):
    with pytest.raises(ValidationError):
        MicroPulse(duration, duty)


def test_micro_pulses_are_typed_with_units():
    body = {
        "name": "split",
        "voltage": "850 V",
        "pulse_duration": "1 ms",
        "pulse_count": 3,
        "rate": "0.4 Hz",
        "micro_pulses": [{"duration": "400 us", "duty": "50 %"}, {"duration": "600 us"}],
    }
    recipe = validate(AnnealRecipe, body, file="split.toml")
    assert recipe.lit == (pytest.approx((0.0, 0.2e-3)), pytest.approx((0.4e-3, 1e-3)))


RAPID = {
    "name": "rta",
    "atmosphere": "O2",
    "segments": [
        {"temperature": "700 degC", "ramp": "50 K/s", "duration": "1 min"},
        {"temperature": "25 degC", "ramp": "10 K/s"},
    ],
}


def test_a_furnace_recipe_is_a_profile_of_straight_lines():
    recipe = validate(FurnaceRecipe, RAPID, file="rta.toml")
    times, temperatures = zip(*recipe.profile, strict=True)
    assert times == pytest.approx((0.0, 13.5, 73.5, 141.0))
    assert temperatures == pytest.approx((298.15, 973.15, 973.15, 298.15))


@pytest.mark.parametrize(
    ("changes", "key", "allowed"),
    [
        ({"segments": []}, "segments", "a list of 1 to 100"),
        ({"atmosphere": ""}, "atmosphere", "text"),
        ({"segments": [{"temperature": "500", "ramp": "1 K/s"}]}, "segments[0].temperature", "give a unit"),
        ({"segments": [{"temperature": "500 degC", "ramp": "0 K/s"}]}, "segments[0].ramp", "K/s"),
        ({"segments": [{"temperature": "500 degC"}]}, "segments[0].ramp", "missing"),
    ],
)
def test_a_furnace_recipe_that_cannot_be_is_refused_with_key_and_unit(changes, key, allowed):
    with pytest.raises(ConfigError) as refused:
        validate(FurnaceRecipe, {**RAPID, **changes}, file="rta.toml")
    assert [mistake.key for mistake in refused.value.mistakes] == [key]
    assert allowed in refused.value.mistakes[0].allowed
