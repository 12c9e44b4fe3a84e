"""A session: what is written is on the disk before a lamp is armed, and a disk that fails ends a run in good order."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from bluesky.utils import RunEngineInterrupted

from devices.errors import DataError
from devices.lamp.arming import Arming
from labctl.journal import keeper as keeper_module
from labctl.journal.records import RecordFile
from labctl.journal.verify import verify_run
from labctl.runs.run import Run


def journals(data):
    return sorted((data / "runs").glob("*/*/*.jnl"))


def anneal(lab, sample, recipe):
    return lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))


def fill(lab, monkeypatch, when):
    """Let the disk have no room from some instant on."""
    real = os.statvfs

    def look(path):
        room = real(path)
        return SimpleNamespace(f_bavail=0 if when() else room.f_bavail, f_frsize=room.f_frsize)

    monkeypatch.setattr(lab._keeper.disk, "_look", look)


def test_everything_written_is_on_the_disk_when_a_token_is_granted(lab, sample, recipe, monkeypatch):
    unsynced = {}
    append, sync, issue = RecordFile.append, RecordFile.sync, Arming.issue
    seen = []

    def appended(file, *given):
        append(file, *given)
        unsynced[str(file.path)] = True

    def synced(file):
        sync(file)
        unsynced.pop(str(file.path), None)

    def issued(arming, *given):
        seen.append(dict(unsynced))
        return issue(arming, *given)

    monkeypatch.setattr(keeper_module, "PERIOD", 3600.0)
    monkeypatch.setattr(RecordFile, "append", appended)
    monkeypatch.setattr(RecordFile, "sync", synced)
    monkeypatch.setattr(Arming, "issue", issued)
    anneal(lab, sample, recipe)
    assert seen == [{}]


def test_a_lamp_is_not_armed_when_the_disk_does_not_keep_what_was_written(lab, sample, recipe, monkeypatch):
    def fails():
        raise OSError(5, "Input/output error")

    lab.lamp.before_arming = fails
    with pytest.raises(OSError, match="Input/output error"):
        anneal(lab, sample, recipe)
    assert lab.twins.station("lamp").gate.log == [] or "gate" not in str(lab.twins.station("lamp").gate.log)
    assert "Input/output error" in Run("last", lab.data).stop["reason"]


def test_a_disk_that_fills_up_ends_a_run_in_good_order(lab, sample, recipe, monkeypatch):
    monkeypatch.setattr(keeper_module, "PERIOD", 0.01)
    fill(lab, monkeypatch, lambda: lab.lamp.flight().done >= 2)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, long(recipe)))
    run = Run("last", lab.data)
    assert run.stop["exit_status"] == "abort"
    assert "less than the reserve" in run.stop["reason"]
    assert run.table("outcome")["done"][0] == len(run.table()["pulse"]) < 400
    assert not lab.twins.station("lamp").charger.high_voltage_on
    assert verify_run(run.path).complaints == ()
    with pytest.raises(DataError, match="nothing was begun"):
        anneal(lab, sample, recipe)
    assert len(journals(lab.data)) == 1


def long(recipe):
    return type(recipe)("long", voltage=600.0, pulse_duration=1.8e-3, pulse_count=400, rate=0.4)


def test_a_journal_that_cannot_be_synced_ends_the_run_and_says_that_it_is_doubtful(
    lab, sample, recipe, monkeypatch
):
    real, failed = os.fdatasync, []

    def fails_once(fd):
        if (
            lab.lamp.flight().done >= 2
            and not failed
            and "runs" in str(Path(f"/proc/self/fd/{fd}").readlink())
        ):
            failed.append(fd)
            raise OSError(5, "Input/output error")
        return real(fd)

    monkeypatch.setattr(os, "fdatasync", fails_once)
    monkeypatch.setattr(keeper_module, "PERIOD", 0.01)
    with pytest.raises(RunEngineInterrupted):
        anneal(lab, sample, long(recipe))
    run = Run("last", lab.data)
    assert run.stop["exit_status"] == "abort"
    assert "Input/output error" in run.stop["reason"]
    assert "doubtful" in str(verify_run(run.path))
    assert not lab.twins.station("lamp").charger.high_voltage_on


def test_opening_a_bench_closes_the_runs_of_a_session_that_died(open_lab, tmp_path, sample, recipe):
    lab = open_lab()
    dead = tmp_path / "dead"

    def die(name, doc):
        if name == "event_page" and not dead.exists():
            shutil.copytree(lab.data, dead)

    lab.RE.subscribe(die)
    anneal(lab, sample, recipe)
    open_lab(data=dead)
    run = Run("last", dead)
    assert run.stop["exit_status"] == "fail"
    assert "died" in run.stop["reason"]
    assert run.table("outcome")["recovered"][0] == 1
    assert verify_run(run.path).complaints == ()
    whole = Run("last", lab.data)
    for stream in ("primary", "events", "residual"):
        recovered = run.table(stream)
        for key, column in whole.table(stream).items():
            assert list(map(str, recovered[key])) == list(map(str, column))[: len(recovered[key])]


def test_an_outcome_says_that_nothing_had_to_be_recovered(lab, sample, recipe):
    anneal(lab, sample, recipe)
    outcome = Run("last", lab.data).table("outcome")
    assert (outcome["recovered"][0], outcome["rows_gap"][0]) == (0, 0)


def test_a_data_folder_that_cannot_be_written_is_refused_before_anything_is_opened(open_lab, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "state").write_text("no folder")
    with pytest.raises(DataError, match="cannot be"):
        open_lab(data=data)


def test_a_data_folder_that_vanishes_ends_the_run_in_good_order(lab, sample, recipe, monkeypatch, tmp_path):
    monkeypatch.setattr(keeper_module, "PERIOD", 0.01)
    moved = tmp_path / "moved"

    def vanish(name, doc):
        if name == "event_page" and not moved.exists():
            lab.data.rename(moved)

    lab.RE.subscribe(vanish)
    with pytest.raises(RunEngineInterrupted):
        lab.RE(lab.plans.anneal(lab.lamp, sample, long(recipe)))
    run = Run("last", moved)
    assert "vanished" in run.stop["reason"] or "another folder" in run.stop["reason"]
    assert len(run.table()["pulse"]) == run.table("outcome")["done"][0]
