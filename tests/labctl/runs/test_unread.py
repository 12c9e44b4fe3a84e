"""Which journals do not say whose run they are, and what a person said when they were set aside."""

import json

from labctl.runs.briefs import briefs
from labctl.runs.remarks import remarks_path
from labctl.runs.unread import set_aside, unread

BY = {"time": 5.0, "who": "me"}


def journals(kept):
    return sorted((kept.folder / "runs").glob("*/*/*.jnl"))


def flip(path, byte):
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    path.write_bytes(bytes(content))


def test_what_is_damaged_after_its_start_document_is_not_unread(kept):
    kept.anneal()
    kept.anneal()
    spoilt, other = journals(kept)
    flip(other, -40)
    assert unread(kept.folder) == []
    flip(spoilt, 200)
    assert [(each.path, each.aside) for each in unread(kept.folder)] == [(spoilt, None)]
    assert "record 1" in str(unread(kept.folder)[0])


def test_a_journal_that_ends_at_once_is_unread_although_no_list_shows_it(kept):
    kept.anneal()
    (path,) = journals(kept)
    path.write_bytes(path.read_bytes()[:200])
    assert list(briefs(kept.folder)) == []
    assert "ends before its start document" in unread(kept.folder)[0].why


def test_what_a_person_said_stands_with_one_that_was_set_aside(kept):
    kept.anneal()
    (path,) = journals(kept)
    flip(path, 200)
    aside = set_aside(path, "it had three pulses", **BY)
    assert [str(each) for each in unread(kept.folder)] == [f"{aside.name} was set aside: it had three pulses"]
    assert unread(kept.folder)[0].aside == BY["time"]
    assert json.loads(remarks_path(path).read_text())["who"] == "me"
    remarks_path(path).write_text("{\n")
    assert "is not a fact" in str(unread(kept.folder)[0])
