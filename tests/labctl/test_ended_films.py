"""A film that a person ended before it was done goes no further without a word; one that was held is not ended."""

from dataclasses import replace

import pytest

from devices.errors import Incomplete, InterlockError
from devices.sputter.states import ChamberState
from labctl.config.folder import Config
from labctl.films.journals import FilmJournals
from labctl.runs.briefs import run_files
from labctl.runs.run import Run
from labctl.samples.believed import believed
from tests.support import quick_films as quick


@pytest.fixture
def asked():
    return []


@pytest.fixture
def lab(tmp_path, asked):
    """Return a session whose person says no, unless it is told otherwise in `lab.word`."""

    def answer(sentence):
        asked.append(sentence)
        return lab.word

    with quick.quick_session(tmp_path / "data", "line", ask=answer) as lab:
        lab.word = "no"
        yield lab


def deposit(lab, recipe):
    return lab.RE(lab.plans.deposit(lab.sputter, quick.foil(), recipe))


def ended(lab, deed):
    """Begin a film of 90 nm and do something to its station while its shutter is open."""
    write, done = lab.sputter._log.row, []

    def row(said):
        write(said)
        if said["open_time"] > 30.0 and not done:
            done.append(True)
            lab.clock.after(0.5, deed, "test")

    lab.sputter._log.row = row
    return deposit(lab, quick.film(thickness=90e-9))


@pytest.mark.timeout(120)
def test_a_film_ended_by_a_person_is_asked_about_by_every_later_step_and_may_be_finished(lab, asked):
    with pytest.raises(Incomplete):
        ended(lab, lab.sputter.safe)
    layer = believed(lab.data, quick.foil()).sample.layers[-1]
    assert layer.doubtful.startswith("ended before it was done, at ")
    assert layer.doubtful.endswith(" of 90.0 nm")
    furnace = Config(quick.ROOT / "config").furnace("furnace-520C-15min")
    for plan in (
        lab.plans.deposit(lab.sputter, quick.foil(), quick.film("sputter-lipon-1um", thickness=10e-9)),
        lab.plans.bake(lab.furnace, quick.foil(), furnace),
    ):
        asked.clear()
        with pytest.raises(InterlockError, match="a person did not agree"):
            lab.RE(plan)
        assert layer.doubtful in asked[0]
    lab.word = "yes"
    broken = next(run.uid for run in map(Run, run_files(lab.data)) if run.start["plan_name"] == "deposit")
    records, recipe = FilmJournals(lab.data), quick.film(thickness=90e-9)
    finish = lab.plans.finish_deposition
    asked.clear()
    lab.RE(finish(lab.sputter, records, lab.hands, quick.foil(), recipe, broken))
    (question,) = asked
    assert "put the other " in question
    assert layer.doubtful in question
    whole = believed(lab.data, quick.foil()).sample.layers[-1]
    assert whole.thickness == pytest.approx(90e-9, abs=2e-9)
    assert whole.doubtful == layer.doubtful


@pytest.mark.timeout(120)
def test_nobody_is_asked_to_finish_a_film_in_a_chamber_that_would_not_take_it(lab, asked):
    with pytest.raises(Incomplete):
        ended(lab, lab.sputter.safe)
    broken = next(run.uid for run in map(Run, run_files(lab.data)) if run.start["plan_name"] == "deposit")
    lab.sputter._machine.go(ChamberState.FAULT, "a cover is open")
    asked.clear()
    recipe, finish = quick.film(thickness=90e-9), lab.plans.finish_deposition
    with pytest.raises(InterlockError, match="a cover is open"):
        lab.RE(finish(lab.sputter, FilmJournals(lab.data), lab.hands, quick.foil(), recipe, broken))
    assert asked == []
    assert lab.sputter.unfinished is not None


@pytest.mark.timeout(120)
def test_nobody_is_asked_to_finish_a_film_where_another_was_cut_off_since(lab, asked):
    with pytest.raises(Incomplete):
        ended(lab, lab.sputter.safe)
    broken = next(run.uid for run in map(Run, run_files(lab.data)) if run.start["plan_name"] == "deposit")
    memory = lab.sputter._memory
    memory.unfinished = replace(memory.unfinished, sample="another", accounted=False)
    asked.clear()
    recipe, finish = quick.film(thickness=90e-9), lab.plans.finish_deposition
    with pytest.raises(InterlockError, match="LiCoO2 on another, was cut off"):
        lab.RE(finish(lab.sputter, FilmJournals(lab.data), lab.hands, quick.foil(), recipe, broken))
    assert asked == []


@pytest.mark.timeout(120)
def test_a_film_that_was_held_and_went_on_is_sound(lab, asked):
    def hold():
        lab.sputter.pause()
        lab.clock.after(20.0, lab.sputter.resume, "test")

    ended(lab, hold)
    layer = believed(lab.data, quick.foil()).sample.layers[-1]
    assert layer.thickness == pytest.approx(90e-9, abs=2e-9)
    assert layer.doubtful == ""
    assert asked == []
