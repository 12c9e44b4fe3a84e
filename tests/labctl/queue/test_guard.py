"""The guard of a queue against a manager that only pretends."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from labctl.queue import guard as guarding
from labctl.queue.guard import QueueGuard, fires_lamp
from labctl.queue.manager import Silent
from labctl.queue.settings import Settings
from labctl.state import Owner, state_path

CONFIG = Path(__file__).parents[3] / "config"
HERE = Owner.this(0.0)
DEAD = replace(HERE, began="long ago")
TRAIN = {"name": "anneal", "kwargs": {"lamp": "lamp", "sample": "s1", "recipe": "r"}, "item_uid": "a"}
CYCLE = {"name": "cycle", "kwargs": {"sample": "s1"}, "item_uid": "b"}


class Pretended:
    """A manager with a worker that died in an item."""

    def __init__(self, item, others=()):
        self.running, self.queue, self.exists, self.asked = item, list(others), True, []

    def status(self):
        uid = None if self.running is None else self.running["item_uid"]
        state = "executing_queue" if self.running else "idle"
        return {
            "worker_environment_exists": self.exists,
            "running_item_uid": uid,
            "manager_state": state,
        }

    def ask(self, method, **parameters):
        self.asked.append((method, parameters))
        if method == "environment_destroy":
            if self.running:
                self.queue.insert(0, {**self.running, "item_uid": "new", "result": {}})
            self.running, self.exists = None, False
        if method == "queue_item_remove":
            self.queue = [each for each in self.queue if each["item_uid"] != parameters["uid"]]
        return {"running_item": self.running or {}, "items": self.queue}


class Mute(Pretended):
    """A manager that does not answer."""

    def status(self):
        raise Silent("the manager does not answer")


@pytest.fixture
def settings(tmp_path):
    return Settings("twin", str(CONFIG), str(tmp_path / "data"))


@pytest.fixture
def made_safe(monkeypatch):
    """Record which devices are made safe, without a process."""
    made = []
    monkeypatch.setattr(guarding, "make_safe", lambda said, _: made.append(said.device) or "")
    return made


def says(settings, owner, *, twin=False, device="lamp", state="armed", is_open=True):
    path = state_path(Path(settings.data), device, "twin", twin=twin)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"device": device, "bench": "twin", "sequence": 1, "time": 0.0, "owner": asdict(owner)}
    path.write_text(json.dumps({**told, "open": is_open, "report": {"state": state}}))


def looked(settings, manager, times=1):
    said = []
    guard = QueueGuard(settings, manager, said.append)
    return [guard.look() for _ in range(times)], said


def test_a_dead_workers_lamp_is_safe_its_environment_gone_and_its_train_off_the_queue(settings, made_safe):
    says(settings, DEAD)
    manager = Pretended(TRAIN, [CYCLE])
    found, said = looked(settings, manager, 2)
    assert found == [True, False]
    assert made_safe == ["lamp"]
    assert manager.queue == [CYCLE]
    assert not manager.exists
    assert "taken off" in said[-1]


def test_a_program_that_goes_on_by_itself_stays_at_the_front(settings, made_safe):
    says(settings, DEAD, state="safe")
    manager = Pretended(CYCLE)
    assert looked(settings, manager)[0] == [True]
    assert [item["name"] for item in manager.queue] == ["cycle"]
    assert made_safe == []


def test_a_worker_that_died_at_rest_loses_its_environment_too(settings, made_safe):
    says(settings, DEAD, state="safe")
    manager = Pretended(None)
    assert looked(settings, manager)[0] == [True]
    assert not manager.exists


@pytest.mark.parametrize(("owner", "is_open"), [(HERE, True), (DEAD, False)])
def test_a_worker_that_lives_or_closed_in_good_order_is_left_alone(settings, made_safe, owner, is_open):
    says(settings, owner, is_open=is_open)
    manager = Pretended(TRAIN)
    assert looked(settings, manager)[0] == [False]
    assert manager.asked == made_safe == []


def test_one_device_with_a_living_owner_means_that_the_worker_lives(settings, made_safe):
    says(settings, DEAD)
    says(settings, HERE, device="potentiostat")
    assert looked(settings, Pretended(TRAIN))[0] == [False]


def test_twins_died_with_their_worker_and_need_no_hands(settings, made_safe):
    says(settings, DEAD, twin=True)
    assert looked(settings, Pretended(TRAIN))[0] == [True]
    assert made_safe == []


def test_devices_are_made_safe_although_the_manager_is_silent_and_it_is_said_once(settings, made_safe):
    says(settings, DEAD)
    found, said = looked(settings, Mute(TRAIN), 3)
    assert found == [False] * 3
    assert made_safe == ["lamp"]
    assert len([each for each in said if "does not answer" in each]) == 1


@pytest.mark.parametrize(
    ("name", "arguments", "fires"),
    [
        ("anneal", {}, True),
        ("finish_train", {}, True),
        ("cycle", {}, False),
        ("run_experiment", {"experiment": "fla-0.7um"}, True),
        ("run_experiment", {"experiment": "nobody knows"}, True),
        ("somebody_elses", {}, True),
    ],
)
def test_whatever_may_fire_a_lamp_counts_as_if_it_did(settings, name, arguments, fires):
    assert fires_lamp({"name": name, "kwargs": arguments}, settings) is fires
