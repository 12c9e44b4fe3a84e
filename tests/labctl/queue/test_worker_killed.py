"""How a worker ends, from test to test of one manager: closed, told to end, killed."""

import os
import signal
from pathlib import Path
from time import monotonic

import pytest

from labctl.queue.guard import QueueGuard
from labctl.runs.briefs import briefs
from labctl.runs.run import Run
from labctl.state import last_said, state_path

pytestmark = pytest.mark.timeout(180)

TRAIN = {"lamp": "lamp", "sample": "lco-0.7um", "recipe": "fla-850V-300"}
NOTICED = 2.0
"""Seconds within which a dead worker must be noticed [the table of safe states]."""


def lamp_of(queue):
    return last_said(state_path(queue.data, "lamp", "twin", twin=True))


def pulses_of(queue):
    """Return how many pulses the journals have."""
    members = [Run(each.uid, queue.data, alone=True).members[0] for each in briefs(queue.data)]
    return sum(len(each.rows("primary", [])[0]) for each in members if "primary" in each.streams)


def killed_in_a_train(queue):
    """Kill the worker in a train; return when."""
    queue.ask("queue_start")
    queue.wait_for(lambda: lamp_of(queue).report["train"], 30, "the train")
    queue.wait_for(lambda: pulses_of(queue) >= 2, 30, "two pulses")
    os.kill(lamp_of(queue).owner.pid, signal.SIGKILL)
    return monotonic()


def test_an_environment_is_closed_in_good_order_and_opened_again(slow_queue):
    queue = slow_queue
    pid = lamp_of(queue).owner.pid
    queue.close()
    queue.wait_for(lambda: not lamp_of(queue).open, 10, "the session's end")
    assert not lamp_of(queue).died
    queue.wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10, "the worker's end")
    queue.open()
    assert lamp_of(queue).owner.lives


def test_a_worker_that_is_told_to_end_stops_its_train_in_good_order(slow_queue):
    queue = slow_queue
    queue.add("anneal", **TRAIN, again="to be stopped")
    queue.ask("queue_start")
    queue.wait_for(lambda: lamp_of(queue).report["train"], 30, "the train")
    os.kill(lamp_of(queue).owner.pid, signal.SIGTERM)
    queue.wait_for(lambda: queue.is_idle(environment=True), 20, "the plan's end")
    *_, brief = briefs(queue.data)
    assert brief.status == "abort"
    assert Run(brief.uid, queue.data).stop["reason"] == "SIGTERM"
    assert lamp_of(queue).owner.lives
    queue.ask("queue_clear")


def test_a_killed_worker_is_noticed_and_its_train_is_not_fired_again(slow_queue):
    queue, said = slow_queue, []
    guard = QueueGuard(queue.settings, queue.manager, lambda text: said.append((monotonic(), text)))
    assert not guard.look()
    queue.add("anneal", **TRAIN)
    queue.add("cycle", potentiostat="potentiostat", sample="lco-1.2um", program="formation")
    died = killed_in_a_train(queue)
    queue.wait_for(guard.look, 20, "the guard")
    assert said[0][0] - died < NOTICED
    assert queue.is_idle(environment=False)
    assert [item["name"] for item in queue.waiting()] == ["cycle"]
    assert "taken off" in said[-1][1]
    queue.ask("queue_clear")
    queue.open()
    before = pulses_of(queue)
    assert 2 <= before < 300
    queue.add("anneal", **TRAIN)
    result = queue.run()
    assert result["exit_status"] == "failed"
    assert "finish_train" in result["msg"]
    assert "not repeated" in result["msg"]
    assert pulses_of(queue) == before


def test_an_administrator_resets_a_lamp_that_latched(slow_queue):
    queue = slow_queue
    queue.ask("queue_clear")
    assert lamp_of(queue).latched
    item = {"item_type": "function", "name": "reset", "args": ["lamp"]}
    queue.ask("function_execute", item=item, user="somebody", user_group="admin")
    queue.wait_for(lambda: not lamp_of(queue).latched and queue.is_idle(environment=True), 10, "the reset")
