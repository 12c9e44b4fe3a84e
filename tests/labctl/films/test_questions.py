"""`labctl check` says beforehand what somebody will be asked of an experiment's films."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.errors import LabError
from devices.samples import doubts_about
from labctl.cli import app
from labctl.config.folder import Config
from labctl.films.check import tell_films
from labctl.films.journals import FilmJournals
from labctl.films.questions import STEPS, questions_before, refusals_before
from labctl.rehearsing.rehearsal import rehearse
from labctl.runs.films import FilmPutOn
from labctl.runs.run import Run
from labctl.samples.believed import believed
from labctl.samples.facts import Facts
from labctl.samples.next_step import OnIt
from tests.support import quick_films

ROOT = Path(__file__).parents[3]
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
    (said,) = refusals_before(experiment, tmp_path)
    assert "1.00 um LiPON, which is known to bear 250 degC; it is to be heated to 520 degC" in said


def covered(tmp_path, monkeypatch):
    """Return an empty data folder in which a film of LiPON lies on a cathode of FOIL."""
    films = [
        FilmPutOn(each, 1e-6, 1e-8, "monitor", time=1e9 + n) for n, each in enumerate(("LiCoO2", "LiPON"))
    ]
    monkeypatch.setattr("labctl.samples.next_step.deposited", lambda *_: films)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "hot"), [("line-0.7um", "to be flashed"), ("line-furnace-0.7um", "520 degC")]
)
def test_check_foretells_that_heat_is_refused_over_an_electrolyte(tmp_path, monkeypatch, name, hot):
    data = covered(tmp_path, monkeypatch)
    path = ROOT / "config" / "experiments" / f"{name}.toml"
    (told,) = (each for each in tell_films([path], config=ROOT / "config", data=data) if each.stopped)
    assert "would be refused: lco-grown-0.7um has 1.00 um LiPON since " in told.lines[0]
    assert "known to bear 250 degC" in told.lines[0]
    assert hot in told.lines[0]


def test_the_heat_of_a_line_is_asked_about_where_its_foil_would_melt(tmp_path):
    config = Config(ROOT / "config")
    experiment = replace(config.experiment("line-furnace-0.7um"), recipe=config.furnace("rta-700C"))
    (said,) = questions_before(experiment, tmp_path)
    assert said.endswith("Al, which melts at 660.3 degC; it is to be heated to 700 degC")
    assert list(refusals_before(experiment, tmp_path)) == []


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


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Return a data folder with a film on FOIL that was ended early, and the uid of its run."""
    folder = tmp_path_factory.mktemp("broken") / "data"
    with quick_films.quick_session(folder) as lab:
        timer = []

        def end(name, doc):
            if name == "event_page" and lab.sputter.read_state() == "deposit" and not timer:
                timer.append(lab.clock.now())
                lab.sputter.stop()

        lab.RE.subscribe(end)
        with pytest.raises(LabError):
            lab.RE(lab.plans.deposit(lab.sputter, FOIL, quick_films.film(thickness=90e-9)))
    return folder, Run("last", folder).uid


def test_a_film_that_is_doubtful_is_asked_about_by_whatever_takes_it(broken):
    folder, _ = broken
    config = Config(ROOT / "config")
    doubts = doubts_about(believed(folder, FOIL).sample)
    assert doubts.startswith(f"a film of {FOIL.id} is doubtful (LiCoO2: ")
    for name in ("deposit-lipon", "evaporate-li", "line-0.7um", "stack-0.7um"):
        assert list(questions_before(config.experiment(name), folder)).count(doubts) == 1, name


def test_the_same_film_again_after_one_that_was_cut_off_is_told_what_puts_on_the_rest(broken):
    folder, uid = broken
    experiment = Config(ROOT / "config").experiment("deposit-lco-0.7um")
    _, said = questions_before(experiment, folder)
    assert f'plan = "finish_deposition", its sample, its recipe and run = "{uid[:8]}" puts on only' in said


def test_what_check_foretells_is_what_a_rehearsal_asks(broken):
    folder, _ = broken
    experiment = Config(ROOT / "config").experiment("deposit-lipon")
    with quick_films.quick_session(folder) as lab:
        names = {"deposit": lab.plans.deposit, "sputter": lab.sputter, "foil": FOIL}
        names["lipon"] = quick_films.film("sputter-lipon-1um", thickness=30e-9)
        (found,) = rehearse(lab, "deposit(sputter, foil, lipon)", names)
    asked = [each.partition(": ")[2].removesuffix("; type yes") for each in found.questions]
    assert asked == list(questions_before(experiment, folder))


