"""How often a chamber's instruments are asked."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from devices.errors import Timeout
from devices.sputter.looks import RELAYS, SLOWLY, TURBO, Looks

ROWS = 30
SLOW = ("relays states", "heater read_temperature", "turbo state")


class Counted:
    """A part that counts how often it is asked what, as "part question"."""

    def __init__(self, name, part, asked):
        self._name, self._part, self._asked = name, part, asked

    def __getattr__(self, name):
        found = getattr(self._part, name)
        if not callable(found):
            return found

        def ask(*given):
            self._asked[f"{self._name} {name}"] += 1
            return found(*given)

        return ask


@pytest.fixture
def asked(bench):
    """Return how often each question was asked in so many rows of a chamber with a powered gun."""
    questions = Counter()
    equipment = bench.station._equipment
    counted = {
        name: Counted(name, part, questions)
        for name in ("gas", "valve", "board", "relays", "monitor", "heater", "turbo")
        if (part := getattr(equipment, name)) is not None
    }
    looks = Looks(bench.clock, type(equipment)(**{**vars(equipment), **counted}))
    looks.everything()
    questions.clear()
    for number in range(1, ROWS + 1):
        looks.row(number, sources=("gun1",))
    return questions


@pytest.mark.parametrize(
    "question", ["gas pressures", "gas flows", "valve state", "board opened", "monitor read_film"]
)
def test_what_a_film_depends_on_is_asked_in_every_row(asked, question):
    assert asked[question] == ROWS


@pytest.mark.parametrize(
    ("question", "every"),
    [
        ("relays states", RELAYS),
        ("heater read_temperature", SLOWLY),
        ("board inputs", SLOWLY),
        ("turbo state", SLOWLY),
    ],
)
def test_what_is_slow_is_asked_now_and_then(asked, question, every):
    assert asked[question] == ROWS // every


def test_the_turbo_pumps_speed_is_never_older_than_before(asked):
    assert asked["turbo read_speed"] + asked["turbo state"] >= ROWS // TURBO


def test_the_slow_questions_have_rows_of_their_own(bench):
    questions = Counter()
    equipment = bench.station._equipment
    parts = {
        name: Counted(name, getattr(equipment, name), questions) for name in ("relays", "heater", "turbo")
    }
    looks = Looks(bench.clock, type(equipment)(**{**vars(equipment), **parts}))
    looks.everything()
    for number in range(1, ROWS + 1):
        questions.clear()
        looks.row(number)
        assert sum(questions[each] for each in SLOW) <= 1, number


def test_a_broken_thermocouple_shows_nothing_and_keeps_nobody_from_looking(bench):
    looks, heater = Looks(bench.clock, bench.station._equipment), bench.parts["heater"]
    heater.broken = True
    seen = looks.everything()
    assert math.isnan(seen.temperature)
    assert "S.br" in seen.blind
    for number in range(1, ROWS + 1):
        assert math.isnan(looks.row(number).temperature)
    heater.broken = False
    assert looks.everything().temperature == pytest.approx(295.0)
    assert not seen.blind
    heater.read_temperature = lambda: math.nan
    assert looks.everything().blind


def test_a_dead_wire_is_no_broken_thermocouple(bench):
    def dead():
        raise Timeout("heater: no answer")

    bench.parts["heater"].read_temperature = dead
    with pytest.raises(Timeout):
        Looks(bench.clock, bench.station._equipment).everything()
