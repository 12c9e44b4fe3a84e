"""Whatever stands where a journal is looked for: it is said in our own errors, and the others are read as ever."""

import uuid
from contextlib import suppress

import pytest

import labctl
from devices.errors import Corrupt, DataError, Foreign, Newer, Unreadable
from labctl.journal.aside import put_aside, why_unread
from labctl.journal.cache import columns
from labctl.journal.documents import read_documents, read_ends, read_start
from labctl.journal.records import NEW, has_writer, read_records
from labctl.journal.recovery import recover, recover_run, unended
from labctl.journal.shape import RunShape
from labctl.journal.tail import Tail
from labctl.journal.verify import verify, verify_run
from labctl.runs.briefs import briefs, run_files
from labctl.runs.damaged import damaged
from labctl.runs.entries import entry_of
from labctl.runs.run import Run
from labctl.runs.skim import skim
from labctl.runs.unread import unread
from tests.labctl.journal.odd_files import (
    AFTER_A_START,
    FOREIGN,
    NEWER,
    NO_FILES,
    ODD,
    UID,
    UNREADABLE,
    WITHOUT_A_START,
    line,
    put_all,
    refuse,
)

READERS = {
    "documents": lambda path: list(read_documents(path)),
    "documents until damage": lambda path: list(read_documents(path, until_damage=True)),
    "start": read_start,
    "ends": read_ends,
    "columns": columns,
    "skim": skim,
    "tail": lambda path: list(Tail(path, RunShape()).records()),
    "grown": lambda path: Tail(path).grown(),
    "writer": has_writer,
}


@pytest.fixture
def odd_path(tmp_path):
    (tmp_path / "runs/2026/11").mkdir(parents=True)
    return tmp_path / f"runs/2026/11/{UID}.jnl"


@pytest.mark.parametrize("kind", ODD)
def test_whoever_reads_what_is_no_journal_gets_an_error_of_ours_or_none(kind, odd_path):
    ODD[kind](odd_path)
    for read in READERS.values():
        with suppress(DataError):
            read(odd_path)
    assert not verify_run(odd_path).good
    assert entry_of(odd_path) is None or entry_of(odd_path).columns["damage"]
    if kind not in AFTER_A_START:
        assert why_unread(odd_path)


@pytest.mark.parametrize("kind", AFTER_A_START)
def test_a_damaged_run_is_shown_as_far_as_it_is_one(kind, odd_path, tmp_path):
    AFTER_A_START[kind](odd_path)
    run = Run(odd_path, tmp_path, until_damage=True)
    assert run.start["uid"] == UID
    assert all(len(column) == 0 for stream in run.streams for column in run.table(stream).values())
    with suppress(DataError):
        Run(odd_path, tmp_path).table()


@pytest.mark.parametrize(
    ("kinds", "error"),
    [
        (NO_FILES, Foreign),
        (UNREADABLE, Unreadable),
        (FOREIGN, Foreign),
        (NEWER, Newer),
        ({**WITHOUT_A_START, **AFTER_A_START}, Corrupt),
    ],
)
def test_each_kind_has_its_error(kinds, error, odd_path):
    for kind in kinds.keys() - {"an empty file"}:
        path = odd_path.with_stem(str(uuid.uuid4()))
        kinds[kind](path)
        with pytest.raises(error, match=path.stem):
            list(read_documents(path))


def test_runs_that_died_are_closed_whatever_stands_beside_them(house, tmp_path):
    house.begin().measure(10).collect().measure(7)
    data = house.died(tmp_path / "dead")
    (dead,) = run_files(data)
    odd = put_all(data)
    reports = {report.path: report for report in recover(data)}
    assert reports[dead].rows == 7 + 2 + 2
    assert {kind for kind in WITHOUT_A_START if reports[odd[kind]].trouble} == set(WITHOUT_A_START)
    verdicts = []
    assert not verify(run_files(data), verdicts.append)
    assert len(verdicts) == 1 + len(odd)
    good = {verdict.path for verdict in verdicts if verdict.good}
    left = [path for kind, path in odd.items() if kind not in AFTER_A_START]
    assert dead in good
    assert not good & set(left)
    assert {each.path for each in damaged(data)} >= {odd[kind] for kind in (*FOREIGN, *NO_FILES, *UNREADABLE)}
    assert dead in {brief.path for brief in briefs(data)}


