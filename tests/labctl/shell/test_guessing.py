"""What was meant by a name that is not there: shelves first, near names only where they are near."""

import pytest

from labctl.config.folder import Config
from labctl.shell.guessing import meant_attribute, meant_name
from labctl.shell.namespace import names_of


@pytest.fixture
def names(lab):
    return names_of(Config(), lab.data, lab)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("fla_850V_20", 'recipes["fla-850V-20"]'),
        ("lco_0_7um", 'samples["lco-0.7um"]'),
        ("fla_0_7um", 'lab.run(experiments["fla-0.7um"])'),
        ("formation", 'programs["formation"]'),
    ],
)
def test_a_file_typed_bare_is_told_with_its_shelf(names, typed, told):
    assert told in meant_name(typed, names)


def test_a_slip_of_the_hand_is_told_and_a_noun_becomes_no_plan(names):
    assert meant_name("aneal", names) == '; did you mean "anneal"?'
    assert meant_name("formaton", names) == '; did you mean "formation" in programs?'
    assert meant_name("gentle", names) == ""
    assert "plans" in names


def test_of_a_station_its_parts_are_looked_through_and_no_deed_is_guessed(lab):
    assert meant_attribute("chargr", lab.lamp) == '; did you mean "charger"?'
    assert "lamp.charger.voltage" in meant_attribute("voltage", lab.lamp)
    assert "configure" not in meant_attribute("fire", lab.lamp)
    assert "RE(PLAN(lamp, ...))" in meant_attribute("fire", lab.lamp)
    assert meant_attribute("nothing", 1) == ""
