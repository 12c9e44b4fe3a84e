"""Recovery: nothing that was spooled is lost or doubled, whatever died where, recovery itself included."""

import os
import shutil

import numpy as np
import pytest

from labctl.journal import recovery
from labctl.journal.documents import read_documents, read_ends
from labctl.journal.records import RecordFile, read_records
from labctl.journal.recovery import recover, recover_run
from labctl.journal.verify import verify_run
from tests.labctl.journal.conftest import House


def journal_in(data):
    (path,) = (data / "runs").glob("*/*/*.jnl")
    return path


def records_of(rows):
    return [row["record"] for _, row in rows["primary"]]


def same(left, right):
    """Whether rows are equal, NaN included."""
    return str(left) == str(right)


def test_rows_that_were_never_collected_come_from_the_spool(house, tmp_path, rows_of):
    house.begin().measure(10).collect().measure(7)
    data = house.died(tmp_path / "dead")
    (report,) = recover(data)
    house.collect().end()
    found, whole = rows_of(journal_in(data)), rows_of(house.path)
    for stream in ("primary", "steps", "events"):
        assert same(found[stream], whole[stream])
    assert records_of(found) == list(range(17))
    assert report.rows == 7 + 2 + 2
    assert verify_run(journal_in(data)).complaints == ()


def test_a_recovered_run_has_an_outcome_that_says_so_and_a_stop_with_its_reason(house, tmp_path, rows_of):
    house.begin().measure(10).collect().measure(5)
    data = house.died(tmp_path / "dead")
    recover(data)
    ((time, outcome),) = rows_of(journal_in(data))["outcome"]
    assert outcome == {
        "end_reason": "died",
        "asked": -1,
        "done": 5,
        "interrupted": 1,
        "recovered": 1,
        "rows_gap": 0,
    }
    stop = read_ends(journal_in(data))[1]
    assert stop["exit_status"] == "fail"
    assert "died" in stop["reason"]
    assert stop["time"] == time == house.now


@pytest.mark.parametrize(
    ("start", "done"),
    [
        ({"recipe": {"body": {"thickness": 7e-7}}}, -1),
        ({"recipe": {"body": {"segments": []}}}, -1),
        ({}, -1),
        ({"recipe": {"body": {"pulse_count": 20}}}, 2),
        ({"recipe": {"body": {}}, "sites": 40}, 2),
    ],
    ids=["film", "furnace", "service", "pulses", "cells of a sheet"],
)
def test_rows_say_how_much_was_done_only_where_they_are_what_is_counted(
    house, tmp_path, rows_of, start, done
):
    del house.streams["steps"]
    house.begin(**start)
    for record in range(2):
        house.streams["primary"].append(house.now, {"voltage": 3.9, "record": record, "word": ""})
    data = house.died(tmp_path / "dead")
    recover(data)
    ((_, outcome),) = rows_of(journal_in(data))["outcome"]
    assert outcome["done"] == done


def test_a_run_without_any_stream_gets_an_outcome_of_its_own(house, tmp_path, rows_of):
    house.journal("start", {"uid": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "time": 1e9})
    data = house.died(tmp_path / "dead")
    recover(data)
    assert len(rows_of(journal_in(data))["outcome"]) == 1
    assert verify_run(journal_in(data)).complaints == ()


def test_rows_from_before_the_run_that_it_would_have_collected_are_its_own(house, tmp_path, rows_of):
    """What a device said after one run's last page is collected by the next run."""
    house.begin().measure(4).collect().end().measure(2).begin().measure(3)
    second = house.path.name
    data = house.died(tmp_path / "dead")
    (report,) = recover(data)
    assert report.path.name == second
    assert records_of(rows_of(report.path)) == [4, 5, 6, 7, 8]


def test_rows_of_a_later_run_are_not_those_of_one_that_lost_its_journal(house, tmp_path, rows_of):
    house.begin().measure(4).collect().measure(3)
    first = house.path.name
    for rows in house.streams.values():
        list(rows.collect_pages())  # taken by the engine, and its journal did not take them
    house.begin().measure(5).collect().end()
    data = house.died(tmp_path / "dead")
    (report,) = recover(data)
    assert report.path.name == first
    assert records_of(rows_of(report.path)) == list(range(7))