@pytest.mark.parametrize("kind", AFTER_A_START)
def test_a_run_with_records_that_are_none_is_closed_before_them_and_they_are_kept(kind, odd_path, tmp_path):
    AFTER_A_START[kind](odd_path)
    whole = odd_path.read_bytes()
    report = recover_run(odd_path, tmp_path)
    kept = odd_path.with_suffix(".damaged").read_bytes()
    assert report.bytes_lost == len(kept)
    assert whole.endswith(kept)
    assert odd_path.read_bytes().startswith(whole.removesuffix(kept))
    assert read_ends(odd_path)[1]["exit_status"] == "fail"


def test_a_disk_that_does_not_give_one_journal_gives_the_others(house, tmp_path, monkeypatch):
    house.begin().measure(3).end().begin().measure(4)
    data = house.died(tmp_path / "dead")
    spoilt, other = sorted(run_files(data), key=lambda path: read_ends(path)[1] is None)
    refuse(monkeypatch, spoilt)
    (report,) = recover(data)
    assert (report.path, report.trouble) == (other, "")
    assert "Input/output error" in str(verify_run(spoilt))
    assert verify_run(other).good
    assert [each.path for each in unread(data)] == [spoilt]
    assert "Input/output error" in unread(data)[0].why


def test_a_run_that_cannot_be_read_is_left_as_it_is(house, tmp_path, monkeypatch):
    house.begin().measure(3)
    data = house.died(tmp_path / "dead")
    (path,) = run_files(data)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        refuse(patch, path)
        assert "Input/output error" in recover_run(path, data).trouble
    assert path.read_bytes() == before
    assert recover_run(path, data).trouble == ""


def test_a_spool_that_is_none_leaves_its_run_as_it_is_and_others_are_closed(house, tmp_path):
    house.begin().measure(3).collect().measure(2)
    data = house.died(tmp_path / "dead")
    (spool,) = (data / "spool").glob("*/*.jnl")
    (path,) = run_files(data)
    spool.write_bytes(b"milk, eggs\n")
    assert "not a journal" in recover_run(path, data).trouble


def test_a_spool_is_read_up_to_what_is_none_of_it(house, tmp_path):
    house.begin().measure(3).collect().measure(2)
    data = house.died(tmp_path / "dead")
    (spool,) = (data / "spool").glob("*/*.jnl")
    count = sum(1 for _ in read_records(spool))
    with spool.open("ab") as file:
        file.write(line(count, "R", {"stream": "primary", "row": 7}))
    (report,) = recover(data)
    assert (report.trouble, report.rows > 0, report.rows_gap) == ("", True, 1)


def test_a_recipe_that_is_a_text_does_not_keep_its_run_from_being_closed(house, tmp_path):
    house.begin(recipe="hot")
    (report,) = recover(house.died(tmp_path / "dead"))
    assert report.trouble == ""


def test_what_begins_to_be_written_and_is_no_file_is_passed_over(house, tmp_path):
    data = house.begin().died(tmp_path / "dead")
    month = run_files(data)[0].parent
    (month / f"a.jnl{NEW}").mkdir()
    (month / f"b.jnl{NEW}").symlink_to(month / "gone")
    assert len(list(unended(data))) == len(run_files(data))


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_holds_no_past_of_a_sample_and_all_else_may(kind, odd_path, tmp_path):
    NO_FILES[kind](odd_path)
    assert unread(tmp_path) == []


@pytest.mark.parametrize("kind", {**UNREADABLE, **FOREIGN, **NEWER, **WITHOUT_A_START})
def test_what_may_hold_the_past_of_a_sample_is_unread(kind, odd_path, tmp_path):
    ODD[kind](odd_path)
    assert [each.path for each in unread(tmp_path)] == [odd_path]


@pytest.mark.parametrize("kind", [*NO_FILES, *UNREADABLE])
def test_what_is_no_file_can_be_set_aside(kind, odd_path):
    ODD[kind](odd_path)
    aside = put_aside(odd_path)
    assert aside.is_symlink() or aside.exists()
    assert not odd_path.is_symlink()
    assert not odd_path.exists()


def test_a_session_opens_whatever_stands_among_its_journals(tmp_path):
    put_all(tmp_path)
    with labctl.open_session("twin", data=tmp_path) as lab:
        assert lab.data == tmp_path
