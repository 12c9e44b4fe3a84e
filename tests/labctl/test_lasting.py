"""RE.md outlives a session; what the session says of itself does not."""

import copy

import pytest

import labctl
from devices.errors import Corrupt, LabError
from labctl import Run
from labctl.lasting import LastingMetadata


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metadata.json"


def test_what_people_say_is_there_again(path):
    LastingMetadata(path, {"session": "a"})["proposal"] = {"title": "films"}
    again = LastingMetadata(path, {"session": "b"})
    assert {**again} == {"session": "b", "proposal": {"title": "films"}}


def test_what_the_session_says_is_not_kept_whatever_is_put_in_its_place(path):
    md = LastingMetadata(path, {"session": "a"})
    md["session"] = "other"
    md.say("typed", "RE(plan)")
    assert {**md} == {"session": "other", "typed": "RE(plan)"}
    assert {**LastingMetadata(path, {"session": "b"})} == {"session": "b"}


def test_a_change_inside_a_value_is_kept_when_asked_to(path):
    md = LastingMetadata(path, {})
    md["proposal"] = {"title": "films"}
    md["proposal"]["title"] = "cells"
    md.keep()
    assert LastingMetadata(path, {})["proposal"] == {"title": "cells"}
    del md["proposal"]
    assert not LastingMetadata(path, {})


def test_what_cannot_be_kept_is_refused_in_words_and_changes_nothing(path):
    md = LastingMetadata(path, {})
    with pytest.raises(LabError, match="object is no text"):
        md["it"] = object()
    assert not md
    assert not path.exists()


def test_a_file_that_is_no_table_is_not_overwritten(path):
    path.write_text("[1]")
    with pytest.raises(Corrupt, match="mend or remove"):
        LastingMetadata(path, {})
    path.write_text("{")
    with pytest.raises(Corrupt, match="mend or remove"):
        LastingMetadata(path, {})
    assert path.read_text() == "{"


def test_a_copy_is_a_table_of_its_own(path):
    md = LastingMetadata(path, {"session": "a"})
    md["proposal"] = {"title": "films"}
    copied = copy.deepcopy(md)
    copied["proposal"]["title"] = "cells"
    assert type(copied) is dict
    assert md["proposal"]["title"] == "films"


def test_scans_of_a_bench_are_counted_through_its_sessions(tmp_path, sample, recipe):
    found = []
    for proposal in ("one", None):
        with labctl.open_session("twin", data=tmp_path, handle_signals=False) as lab:
            if proposal:
                lab.RE.md["proposal"] = proposal
            lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
            assert lab.begun == [Run("last", tmp_path).uid]
            found.append(Run("last", tmp_path).start)
    assert [each["scan_id"] for each in found] == [1, 2]
    assert [each["proposal"] for each in found] == ["one", "one"]