def test_a_living_run_is_left_alone(house):
    house.begin().measure(3)
    before = house.path.read_bytes()
    assert recover(house.data) == []
    assert recover_run(house.path, house.data) is None
    assert house.path.read_bytes() == before


def test_a_run_that_ended_is_left_alone(house, tmp_path):
    house.begin().measure(3).collect().end()
    data = house.died(tmp_path / "dead")
    before = journal_in(data).read_bytes()
    assert recover(data) == []
    assert recover_run(journal_in(data), data) is None
    assert journal_in(data).read_bytes() == before


def test_a_torn_tail_is_cut_off_and_kept_beside_and_its_rows_come_from_the_spool(house, tmp_path, rows_of):
    house.begin().measure(10).collect()
    data = house.died(tmp_path / "dead")
    path = journal_in(data)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    (report,) = recover(data)
    kept = path.with_suffix(".damaged").read_bytes()
    assert report.bytes_lost == len(kept)
    assert whole.startswith(path.read_bytes()[: whole.index(kept)])
    assert whole[:-20].endswith(kept)
    assert records_of(rows_of(path)) == list(range(10))
    assert f"{len(kept)} bytes" in read_ends(path)[1]["reason"]


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_the_file_cut_at_any_byte_of_its_last_three_records_is_recovered_whole(
    house, tmp_path, rows_of, step
):
    house.begin().measure(4).collect().measure(4).collect()
    dead = house.died(tmp_path / "dead")
    data = journal_in(dead).read_bytes()
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]
    whole = rows_of(house.path)
    for cut in range(ends[-4], len(data), step):
        shutil.rmtree(dead / "runs")
        house_path = dead / house.path.relative_to(house.data)
        house_path.parent.mkdir(parents=True)
        house_path.write_bytes(data[:cut])
        assert len(recover(dead)) == 1
        found = rows_of(house_path)
        assert all(same(found[stream], rows) for stream, rows in whole.items())


def test_a_hole_of_zeros_is_set_aside_with_what_follows_it(house, tmp_path, rows_of):
    """A power cut may leave a file with its length and without its bytes."""
    house.begin().measure(4).collect().measure(4).collect()
    data = house.died(tmp_path / "dead")
    path = journal_in(data)
    content = bytearray(path.read_bytes())
    ends = [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]
    content[ends[-3] : ends[-3] + 30] = bytes(30)
    path.write_bytes(bytes(content))
    recover(data)
    assert records_of(rows_of(path)) == list(range(8))
    assert path.with_suffix(".damaged").read_bytes() == bytes(content[ends[-3] :])


def test_damage_in_the_middle_of_a_run_that_ended_is_touched_only_when_the_run_is_named(
    house, tmp_path, rows_of
):
    house.begin().measure(4).collect().measure(4).collect().end()
    data = house.died(tmp_path / "dead")
    path = journal_in(data)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))
    assert recover(data) == []
    assert path.read_bytes() == bytes(content)
    assert recover_run(path, data).bytes_lost
    assert records_of(rows_of(path)) == list(range(8))


def test_a_spool_with_a_torn_tail_gives_what_is_before_it(house, tmp_path, rows_of):
    house.begin().measure(9)
    data = house.died(tmp_path / "dead")
    (spool,) = (data / "spool").glob("*/*.jnl")
    spool.write_bytes(spool.read_bytes()[:-10])
    recover(data)
    assert records_of(rows_of(journal_in(data))) == list(range(8))


def test_damage_in_a_spool_is_counted_as_a_gap(house, tmp_path, rows_of):
    house.begin().measure(9)
    data = house.died(tmp_path / "dead")
    (spool,) = (data / "spool").glob("*/*.jnl")
    lines = spool.read_bytes().splitlines(keepends=True)
    spool.write_bytes(b"".join([*lines[:-2], b"x" + lines[-2][1:], lines[-1]]))
    (report,) = recover(data)
    assert report.rows_gap == 2
    assert rows_of(report.path)["outcome"][0][1]["rows_gap"] == 2


