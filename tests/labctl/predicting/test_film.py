"""What is predicted of films, at the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from labctl.config.folder import Config
from labctl.films.rates import FilmRates
from labctl.predicting.anneal import question_of
from labctl.predicting.film import evaporated, sputtered
from labctl.samples.believed import believed
from tests.support import quick_films as quick

CONFIG = Path(__file__).parents[3] / "config"


def told(*arguments, data, code=0):
    done = CliRunner().invoke(
        app, ["predict", *arguments, "--data", str(data), "--config", str(CONFIG)], env={"COLUMNS": "150"}
    )
    assert done.exit_code == code, done.output
    return done.output if code == 0 or done.exception is None else f"{done.output}{done.exception}"


def line_of(said, name):
    return next(line for line in said.splitlines() if line.strip().startswith(name))


def test_a_film_is_told_with_thickness_rate_and_make_up_each_with_its_source(tmp_path):
    said = told("film", "sputter-lco-0.7um", data=tmp_path)
    assert "LiCoO2 0.7 um" in said
    assert "3.00 nm/min" in line_of(said, "rate")
    assert "within a factor of 1.7" in line_of(said, "rate")
    assert "literature" in line_of(said, "rate")
    assert "+-5.0%: ended by the monitor" in line_of(said, "thickness")
    assert "3 h 53 min" in line_of(said, "open shutter")
    assert "0.975" in line_of(said, "Li/Co")
    assert "tension" in line_of(said, "stress as grown")
    assert "lights" in line_of(said, "plasma")


def test_the_electrolyte_is_told_with_its_conductivity_and_lithium_with_its_boat(tmp_path):
    said = told("deposit-lipon", data=tmp_path)
    assert "2e-06 S/cm" in line_of(said, "conductivity")
    assert "50 ohm cm2" in line_of(said, "conductivity")
    said = told("evaporate-li", data=tmp_path)
    assert "0.30 g" in line_of(said, "lithium")
    assert "half-shadow" in line_of(said, "area")


def test_an_experiment_is_told_step_by_step_each_on_what_came_before(tmp_path):
    said = told("line-0.7um", data=tmp_path)
    heads = ("sputter-lco-0.7um on", "fla-850V-20 on", "sputter-lipon-1um on", "evaporate-li-2um on")
    places = [said.index(each) for each in heads]
    assert places == sorted(places)
    assert "fla-850V-20 on lco-grown-0.7um: LiCoO2 0.7 um on Al 100 um" in said
    for name in ("stack-0.7um", "line-furnace-0.7um"):
        furnace = told(name, data=tmp_path)
        assert "furnace-520C-15min on lco-grown-0.7um: LiCoO2 0.7 um on Al 100 um" in furnace


def test_what_makes_no_film_or_is_none_is_said_with_what_to_type(tmp_path):
    assert "makes no film" in told("condition-lco", data=tmp_path, code=1)
    assert "`anneal` and `furnace` predict the others" in told("film", "fla-850V-20", data=tmp_path, code=1)
    assert "did you mean" in told("deposit-lipo", data=tmp_path, code=1)
    assert "name the recipe" in told("film", data=tmp_path, code=2)
    assert "does not depend on it" in told("film", "witness-lco", "--sample", "w", data=tmp_path, code=1)


def rows(recipe, data):
    config = Config(CONFIG)
    on = config.bench("sputter")
    built = on.devices["sputter"].parameters
    return {each.name: each for each in sputtered(recipe, "sputter", built, on, FilmRates(data, on), data)}


def test_a_film_that_ends_by_time_is_as_uncertain_as_its_rate(tmp_path):
    recipe = quick.film(end="time", duration=600.0)
    found = rows(recipe, tmp_path)
    assert found["thickness"].value == "0.03 um"
    assert found["thickness"].remark == "between 0.02 and 0.05 um: ended by time"
    assert found["open shutter"].basis == "as asked"


def test_a_plasma_that_does_not_light_as_it_is_struck_says_so(tmp_path):
    recipe = quick.film("sputter-lipon-1um")
    assert rows(recipe, tmp_path)["plasma"].value == "lights"
    assert rows(replace(recipe, strike=None), tmp_path)["plasma"].value == "DOES NOT LIGHT"


def test_water_that_would_spoil_a_film_is_said(tmp_path):
    recipe = quick.film("sputter-lipon-1um", base_pressure=1e-4)
    assert "SPOILS IT" in rows(recipe, tmp_path)["water"].remark
    dirty = {each.name: each for each in evaporated(quick.evaporation(base_pressure=1e-2), None)}
    assert "OXIDISES IT" in dirty["water"].remark


def test_a_machine_that_was_calibrated_is_told_by_its_own_rate(tmp_path):
    with quick.quick_session(tmp_path) as lab:
        spots = [quick.foil(f"w{number}") for number in (1, 2)]
        recipe = quick.film("witness-lco", thickness=60e-9)
        lab.RE(lab.plans.calibrate_rate(lab.sputter, lab.hands, lab.films, spots, recipe, [100.0, 119.6]))
        film = quick.film()
        known = lab.sputter.film_rate(film)
    found = rows(film, tmp_path)
    assert found["rate"].basis == found["thickness"].basis == "calibrated"
    assert float(found["rate"].value.split()[0]) == pytest.approx(known.rate * 6e10, abs=0.006)
    assert "physics alone says" in found["rate"].remark


def test_belief_puts_a_film_that_a_run_put_on_a_sample_there_once(tmp_path):
    with quick.quick_session(tmp_path) as lab:
        lab.RE(lab.plans.deposit(lab.sputter, quick.foil("lco-grown-0.7um"), quick.film(thickness=400e-9)))
    config = Config(CONFIG)
    question = question_of(config, config.sample("lco-grown-0.7um"), "line", "", tmp_path)
    there = believed(tmp_path, question.described).sample.layers[-1].thickness
    assert question.sample.layers[-1].thickness == there == pytest.approx(400e-9, rel=0.01)
    foil = question.believer.foil(question.described)
    assert float(foil.annealed().width.sum()) == pytest.approx(there, rel=1e-6, abs=0.0)
    assert "LiCoO2 0.3996 um" in told("anneal", "fla-850V-20", "--sample", "lco-grown-0.7um", data=tmp_path)