def test_the_rest_of_a_film_is_asked_about_with_how_much_there_is(broken, tmp_path):
    folder, uid = broken
    recipe = quick_films.film(thickness=90e-9)
    experiment = replace(
        Config(ROOT / "config").experiment("deposit-lco-0.7um"),
        plan="finish_deposition",
        recipe=recipe,
        arguments={"run": uid},
    )
    (said,) = questions_before(experiment, folder)
    assert (
        " of 90.0 nm LiCoO2 were put on before it broke off (doubtful: ended before it was done, at " in said
    )
    assert "); put the other " in said
    with quick_films.quick_session(folder) as lab:
        names = {"finish": lab.plans.finish_deposition, "sputter": lab.sputter, "hands": lab.hands}
        names |= {"records": FilmJournals(folder), "foil": FOIL, "film": recipe, "run": uid}
        (found,) = rehearse(lab, "finish(sputter, records, hands, foil, film, run)", names)
    assert [each.partition(": ")[2].removesuffix("; type yes") for each in found.questions] == [said]


def test_of_a_film_that_is_gone_on_with_check_tells_the_rest(broken, monkeypatch):
    folder, uid = broken
    config, path = ROOT / "config", ROOT / "config" / "experiments" / "deposit-lco-0.7um.toml"
    whole = quick_films.film(thickness=90e-9)
    done = FilmJournals(folder).so_far(uid, FOIL, whole).thickness
    told = []
    rest = replace(whole, thickness=90e-9 - done)
    for plan, recipe in (("finish_deposition", whole), ("deposit", rest), ("deposit", whole)):
        experiment = replace(
            Config(config).experiment("deposit-lco-0.7um"), plan=plan, recipe=recipe, arguments={"run": uid}
        )
        monkeypatch.setattr(Config, "experiment", lambda self, name, given=experiment: given)
        (found,) = tell_films([path], config=config, data=folder)
        told.append(found.lines)
    assert told[0] == told[1] != told[2]
    other = replace(experiment, plan="finish_deposition", recipe=replace(whole, thickness=80e-9))
    monkeypatch.setattr(Config, "experiment", lambda self, name: other)
    (found,) = tell_films([path], config=config, data=folder)
    assert found.stopped
    assert "would be refused: run" in found.lines[0]


def test_what_a_person_agreed_to_is_asked_no_more_at_that_place(broken, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(broken[0], folder)
    config = Config(ROOT / "config")
    doubts = doubts_about(believed(folder, FOIL).sample)
    Facts(folder).add(FOIL.id, 1.0, "confirmed", place="sputter", question=doubts, by="person")
    assert doubts not in questions_before(config.experiment("deposit-lipon"), folder)
    assert doubts in questions_before(config.experiment("evaporate-li"), folder)
    assert doubts in questions_before(config.experiment("line-0.7um"), folder)


@pytest.mark.parametrize(("place", "is_agreed"), [("biologic/3", True), ("sputter", False)])
def test_a_word_at_whatever_cycler_is_good_for_a_cycler(broken, tmp_path, place, is_agreed):
    folder = tmp_path / "data"
    shutil.copytree(broken[0], folder)
    config = Config(ROOT / "config")
    doubts = doubts_about(believed(folder, FOIL).sample)
    Facts(folder).add(FOIL.id, 1.0, "confirmed", place=place, question=doubts, by="person")
    cycling = replace(config.experiment("line-0.7um"), plan="cycle", recipe=None, arguments={})
    assert (doubts not in questions_before(cycling, folder)) is is_agreed


def test_an_experiment_that_was_done_is_told_in_words(data):
    result = CliRunner().invoke(
        app, ["check", "deposit-lco-0.7um", "--config", str(ROOT / "config"), "--data", str(data)]
    )
    assert "somebody will be asked: lco-grown-0.7um has " in result.output
    assert "another 0.70 um of LiCoO2 is to be put on it" in result.output
    there = OnIt.of(data, FOIL)
    assert [film.material for film in there.films] == ["LiCoO2"]
