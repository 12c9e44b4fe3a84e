"""`labctl check` and `labctl run` tell of films that are to be of another thickness than their sample expects."""

import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from labctl.config.finder import config_dir
from labctl.config.folder import Config
from labctl.films.meant import odd_films
from labctl.films.questions import STEPS
from labctl.stack_check import experiment_doubts
from tests.support import quick_films

FOLDER = Config(config_dir())


def test_every_shipped_experiment_makes_its_films_as_thick_as_they_are_meant_to_be():
    plans = [f'plan = "{plan}"' for plan in STEPS]
    names = [
        name
        for name in FOLDER.names("experiment")
        if any(plan in FOLDER.path("experiment", name).read_text() for plan in plans)
    ]
    assert "stack-0.7um" in names
    assert [said for name in names for said in odd_films(FOLDER.experiment(name))] == []


@pytest.mark.parametrize(("name", "where"), [("deposit-lco-0.7um", "recipe"), ("stack-0.7um", "cathode")])
def test_a_film_of_another_thickness_than_described_is_told(name, where):
    experiment = FOLDER.experiment(name)
    thin = quick_films.film(thickness=20e-9)
    if where == "recipe":
        experiment = replace(experiment, recipe=thin)
    else:
        experiment = replace(experiment, arguments={**experiment.arguments, where: thin})
    said = "lco-grown-0.7um is described with 0.7 um of LiCoO2 to come, 0.02 um is to be put on it"
    assert list(odd_films(experiment)) == [said]
    assert f"DOUBT: {said}" in experiment_doubts([experiment], FOLDER)


def test_check_tells_of_a_film_that_is_thinner_than_described(tmp_path):
    config = tmp_path / "config"
    shutil.copytree(FOLDER.directory, config)
    recipe = config / "recipes" / "sputter-lco-0.7um.toml"
    recipe.write_text(recipe.read_text().replace('"0.7 um"', '"20 nm"'))
    result = CliRunner().invoke(
        app, ["check", "deposit-lco-0.7um", "--config", str(config), "--data", str(tmp_path / "data")]
    )
    assert "is described with 0.7 um of LiCoO2 to come, 0.02 um is to be put on it" in result.output


@pytest.mark.parametrize(("nanometres", "is_odd"), [(738, False), (745, True), (662, False), (655, True)])
def test_a_film_may_differ_by_three_uncertainties_of_its_description(nanometres, is_odd):
    """0.7 um +- 14 nm: 42 nm, though that is more than the 5 % of one that is described without."""
    recipe = quick_films.film(thickness=nanometres * 1e-9)
    experiment = replace(FOLDER.experiment("deposit-lco-0.7um"), recipe=recipe)
    assert bool(list(odd_films(experiment))) is is_odd


def test_a_film_that_is_gone_on_with_is_held_against_its_description_too():
    thin = quick_films.film(thickness=20e-9)
    experiment = replace(FOLDER.experiment("deposit-lco-0.7um"), plan="finish_deposition", recipe=thin)
    assert len(list(odd_films(experiment))) == 1
