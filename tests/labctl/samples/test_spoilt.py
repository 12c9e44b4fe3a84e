"""A bake that broke off, and heat that a person marked bad, make the cathode doubtful in words; other heat does not."""

import pytest

from devices.samples import Layer, SampleRef, doubts_about
from labctl.runs.briefs import find_run
from labctl.runs.remarks import BAD, GOOD, mark_run
from labctl.samples.believed import believed
from labctl.samples.spoilt import spoilt

FOIL = SampleRef("s1", (Layer("Al", 1e-4), Layer("LiCoO2", 0.7e-6)), cell_layers=(Layer("LiPON", 1e-6),))


def bake(kept, *, status="fail", rows=3, done=1, asked=2, reason="stopped"):
    """Keep a bake of FOIL by recipe r."""
    journal = kept.begin(FOIL.id, plan="bake", recipe={"name": "r", "hash": "h", "body": {}})
    if rows:
        kept.rows(journal, "primary", {"elapsed": [float(each) for each in range(rows)]})
    outcome = {"end_reason": [reason], "asked": [asked], "done": [done], "interrupted": [1]}
    kept.rows(journal, "outcome", outcome)
    return kept.end(journal, status)


@pytest.mark.parametrize("status", ["fail", "abort", "success"])
def test_a_bake_that_broke_off_makes_the_cathode_doubtful(kept, status):
    bake(kept, status=status, reason="InterlockError: temperature: 20 degC and not 500 degC")
    sample = believed(kept.folder, FOIL).sample
    said = "its bake by r broke off after 1 of 2 segments (temperature: 20 degC and not 500 degC)"
    assert [each.doubtful for each in (*sample.layers, *sample.cell_layers)] == ["", said, ""]
    assert f"LiCoO2: {said}" in doubts_about(sample)


def test_two_bakes_that_broke_off_are_both_told(kept):
    bake(kept)
    bake(kept, reason="made safe")
    doubtful = believed(kept.folder, FOIL).sample.layers[-1].doubtful
    assert "(stopped); its bake" in doubtful
    assert "(made safe)" in doubtful


def test_a_bake_that_came_to_its_end_or_heated_nothing_leaves_no_doubt(kept):
    bake(kept, status="success", done=2, reason="completed")
    bake(kept, rows=0, done=0)
    assert spoilt(kept.folder, FOIL.id) == []
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""


def test_a_bake_whose_host_died_is_one_that_broke_off_and_one_under_way_is_not(kept):
    journal = kept.begin(FOIL.id, plan="bake", recipe={"name": "r", "hash": "h", "body": {}})
    kept.rows(journal, "primary", {"elapsed": [0.0]})
    assert spoilt(kept.folder, FOIL.id) == []
    journal.close()
    (found,) = spoilt(kept.folder, FOIL.id)
    assert found.said == "its bake by r broke off (died)"


@pytest.mark.parametrize("plan", ["anneal", "bake"])
def test_heat_that_a_person_marked_bad_is_doubted_until_it_is_good_again(kept, plan):
    journal = kept.begin(FOIL.id, plan=plan, recipe={"name": "r", "hash": "h", "body": {}})
    kept.rows(journal, "primary", {"elapsed": [0.0]})
    kept.rows(
        journal, "outcome", {"end_reason": ["completed"], "asked": [2], "done": [2], "interrupted": [0]}
    )
    kept.end(journal)
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""
    mark_run(journal.path, BAD, "oil on foil", time=1.0, who="me")
    said = f"its {plan}, run {journal.path.stem[:8]}, is marked bad: oil on foil"
    sample = believed(kept.folder, FOIL).sample
    assert [each.doubtful for each in (*sample.layers, *sample.cell_layers)] == ["", said, ""]
    mark_run(journal.path, GOOD, "it was water", time=2.0, who="me")
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""


def test_a_cycle_that_is_marked_bad_says_nothing_of_the_film(kept):
    uid = kept.cycle(FOIL.id)
    mark_run(find_run(kept.folder, uid), BAD, "a clip came off", time=1.0, who="me")
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""


@pytest.mark.parametrize("plan", ["anneal", "bake"])
def test_a_run_that_heated_nothing_leaves_no_doubt_whatever_it_is_marked(kept, plan):
    journal = kept.begin(FOIL.id, plan=plan, recipe={"name": "r", "hash": "h", "body": {}})
    kept.end(journal, "fail")
    mark_run(journal.path, BAD, "the lid was open", time=1.0, who="me")
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""
