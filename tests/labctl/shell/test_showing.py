"""What newcomers type without parentheses, or to look at it, is shown in words and with units."""

from types import SimpleNamespace

import pytest
from IPython.core.formatters import PlainTextFormatter

from labctl.config.folder import Config
from labctl.shell.shelves import Recipes
from labctl.shell.showing import show_in_words, with_units


@pytest.fixture
def shown():
    formatter = PlainTextFormatter()
    show_in_words(formatter)
    return formatter


def test_what_was_not_called_says_so(shown, lab, sample, recipe):
    assert "nothing has been done yet. RE(anneal(...)) runs it" in shown(lab.plans.anneal)
    assert "nothing has been done yet" in shown(lab.plans.anneal(lab.lamp, sample, recipe))
    assert shown(lab.RE.resume).startswith("resume was not called")
    assert shown([].append).startswith("<")


def test_stations_and_their_parts_are_told_in_words(shown, lab):
    assert shown(lab.potentiostat) == "potentiostat is open; channels (Admiral Squidstat)"
    assert shown(lab.lamp).startswith("lamp: ")
    assert shown(lab.lamp.charger).startswith("lamp_charger, ")
    assert shown(lab.lamp.charger.voltage) == "lamp_charger_voltage is 0 V"


def test_quantities_of_files_have_the_units_that_people_type(sample, recipe):
    assert "pulse duration 1.8 ms" in with_units(recipe)
    told = with_units(sample)
    assert "material LiCoO2, thickness 0.7 um" in told
    assert "area 0.15 cm^2" in told
    assert "charge rate 0.5 C" in with_units(Config().program("cccv"))


def test_every_recipe_of_the_configuration_can_be_asked_for_and_shown():
    recipes = Recipes(Config())
    for name in recipes:
        assert name in with_units(recipes[name])


def test_experiments_plans_and_hands_are_told_in_words(shown, lab):
    told = shown(Config().experiment("fla-0.7um"))
    assert 'lab.run(experiments["fla-0.7um"]) runs it' in told
    assert "LiCoO2 0.7 um" in told
    assert "0.0001" not in told
    assert "Flash a film with a train" in shown(lab.plans)
    assert shown(SimpleNamespace(anneal=1, other=2)) == "namespace(anneal=1, other=2)"
    assert repr(lab.hands).startswith("hands: ")


def test_recipes_of_films_have_the_units_that_people_type():
    told = with_units(Recipes(Config())["sputter-lco-0.7um"])
    assert "power density 5.9 W/cm^2" in told
    assert "presputter 15 min" in told
