"""Whom the guard makes safe: what a dead holder left, after a while; never what somebody holds or goes on alone."""

import json
import subprocess
import sys
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from labctl.night import guard as guarding
from labctl.night.folder import Begun, make_folder
from labctl.night.guard import AGAIN, GRACE, Guard
from labctl.state import Owner, state_path

REPORTS = {
    "firing": {"state": "FIRING"},
    "safe": {"state": "SAFE"},
    "open": {"state": "open"},
    "running": {"state": "running", "goes_on_alone": False},
    "alone": {"state": "running", "goes_on_alone": True},
}
THERE = "/there/bench.toml"


@pytest.fixture
def guarded(tmp_path, monkeypatch):
    """Return a guard, its clock to be set, whom it began to make safe, when it began a supervisor, leave(*devices)."""
    listed = tmp_path / "list.toml"
    listed.write_text("")
    begun = Begun(str(tmp_path), "list", str(tmp_path), "", 1.0, 1, 0.0)
    keeper, now, made = Guard(make_folder(tmp_path, listed, begun)), [0.0], []

    def begin(bench, devices, data, config, **streams):
        made.append((bench, *devices))
        return subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)

    def leave(*devices, living=False):
        owner = Owner.this(0.0) if living else Owner(1, "an earlier boot", "0", 0.0)
        for device in devices:
            path = state_path(tmp_path, device, "bench", twin=False)
            path.parent.mkdir(exist_ok=True)
            told = {
                "device": device,
                "bench": "bench",
                "file": THERE,
                "sequence": 1,
                "time": 0.0,
                "open": True,
            }
            path.write_text(json.dumps(told | {"owner": asdict(owner), "report": REPORTS[device]}))

    monkeypatch.setattr(guarding, "begin_making_safe", begin)
    monkeypatch.setattr(guarding, "monotonic", lambda: now[0])
    yield SimpleNamespace(keeper=keeper, now=now, made=made, leave=leave)
    for process, _ in keeper._making_safe.values():
        process.wait()


def found(guarded, at):
    guarded.now[0] = at
    return {said.device for said in guarded.keeper._abandoned(GRACE)}


def test_what_a_dead_holder_left_is_abandoned_after_the_grace_of_a_successor(guarded):
    guarded.leave(*REPORTS)
    assert found(guarded, 0.0) == set()
    assert found(guarded, GRACE - 0.1) == set()
    assert found(guarded, GRACE) == {"firing", "running"}


def test_nothing_is_done_about_what_somebody_holds_however_long(guarded):
    guarded.leave(*REPORTS, living=True)
    assert found(guarded, 0.0) == found(guarded, 100.0 * GRACE) == set()


def test_a_successor_in_time_begins_the_grace_anew(guarded):
    guarded.leave("firing")
    assert found(guarded, 0.0) == set()
    guarded.leave("firing", living=True)
    assert found(guarded, GRACE - 1.0) == set()
    guarded.leave("firing")
    assert found(guarded, GRACE) == found(guarded, 2.0 * GRACE - 0.1) == set()
    assert found(guarded, 2.0 * GRACE) == {"firing"}


def test_who_guards_until_the_end_makes_safe_what_is_left_then_at_once(guarded):
    guarded.leave(*REPORTS)
    guarded.keeper.ask_to_end(15)
    guarded.keeper.run()
    assert guarded.made == [(THERE, "firing", "running")]
    assert guarded.keeper._making_safe == {}


def test_a_bench_is_made_safe_by_one_process_at_a_time(guarded):
    guarded.leave("firing", "running")
    for _ in range(2):
        guarded.keeper._make_safe(guarded.keeper._abandoned(0.0))
    assert len(guarded.made) == 1


def test_a_supervisor_that_ends_at_once_is_not_begun_all_the_time(guarded):
    begun = []
    guarded.keeper._supervisor = SimpleNamespace(lives=False, start=lambda: begun.append(guarded.now[0]))
    for tenth in range(round(2.5 * AGAIN * 10.0)):
        guarded.now[0] = tenth / 10.0
        guarded.keeper._keep_supervisor()
    assert begun == pytest.approx([0.0, AGAIN, 2.0 * AGAIN])
