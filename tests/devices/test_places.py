import pytest
from pydantic import ValidationError

from devices.errors import ConfigError
from devices.flash_lamp import FlashLampStation
from devices.places import ChuckPoint
from labctl.config.checking import validate
from labctl.config.models import World

WARMING = [
    {"time": "0 s", "temperature": "25 degC"},
    {"time": "10 min", "temperature": "80 degC"},
]
LAMP = {
    "aperture_area": "1 cm^2",
    "meter_calibration": "1",
    "bank_capacitance": "5.6 mF",
    "lamp_constant": "35 ohm A^0.5",
}


@pytest.mark.parametrize(("kind", "rest"), [(World, {}), (FlashLampStation.Parameters, LAMP)])
def test_a_place_is_typed_with_units(kind, rest):
    said = validate(kind, {**rest, "chuck_course": WARMING, "model": "S2"}, file="bench.toml")
    assert said.chuck_course == (ChuckPoint(0.0, 298.15), ChuckPoint(600.0, 353.15))
    assert said.model == "S2"
    assert said.mount == "chuck"


@pytest.mark.parametrize(
    ("body", "key", "allowed"),
    [
        ({"model": "S3"}, "model", 'one of "S1", "S2"'),
        ({"mount": "floating"}, "mount", 'one of "chuck", "hanging"'),
        ({"chuck_course": WARMING[::-1]}, "chuck_course", "times must rise; 0 s comes after 600 s"),
        ({"chuck_course": [{"time": 0, "temperature": "25 degC"}]}, "chuck_course[0].time", "give a unit"),
        ({"mount": "hanging", "chuck_course": WARMING}, "", "has no chuck"),
    ],
)
@pytest.mark.parametrize(("kind", "rest"), [(World, {}), (FlashLampStation.Parameters, LAMP)])
def test_a_place_that_cannot_be_is_refused_in_words(kind, rest, body, key, allowed):
    with pytest.raises(ConfigError) as refused:
        validate(kind, {**rest, **body}, file="bench.toml")
    (mistake,) = refused.value.mistakes
    assert mistake.key == key
    assert allowed in mistake.allowed


def test_no_number_is_no_point():
    with pytest.raises(ValidationError):
        ChuckPoint(float("nan"), 300.0)
