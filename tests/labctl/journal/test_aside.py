"""Journals that do not say whose run they are, set aside whole."""

import pytest

from devices.errors import OwnershipError
from labctl.journal.aside import ASIDE, aside_journals, put_aside, why_unread


def test_a_journal_that_says_whose_run_it_is_is_told_from_one_that_does_not(house):
    house.begin().measure(2).collect().end().close()
    assert why_unread(house.path) == ""
    content = house.path.read_bytes()
    header = content.index(b"\n") + 1
    for spoilt, why in (
        (content[:header], "ends before its start document"),
        (content[: header + 40], "ends before its start document"),
        (b"milk, eggs\n" + content, "is not a journal"),
        (content[: header + 60] + b"#" + content[header + 61 :], "record 1 at byte"),
        (b"", "is not a journal"),
    ):
        house.path.write_bytes(spoilt)
        assert why in why_unread(house.path)
    house.path.write_bytes(content[:-5])
    assert why_unread(house.path) == ""


def test_one_that_is_set_aside_is_whole_and_no_journal_any_more(house):
    house.begin().measure(2).collect()
    with pytest.raises(OwnershipError):
        put_aside(house.path)
    house.end().close()
    content = house.path.read_bytes()
    aside = put_aside(house.path)
    assert (aside.suffix, aside.read_bytes()) == (ASIDE, content)
    assert aside_journals(house.data) == [aside]
    assert list((house.data / "runs").glob("*/*/*.jnl")) == []


def test_a_folder_without_runs_has_none(tmp_path):
    assert aside_journals(tmp_path) == []
