"""A file of records: on the disk before it has its name, one writer at a time, and no room is told from no disk."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from devices.errors import DataError, Foreign, OwnershipError
from devices.limits import DiskLimits
from labctl.journal import keeper as keeper_module
from labctl.journal.disk import Disk
from labctl.journal.documents import RunJournal, read_ends
from labctl.journal.keeper import Keeper
from labctl.journal.records import RecordFile, read_records
from labctl.journal.recovery import recover
from labctl.journal.spool import DeviceSpool

ALL = DiskLimits(0.0, 0.0)


def test_a_file_has_its_name_only_when_its_first_records_are_on_the_disk_and_then_the_name_is_as_well(
    tmp_path, monkeypatch
):
    done = []
    for name in ("fdatasync", "fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *given, real=real, name=name: (done.append(name), real(*given))[1]
        )
    RecordFile(tmp_path / "x.jnl", {}).close()
    assert done == ["fdatasync", "rename", "fsync"]


def test_the_folders_of_a_file_survive_a_power_cut_each_in_the_one_above_it(tmp_path, monkeypatch):
    synced, real = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd))
    )
    RecordFile(tmp_path / "a" / "b" / "x.jnl", {}).close()
    assert synced == [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]


def test_what_another_start_left_unnamed_is_not_written_into(tmp_path):
    left = tmp_path / "x.jnl.new"
    left.write_bytes(b"of another start")
    with pytest.raises(FileExistsError):
        RecordFile(tmp_path / "x.jnl", {})
    assert left.read_bytes() == b"of another start"


def test_a_file_that_was_taken_is_not_taken_twice(tmp_path):
    RecordFile(tmp_path / "x.jnl", {}).close()
    taken = RecordFile.resumed(tmp_path / "x.jnl")
    with pytest.raises(OwnershipError):
        RecordFile.resumed(tmp_path / "x.jnl")
    taken.close()
    RecordFile.resumed(tmp_path / "x.jnl").close()


@pytest.mark.parametrize(("number", "kept"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EIO, False)])
def test_a_write_is_tried_again_where_room_was_made_and_only_for_want_of_room(
    tmp_path, monkeypatch, number, kept
):
    asked = []
    file = RecordFile(tmp_path / "x.jnl", {}, make_room=lambda: bool(asked.append(1)) or True)
    real, fails = os.write, [True]

    def write(*given):
        if fails.pop() if fails else False:
            raise OSError(number, os.strerror(number))
        return real(*given)

    monkeypatch.setattr(os, "write", write)
    if kept:
        file.append("R", {})
    else:
        with pytest.raises(OSError, match="Input/output"):
            file.append("R", {})
    file.close()
    assert len(asked) == kept
    assert [record.kind for record in read_records(file.path)] == ["H", "R"][: 1 + kept]


@pytest.mark.parametrize("schema", [0, -1, "1", True, None])
def test_a_header_without_a_schema_that_ever_was_is_no_journals(tmp_path, schema):
    RecordFile(tmp_path / "x.jnl", {"schema": schema}).close()
    with pytest.raises(Foreign):
        list(read_records(tmp_path / "x.jnl"))


def test_a_stop_is_found_before_the_doubt_that_was_written_behind_it(tmp_path):
    start = {"uid": "u", "time": 1.0}
    stop = {"time": 2.0, "exit_status": "success"}
    file = RecordFile(tmp_path / "x.jnl", {"holds": "run"}, first=(("D", ["start", start]),))
    file.append("D", ["stop", stop])
    for _ in range(2):
        file.append("X", {"doubt": "not synced"})
    file.close()
    assert read_ends(file.path) == (start, stop)


@pytest.fixture
def synced(monkeypatch):
    """Return how often a file was synced, of a keeper whose second is short."""
    monkeypatch.setattr(keeper_module, "PERIOD", 0.04)
    calls, real = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (calls.append(fd), real(fd)))
    return calls


def quiet(synced):
    """Wait until nothing more is synced, and forget what was."""
    before = -1
    while before != len(synced):
        before = len(synced)
        threading.Event().wait(0.2)
    synced.clear()


def require_synced(synced):
    until = time.monotonic() + 5.0
    while not synced:
        assert time.monotonic() < until, "it is never synced"
        threading.Event().wait(0.005)


def test_one_row_after_a_silence_is_synced_by_the_keeper_wherever_it_was_written(tmp_path, synced):
    keeper = Keeper(Disk(tmp_path, ALL))
    spool = DeviceSpool(tmp_path, "cell", "b0", keeper)
    journal = RunJournal(tmp_path / "x.jnl", {"uid": "u", "time": 1.0}, keeper)
    spool.append("primary", 1.0, {"v": 1.0})
    event = {"descriptor": "d", "seq_num": 1, "time": 1.0, "data": {"v": 1.0}, "timestamps": {"v": 1.0}}
    for write in (lambda: spool.append("primary", 2.0, {"v": 2.0}), lambda: journal.write("event", event)):
        quiet(synced)
        write()
        require_synced(synced)
    journal.close()
    spool.close()
    keeper.close()


@pytest.mark.parametrize("stream", ["steps", "layers"])
def test_a_finished_step_and_a_finished_film_are_on_the_disk_when_their_row_is_written(
    tmp_path, monkeypatch, stream
):
    keeper = Keeper(Disk(tmp_path, ALL))
    monkeypatch.setattr(keeper_module, "PERIOD", 3600.0)
    spool = DeviceSpool(tmp_path, "cell", "b0", keeper)
    spool.append("primary", 1.0, {"v": 1.0})
    calls, real = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (calls.append(threading.current_thread().name), real(fd)))
    spool.append(stream, 2.0, {"v": 2.0})
    assert threading.current_thread().name in calls
    spool.close()
    keeper.close()


def test_trouble_that_went_and_came_again_is_told_again(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper_module, "PERIOD", 0.02)
    told, said = [], [""]
    disk = Disk(tmp_path, ALL)
    monkeypatch.setattr(disk, "trouble", lambda: said[0])
    keeper = Keeper(disk, told.append)
    for trouble, count in (("full", 1), ("full", 1), ("", 1), ("gone", 2)):
        said[0] = trouble
        keeper.wrote()
        threading.Event().wait(0.2)
        assert len(told) == count
    assert told == ["full", "gone"]
    keeper.close()


def test_a_folder_that_was_made_read_only_under_its_reserve_is_refused(tmp_path, monkeypatch):
    disk = Disk(tmp_path, ALL)
    disk.require()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DataError, match=r"cannot be written .*; nothing was begun"):
        disk.require()


def test_a_torn_record_of_a_spool_is_no_gap_since_nobody_was_told_that_it_is_there(house, tmp_path):
    house.begin().measure(9)
    data = house.died(tmp_path / "dead")
    (spool,) = (data / "spool").glob("*/*.jnl")
    spool.write_bytes(spool.read_bytes()[:-10])
    (report,) = recover(data)
    assert report.rows_gap == 0


def test_rows_of_a_spool_that_are_not_those_of_their_stream_leave_a_run_as_it_is(house, tmp_path):
    house.begin().measure(3)
    house.spool.append("primary", house.now, {"other": 1.0})
    data = house.died(tmp_path / "dead")
    (report,) = recover(data)
    assert "the spool's rows are not those of primary" in report.trouble