def test_a_journal_that_names_a_file_outside_of_the_spools_gets_no_rows_from_it(house, tmp_path, rows_of):
    house.begin().measure(3)
    data = house.died(tmp_path / "dead")
    path = journal_in(data)
    records = list(read_records(path))
    path.unlink()
    forged = RecordFile(path, {"holds": "run"})
    for record in records[1:]:
        said = record.payload
        if record.kind == "D" and len(said) == 3:
            said = [*said[:2], {**said[2], "spool": f"../{said[2]['spool']}"}]
        forged.append(record.kind, said)
    forged.close()
    recover(data)
    assert "primary" not in rows_of(path)


def test_a_journal_whose_start_cannot_be_read_is_left_as_it_is_and_said(house, tmp_path):
    house.begin().measure(3)
    data = house.died(tmp_path / "dead")
    path = journal_in(data)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"x" + lines[1][1:])
    (report,) = recover(data)
    assert "no start document" in report.trouble
    assert path.read_bytes().startswith(lines[0])


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Ends the process at the n-th system call that changes a file."""

    CALLS = ("write", "ftruncate", "fsync", "fdatasync", "rename", "replace")

    def __init__(self, monkeypatch, at, *, half=False, calls=CALLS):
        self.calls, self._at, self._half, self._dead = 0, at, half, False
        for name in calls:
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name, real):
        def call(*given):
            self.calls += 1
            if self._dead or self.calls == self._at:
                if name == "write" and self._half and not self._dead:
                    real(given[0], given[1][: len(given[1]) // 2])
                self._dead = True
                raise Killed
            return real(*given)

        return call


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("half", [False, True])
def test_recovery_that_is_killed_at_any_call_is_done_again_with_the_same_result(
    house, tmp_path, rows_of, monkeypatch, torn, half
):
    monkeypatch.setattr(recovery, "PAGE", 3)
    house.begin(outcome=not torn).measure(10).collect().measure(8)
    dead = house.died(tmp_path / "dead")
    path = dead / house.path.relative_to(house.data)
    if torn:
        path.write_bytes(path.read_bytes()[:-5])
    undisturbed = shutil.copytree(dead, tmp_path / "undisturbed")
    recover(undisturbed)
    wanted = (undisturbed / house.path.relative_to(house.data)).read_bytes()
    at = 0
    while True:
        at += 1
        again = tmp_path / f"again{at}"
        shutil.copytree(dead, again)
        with monkeypatch.context() as patched:
            Killer(patched, at, half=half)
            try:
                recover(again)
                killed = False
            except Killed:
                killed = True
        recover(again)
        found = again / house.path.relative_to(house.data)
        if half:
            assert records_of(rows_of(found)) == list(range(18))
            assert verify_run(found).complaints == ()
            assert sum(name == "stop" for name, _ in read_documents(found)) == 1
        else:
            assert found.read_bytes() == wanted
        shutil.rmtree(again)
        if not killed:
            break
    assert at > 8


def test_a_start_that_was_never_told_to_anybody_is_swept_away(tmp_path, monkeypatch):
    data = tmp_path / "data"
    made = House(data)
    with monkeypatch.context() as patched:
        Killer(patched, 1, calls=("rename",))
        patched.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            made.begin()
    assert [path.suffix for path in (data / "runs").glob("*/*/*")] == [".new"]
    recover(data)
    assert list((data / "runs").glob("*/*/*")) == []
    made.close()


def test_what_was_measured_survives_the_way_through_spool_and_recovery_bit_by_bit(house, tmp_path, rows_of):
    house.begin().measure(20)
    data = house.died(tmp_path / "dead")
    recover(data)
    voltages = [row["voltage"] for _, row in rows_of(journal_in(data))["primary"]]
    house.collect()
    kept = [row["voltage"] for _, row in rows_of(house.path)["primary"]]
    assert np.array_equal(voltages, kept, equal_nan=True)
    assert np.isnan(voltages[1])
    assert voltages[2] == np.inf
