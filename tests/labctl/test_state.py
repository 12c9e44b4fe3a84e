"""Last words: whole at any instant, at once where they say something new, and of the living told from the dead."""

import json
import os
import threading
import time
from types import SimpleNamespace

import pytest

from devices.errors import Corrupt
from labctl import state
from labctl.state import Owner, StateFile, last_said, state_path, states


@pytest.fixture
def path(tmp_path):
    return state_path(tmp_path, "lamp", "twin", twin=True)


@pytest.fixture
def file(path):
    return StateFile(path, "lamp", "twin", SimpleNamespace(time=lambda: 1.75e9))


def test_what_is_new_is_written_at_once_and_a_reading_at_most_once_a_second(file, path, monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(state, "monotonic", lambda: moment[0])
    for number, (dt, report) in enumerate(
        [
            (0.0, {"state": "safe", "reading": 1}),
            (0.1, {"state": "charging", "reading": 2}),
            (0.1, {"state": "charging", "reading": 3}),
            (0.9, {"state": "charging", "reading": 4}),
        ]
    ):
        moment[0] += dt
        file.publish(report)
        assert last_said(path).sequence == (1, 2, 2, 3)[number]
    assert last_said(path).report == {"state": "charging", "reading": 4}


def test_the_living_are_told_from_the_dead(file, path):
    file.publish({"state": "firing"})
    assert not last_said(path).died
    told = json.loads(path.read_text())
    for change in ({"boot": "another"}, {"began": "0"}, {"pid": 4_194_304}):
        path.write_text(json.dumps({**told, "owner": {**told["owner"], **change}}))
        assert last_said(path).died
    path.write_text(json.dumps(told))
    file.close()
    assert not last_said(path).died


def test_a_killed_process_is_dead_before_anybody_waits_for_it():
    pid = os.fork()
    if pid == 0:
        threading.Event().wait()
    there = Owner(pid, Owner.this(0.0).boot, state._began(pid), 0.0)
    assert there.lives
    os.kill(pid, 9)
    until = time.monotonic() + 5.0
    while there.lives and time.monotonic() < until:
        threading.Event().wait(0.01)
    assert not there.lives
    os.waitpid(pid, 0)


def test_closing_keeps_a_latched_fault(file, path):
    file.publish({"state": "fault", "latched": "the door was open"}, lasting=True)
    file.close()
    assert (last_said(path).open, last_said(path).latched) == (False, "the door was open")


def test_a_reader_never_finds_half_a_word(file, path):
    over = threading.Event()

    def write():
        number = 0
        while not over.is_set():
            number += 1
            file.publish({"state": "x" * (number % 5000)})

    file.publish({"state": ""})
    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(300):
        assert set(last_said(path).report["state"]) <= {"x"}
    over.set()
    writer.join()


def test_a_word_takes_far_less_than_a_millisecond(file):
    report = {"state": "armed", "permissives": dict.fromkeys("abcdefgh", "ok"), "train": {"done": 0}}
    best = min(_seconds_for(file, report, number) for number in range(5))
    assert best < 0.5e-3


def _seconds_for(file, report, number):
    began = time.process_time()
    for done in range(100):
        file.publish({**report, "train": {"done": (number, done)}})
    return (time.process_time() - began) / 100


def test_real_devices_are_one_over_all_benches_and_twins_are_not(tmp_path):
    for twin in (True, False):
        for bench in ("one", "two"):
            at = state_path(tmp_path, "lamp", bench, twin=twin)
            StateFile(at, "lamp", bench, SimpleNamespace(time=lambda: 0.0)).publish({"state": "safe"})
    assert [each.bench for each in states(tmp_path)] == ["two", "one", "two"]


def test_what_cannot_be_read_is_said_and_not_taken_for_safe(path):
    assert last_said(path) is None
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(Corrupt, match="look at the device, then remove"):
        last_said(path)
