"""What a bar says beside itself of what a station read last."""

import math

import pytest

from labctl.live.bars import read_off, waiting


def reading(age):
    return {"state": "charging", "reading": {"bank": {"voltage": 400.0}, "age": age}}


@pytest.mark.parametrize(("age", "said"), [(0.0, "400 V"), (7.0, "400 V (7 s ago)")])
def test_a_reading_is_told_with_its_age_where_it_is_old(age, said):
    assert read_off(reading(age)) == said


def test_a_first_look_that_is_not_over_is_told_as_no_reading():
    assert waiting("lamp", reading(math.inf)) == "lamp is charging"
