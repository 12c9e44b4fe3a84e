"""A bake that broke off makes the cathode doubtful, in words; one that heated nothing, or came to its end, does not."""

import pytest

from devices.samples import Layer, SampleRef, doubts_about
from labctl.samples.believed import believed
from labctl.samples.broken_bakes import broken_bakes

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
    assert broken_bakes(kept.folder, FOIL.id) == []
    assert doubts_about(believed(kept.folder, FOIL).sample) == ""


def test_a_bake_whose_host_died_is_one_that_broke_off_and_one_under_way_is_not(kept):
    journal = kept.begin(FOIL.id, plan="bake", recipe={"name": "r", "hash": "h", "body": {}})
    kept.rows(journal, "primary", {"elapsed": [0.0]})
    assert broken_bakes(kept.folder, FOIL.id) == []
    journal.close()
    (found,) = broken_bakes(kept.folder, FOIL.id)
    assert found.said == "its bake by r broke off (died)"
