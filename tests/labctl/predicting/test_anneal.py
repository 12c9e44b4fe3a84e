import shutil
from dataclasses import replace
from time import perf_counter

import pytest
from typer.testing import CliRunner

from devices.errors import ConfigError
from devices.recipes import AnnealRecipe, MicroPulse
from devices.samples import Layer
from labctl.cli import app
from labctl.config.finder import config_dir
from labctl.predicting.anneal import PLAIN, is_calibrated

PAPER = AnnealRecipe("fla-850V-20", voltage=850.0, pulse_duration=1.8e-3, pulse_count=20, rate=0.4)


def told(*arguments, folder):
    arguments = ["predict", "anneal", *arguments, "--data", str(folder)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.output
    return done.output


def test_a_recipe_is_told_with_peaks_margins_damage_and_thresholds(tmp_path):
    said = told("fla-900V-43", "--sample", "lco-1.2um", folder=tmp_path)
    for word in (
        "film surface peak",
        "ABOVE 660 degC: melts",
        "average power",
        "recharge time",
        "capacity bound",
    ):
        assert word in said
    line = next(line for line in said.splitlines() if "molten_share" in line)
    assert "WARNING" in line
    assert "0.3" in line
    assert "FAULT" not in said


def test_what_was_fitted_is_marked_apart_from_what_is_predicted(tmp_path):
    said = told("fla-850V-20", "--sample", "lco-3.3um", folder=tmp_path).splitlines()
    assert "predicted" in next(line for line in said if "film surface peak" in line)
    assert "calibrated" in next(line for line in said if "exposure per pulse" in line)
    said = told("fla-850V-20", folder=tmp_path).splitlines()
    assert "calibrated" in next(line for line in said if "film surface peak" in line)


@pytest.mark.parametrize(
    ("sample", "recipe", "fitted"),
    [
        (PLAIN, PAPER, True),
        (PLAIN, replace(PAPER, name="other", pulse_count=21), False),
        (PLAIN, replace(PAPER, micro_pulses=(MicroPulse(0.9e-3),) * 2), False),
        (replace(PLAIN, layers=(Layer("Al", 50e-6), Layer("LiCoO2", 0.7e-6))), PAPER, False),
        (replace(PLAIN, layers=(Layer("steel", 100e-6), Layer("LiCoO2", 0.7e-6))), PAPER, False),
    ],
)
def test_only_the_very_films_and_recipes_of_the_fit_count_as_calibrated(sample, recipe, fitted):
    assert is_calibrated(sample, recipe) == fitted


def test_what_lies_below_the_surface_was_not_fitted_even_in_the_papers_900_volt_recipe(tmp_path):
    said = told("fla-900V-43", "--sample", "lco-1.2um", folder=tmp_path).splitlines()
    for name, basis in (
        ("film surface peak", "calibrated"),
        ("crystalline, mean", "calibrated"),
        ("capacity bound", "calibrated"),
        ("Al peak, below the film", "predicted"),
        ("crystalline, bottom", "predicted"),
    ):
        assert basis in next(line for line in said if name in line)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('efficiency = "0.49213"', 'efficiency = "0.48"'),
        ('efficiency = "0.49213"', 'efficiency = "0.49213"\nmount = "hanging"'),
        ('efficiency = "0.49213"', 'efficiency = "0.49213"\nchuck_temperature = "60 degC"'),
    ],
)
def test_under_another_lamp_or_on_another_place_nothing_of_the_film_was_fitted(tmp_path, before, after):
    folder = tmp_path / "config"
    shutil.copytree(config_dir(), folder)
    path = folder / "benches" / "twin.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    said = told("fla-850V-20", "--config", str(folder), folder=tmp_path).splitlines()
    assert "predicted" in next(line for line in said if "film surface peak" in line)


def test_the_coupled_set_is_told_with_what_it_was_fitted_to(tmp_path):
    said = told("fla-850V-20", "--model", "S2", folder=tmp_path)
    assert (
        "set S2, fitted to the FLA paper: absorptance and kinetics: four numbers on six data"
        in said.replace("\n", " ")
    )
    assert "predicted" in next(line for line in said.splitlines() if "film surface peak" in line)
    assert "calibrated" in next(line for line in said.splitlines() if "crystalline, mean" in line)


def test_a_prediction_without_a_sample_says_first_which_film_it_is_for(tmp_path):
    said = told("fla-850V-20", folder=tmp_path)
    assert said.startswith("NO SAMPLE NAMED: this is for a fresh film of LiCoO2 0.7 um on Al 100 um")
    assert "NO SAMPLE" not in told("fla-850V-20", "--sample", "lco-0.7um", folder=tmp_path)


def test_all_heat_on_another_substrate_is_a_guess_and_said_to_be_one(tmp_path, folder_with_steel):
    said = told("fla-850V-20", "--sample", "steel", "--config", str(folder_with_steel), folder=tmp_path)
    for name in ("film surface peak", "steel peak, below the film", "crystalline, mean", "capacity bound"):
        assert "guess" in next(line for line in said.splitlines() if name in line)
    assert "ABSORPTANCE IS A GUESS on steel" in said
    assert "Damage, all a guess" in said
    assert "GUESS" not in told("fla-850V-20", folder=tmp_path)


def test_a_margin_is_told_as_a_difference_of_temperatures(tmp_path):
    said = told("fla-850V-20", folder=tmp_path).splitlines()
    line = next(line for line in said if "substrate_margin" in line)
    value, *rest = line.split()[1:]
    assert float(value) < 0.0
    assert rest == ["K", "0", "K", "50", "K", "ok"]


def test_steel_is_told_with_its_empirical_share(tmp_path, folder_with_steel):
    said = told("fla-850V-20", "--sample", "steel", "--config", str(folder_with_steel), folder=tmp_path)
    line = next(line for line in said.splitlines() if "share of it reached" in line)
    assert "empirical" in line
    assert "53%" in line


@pytest.fixture
def folder_with_steel(tmp_path):
    folder = tmp_path / "config"
    shutil.copytree(config_dir(), folder)
    text = (folder / "samples" / "lco-0.7um.toml").read_text()
    (folder / "samples" / "steel.toml").write_text(text.replace('material = "Al"', 'material = "steel"'))
    return folder


def test_every_recipe_of_the_paper_is_predicted_in_less_than_a_second(tmp_path):
    told("fla-850V-20", folder=tmp_path)
    for recipe in ("fla-850V-20", "fla-900V-43", "fla-850V-300"):
        start = perf_counter()
        told(recipe, "--sample", "lco-3.3um", folder=tmp_path)
        assert (
            perf_counter() - start < 1.5
        )  # the second that is promised, on a machine that has nothing else to do


def test_an_unknown_recipe_is_answered_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match="fla-850V-20"):
        told("fla-850V-21", folder=tmp_path)


def test_only_anneals_can_be_predicted():
    done = CliRunner().invoke(app, ["predict", "cycle", "fla-850V-20"])
    assert done.exit_code == 2
