"""The disk: looked at before and while something runs, never filled to the last byte, never lost in silence."""

import logging
import os
import shutil
import threading
import time
from types import SimpleNamespace

import pytest

from devices.errors import DataError
from devices.limits import DiskLimits
from labctl.config.folder import Config
from labctl.journal import keeper as keeper_module
from labctl.journal.disk import LAST_WORDS, Disk, told_apart
from labctl.journal.documents import Journal, read_ends
from labctl.journal.keeper import Keeper
from labctl.journal.records import RecordFile, read_records
from labctl.journal.verify import verify_run

LIMITS = DiskLimits(reserve=200e6, alarm=1e9)


class Room:
    """A disk of which a test says what is free [B]."""

    def __init__(self, free):
        self.free = free

    def __call__(self, _):
        return SimpleNamespace(f_bavail=self.free // 4096, f_frsize=4096)


def wait_for(found):
    until = time.monotonic() + 10.0
    while not found():
        assert time.monotonic() < until, "it did not come about"
        threading.Event().wait(0.005)


@pytest.fixture
def full(monkeypatch):
    """Return a switch that fills the disk or makes it fail: what the next calls of one kind raise."""

    def fails(name, number, times=1):
        real, left = getattr(os, name), [times]

        def call(*given):
            if left[0] > 0:
                left[0] -= 1
                raise OSError(number, os.strerror(number))
            return real(*given)

        monkeypatch.setattr(os, name, call)

    return fails


def test_the_labs_limits_say_when_to_alarm_and_when_to_end():
    assert Config().limits().disk == LIMITS
    with pytest.raises(ValueError, match="must not be below reserve"):
        DiskLimits(reserve=2e9, alarm=1e9)


def test_a_disk_with_room_sets_a_reserve_aside_once(tmp_path):
    disk = Disk(tmp_path, LIMITS, Room(10**12))
    disk.require()
    reserve = tmp_path / "state" / "reserve"
    assert reserve.stat().st_size == LAST_WORDS
    assert reserve.stat().st_blocks * 512 >= LAST_WORDS
    before = reserve.stat().st_mtime_ns
    disk.require()
    assert reserve.stat().st_mtime_ns == before


def test_below_the_alarm_it_is_said_once_and_below_the_reserve_nothing_is_begun(tmp_path, caplog):
    room = Room(10**12)
    disk = Disk(tmp_path, LIMITS, room)
    room.free = 500 * 10**6
    with caplog.at_level(logging.WARNING):
        disk.require()
        disk.require()
    assert caplog.text.count("500 MB left") == 1
    room.free = 100 * 10**6
    with pytest.raises(DataError, match="less than the reserve of 200 MB; nothing was begun"):
        disk.require()


def test_room_and_reserve_are_told_with_so_many_digits_as_tell_them_apart(tmp_path):
    room = Room(1999 * 4096)
    disk = Disk(tmp_path, DiskLimits(reserve=2000 * 4096, alarm=1e9), room)
    assert disk.trouble().endswith("has 8.188 MB left, less than the reserve of 8.192 MB")
    room.free = 1000 * 4096
    assert disk.trouble().endswith("has 4 MB left, less than the reserve of 8 MB")
    assert told_apart(8e6 - 1, 8e6) == ("7.999999 MB", "8.000000 MB")


def test_a_folder_that_vanished_or_was_replaced_is_not_made_again(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    disk = Disk(data, LIMITS, Room(10**12))
    data.rename(tmp_path / "gone")
    with pytest.raises(DataError, match="vanished"):
        disk.require()
    data.mkdir()
    with pytest.raises(DataError, match="another folder"):
        disk.require()


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(DataError, match=r"cannot be written \(.*\); nothing was begun") as refused:
        Disk(tmp_path, LIMITS, Room(10**12)).require()
    assert "\n" not in str(refused.value)


def test_the_reserve_is_given_up_for_the_last_words(house, full):
    house.keeper.disk.require()
    house.begin().measure(3).collect()
    full("write", 28)
    house.end()
    assert not (house.data / "state" / "reserve").exists()
    assert read_ends(house.path)[1] is not None
    assert verify_run(house.path).good


def test_a_record_that_was_cut_short_by_a_full_disk_leaves_no_half_behind(house, monkeypatch):
    house.begin().measure(3)
    (house.data / "state" / "reserve").unlink()
    before, real = house.path.read_bytes(), os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
    with pytest.raises(OSError, match="is the disk full"):
        house.collect()
    assert house.path.read_bytes() == before


def test_a_failed_sync_is_raised_and_the_file_says_that_it_is_doubtful(house, full, monkeypatch):
    monkeypatch.setattr(keeper_module, "PERIOD", 3600.0)
    house.begin().measure(3).collect()
    house.spool.close()
    full("fdatasync", 5)
    with pytest.raises(OSError, match="Input/output error"):
        house.keeper.sync()
    house.end()
    verdict = verify_run(house.path)
    assert [each for each in verdict.complaints if "doubtful, not synced: Input/output error" in each]
    assert read_ends(house.path)[1] is not None


def test_rows_are_synced_within_a_second_even_when_no_more_come(house, monkeypatch):
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (synced.append(time.monotonic()), real(fd)))
    house.begin()
    synced.clear()
    began = time.monotonic()
    house.streams["primary"].append(1e9, {"voltage": 1.0, "record": 1, "word": ""})
    wait_for(lambda: synced)
    assert synced[0] - began <= keeper_module.PERIOD
    threading.Event().wait(0.7)
    assert len(synced) == 1


def test_a_finished_step_is_on_the_disk_when_the_next_begins(house, monkeypatch):
    house.begin()
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    house.streams["steps"].append(1e9, {"step_index": 0, "trace": [1.0, 2.0]})
    assert len(synced) == 1


def test_rows_are_on_the_disk_when_a_journal_without_a_keeper_has_taken_them(house, monkeypatch):
    house.journal = Journal(house.data)
    house.begin()
    synced = []
    house.streams["primary"].spool = None
    house.streams["primary"].append(1e9, {"voltage": 1.0, "record": 1, "word": ""})
    monkeypatch.setattr(os, "fdatasync", synced.append)
    house.collect()
    assert len(synced) == 1


def test_trouble_of_the_disk_is_told_once_while_it_lasts(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper_module, "PERIOD", 0.02)
    room, told = Room(10**12), []
    keeper = Keeper(Disk(tmp_path, LIMITS, room), told.append)
    keeper.wrote()
    room.free = 1000
    for _ in range(5):
        keeper.wrote()
        threading.Event().wait(0.03)
    assert len(told) == 1
    assert "less than the reserve" in told[0]
    keeper.close()


def test_a_sync_that_fails_on_the_keepers_thread_is_told(tmp_path, monkeypatch, full):
    monkeypatch.setattr(keeper_module, "PERIOD", 0.02)
    told = []
    keeper = Keeper(Disk(tmp_path, DiskLimits(0.0, 0.0)), told.append)
    file = RecordFile(tmp_path / "x.jnl", {})
    keeper.keep(file)
    full("fdatasync", 5)
    file.append("R", {})
    keeper.wrote()
    wait_for(lambda: told)
    assert "Input/output error" in told[0]
    assert str(file.path) in told[0]
    keeper.release(file)
    keeper.close()
    assert [record.kind for record in read_records(file.path)] == ["H", "R", "X"]


def test_one_file_that_fails_keeps_no_other_from_the_disk(tmp_path, full):
    keeper = Keeper(Disk(tmp_path, DiskLimits(0.0, 0.0)))
    files = [RecordFile(tmp_path / f"{number}.jnl", {}) for number in range(2)]
    for file in files:
        keeper.keep(file)
        file.append("R", {})
    full("fdatasync", 5)
    with pytest.raises(OSError, match="Input/output"):
        keeper.sync()
    assert files[1]._synced == 2
    for file in files:
        keeper.release(file)
    keeper.close()


def test_a_refused_start_leaves_no_file_and_what_follows_it_is_not_kept(house):
    house.keeper.disk._look = Room(0)
    house.keeper.disk._limits = LIMITS
    with pytest.raises(DataError, match="nothing was begun"):
        house.begin()
    house.journal("stop", {"run_start": house.uid})
    assert list((house.data / "runs").glob("*/*/*")) == []


def test_what_exists_is_kept_when_the_folder_vanishes(house, tmp_path, rows_of):
    house.begin().measure(3).collect()
    moved = tmp_path / "moved"
    house.data.rename(moved)
    house.measure(3).collect().end()
    path = moved / house.path.relative_to(house.data)
    assert [row["record"] for _, row in rows_of(path)["primary"]] == list(range(6))
    with pytest.raises(DataError, match="vanished"):
        house.begin()
    assert not house.data.exists()
    shutil.copytree(moved, house.data)
