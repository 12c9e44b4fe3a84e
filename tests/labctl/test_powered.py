"""What is powered, in words."""

from types import SimpleNamespace

import pytest

from labctl.powered import in_words, paused


@pytest.mark.parametrize(("state", "told"), [("firing", "at least 5 of 20"), ("armed", "is armed, 5 of 20")])
def test_pulses_are_counted_with_the_one_in_flight_in_mind(state, told):
    report = {"state": state, "train": {"done": 5, "asked": 20}}
    assert told in in_words([SimpleNamespace(name="lamp", report=lambda: report)])


def station(role, state, hold=600.0):
    report = {"state": state}
    return SimpleNamespace(
        name=role.lower(), role=role, report=lambda: report, limits=SimpleNamespace(hold=hold)
    )


def test_a_pause_says_of_a_film_that_its_shutter_is_closed_and_how_long_its_source_goes_on():
    said = paused([station("SputterSystem", "plasma", 300.0)])
    assert said == (
        "Paused, and no film grows meanwhile: the shutter is closed, a target that burns goes on for up to 300 s and is"
        " then ramped down: sputtersystem is plasma"
    )
    assert "a boat that is hot stays so for up to 600 s and is then ramped down" in paused(
        [station("Evaporator", "plasma")]
    )


def test_a_pause_speaks_of_pulses_where_there_is_a_lamp_alone():
    lamp, cycler = station("FlashLamp", "armed"), station("Potentiostat", "idle")
    assert paused([lamp]).startswith("Paused, and no pulse falls meanwhile: flashlamp is armed")
    assert paused([cycler]).startswith("Paused: potentiostat is idle")
    assert paused([lamp, station("Furnace", "heating")]).startswith(
        "Paused, and no pulse falls meanwhile; the furnace stays as hot as it is led now: flashlamp"
    )
    assert paused([]) == "Paused: no station was begun with"
