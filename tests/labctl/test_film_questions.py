"""`labctl check` says beforehand what somebody will be asked of an experiment's films."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from labctl.cli import app
from labctl.config.folder import Config
from labctl.film_questions import STEPS, questions_before
from labctl.rehearsing.rehearsal import rehearse
from labctl.samples.next_step import OnIt
from tests.support import quick_films

ROOT = Path(__file__).parents[2]
FOIL = Config(ROOT / "config").sample("lco-grown-0.7um")
FILM = quick_films.film(thickness=30e-9, presputter=60.0)


def test_no_shipped_experiment_asks_on_a_fresh_sample_but_those_that_go_on_with_one(tmp_path):
    folder = Config(ROOT / "config")
    asked = {
        name
        for name in folder.names("experiment")
        if any(f'plan = "{plan}"' in folder.path("experiment", name).read_text() for plan in STEPS)
        and list(questions_before(folder.experiment(name), tmp_path / "none"))
    }
    assert asked == {"deposit-lipon", "evaporate-li"}


def test_one_film_after_another_is_reckoned_with(tmp_path, monkeypatch):
    experiment = Config(ROOT / "config").experiment("stack-0.7um")
    monkeypatch.setitem(STEPS, "full_stack", ("cathode", "electrolyte", "anode", "heat"))
    (said,) = questions_before(experiment, tmp_path)
    assert "2.00 um Li, which melts at 180.5 degC; it is to be heated to 520 degC" in said


@pytest.fixture
def data(tmp_path):
    """Return a data folder in which one film was put on."""
    folder = tmp_path / "data"
    with quick_films.quick_session(folder) as lab:
        lab.RE(lab.plans.deposit(lab.sputter, FOIL, FILM))
    return folder


def test_a_rehearsal_tells_what_will_be_asked(data):
    with quick_films.quick_session(data) as lab:
        names = {"deposit": lab.plans.deposit, "sputter": lab.sputter, "foil": FOIL, "film": FILM}
        (found,) = rehearse(lab, "deposit(sputter, foil, film)", names)
    (said,) = found.questions
    assert said.startswith("agree for sample lco-grown-0.7um at sputter: lco-grown-0.7um has ")
    assert "another 30.0 nm of LiCoO2 is to be put on it" in said


def test_an_experiment_that_was_done_is_told_in_words(data):
    result = CliRunner().invoke(
        app, ["check", "deposit-lco-0.7um", "--config", str(ROOT / "config"), "--data", str(data)]
    )
    assert "somebody will be asked: lco-grown-0.7um has " in result.output
    assert "another 0.70 um of LiCoO2 is to be put on it" in result.output
    there = OnIt.of(data, FOIL)
    assert [film.material for film in there.films] == ["LiCoO2"]
