"""Plans of the lab in a real queueserver, on twins."""

import pytest

from labctl.queue.manager import Refused
from labctl.runs.briefs import briefs
from labctl.runs.run import Run

pytestmark = pytest.mark.timeout(180)

CYCLE = {"potentiostat": "potentiostat", "sample": "lco-0.7um", "program": "formation"}
WHOLE = {
    "lamp": "lamp",
    "potentiostat": "potentiostat",
    "sample": "lco-0.7um",
    "recipe": "fla-850V-20",
    "program": "formation",
}


def test_a_cell_is_annealed_and_cycled_by_names_and_the_journal_has_both_runs(queue):
    queue.add("anneal_then_cycle", **WHOLE)
    result = queue.run()
    assert result["exit_status"] == "completed", result["traceback"]
    annealed, cycled = (Run(uid, queue.data) for uid in result["run_uids"])
    assert (annealed.stop["exit_status"], cycled.stop["exit_status"]) == ("success", "success")
    assert annealed.start["queue"]["arguments"] == {**WHOLE, "again": ""}
    assert annealed.start["experiment"] == cycled.start["experiment"]
    assert annealed.uid in cycled.start["inputs"]
    assert annealed.start["operator"] == "queue"


def test_an_experiment_is_run_by_its_name_and_may_be_run_again_once_it_came_to_its_end(queue):
    queue.add("cycle", **CYCLE)
    queue.add("cycle", **CYCLE)
    result = queue.run()
    assert result["exit_status"] == "completed", result["traceback"]
    assert queue.waiting() == []
    queue.add("run_experiment", experiment="fluence-ladder")
    result = queue.run()
    assert result["exit_status"] == "completed", result["traceback"]
    assert [each.status for each in briefs(queue.data)][-3:] == ["success"] * 3


@pytest.mark.parametrize(
    ("plan", "arguments", "named"),
    [
        ("cycle", {**CYCLE, "sample": "lco-0.8um"}, "lco-0.8um"),
        ("cycle", {**CYCLE, "potentiostat": "lamp"}, "lamp"),
        ("cycle", {**CYCLE, "voltages": [1.0]}, "voltages"),
        ("anneal", {"lamp": "lamp", "sample": "lco-0.7um"}, "recipe"),
        ("anneal_until", {**WHOLE, "crystalline": "much"}, "much|potentiostat"),
        ("agreed", {}, "agreed"),
        ("_recovered", {}, "_recovered"),
        ("run_experiment", {"experiment": "nothing"}, "nothing"),
    ],
)
def test_what_is_wrong_is_refused_as_it_is_submitted(queue, plan, arguments, named):
    with pytest.raises(Refused, match=named):
        queue.add(plan, **arguments)


def test_an_unknown_group_and_one_that_only_looks_submit_nothing(queue):
    with pytest.raises(Refused, match="strangers"):
        queue.add("cycle", "strangers", **CYCLE)
    with pytest.raises(Refused, match="not in the list of allowed plans"):
        queue.add("cycle", "observer", **CYCLE)
    assert queue.waiting() == []


def test_only_administrators_call_functions(queue):
    item = {"item_type": "function", "name": "safe"}
    with pytest.raises(Refused, match="not allowed"):
        queue.ask("function_execute", item=item, user="somebody", user_group="primary")
    queue.ask("function_execute", item=item, user="somebody", user_group="admin")


def test_parameters_are_described_for_whoever_fills_in_a_form(queue):
    plans = queue.ask("plans_allowed", user_group="primary")["plans_allowed"]
    described = {each["name"]: each["description"] for each in plans["finish_train"]["parameters"]}
    assert set(described) == {"lamp", "sample", "recipe", "run", "again"}
    assert all(described.values())


def test_an_http_server_asks_and_submits_with_its_key_only(queue, http):
    status, answer = http("status")
    assert (status, answer["worker_environment_state"]) == (200, "idle")
    item = {"item": {"item_type": "plan", "name": "cycle", "kwargs": CYCLE}}
    assert http("queue/item/add", key="wrong", body=item)[0] == 401
    assert queue.waiting() == []
    status, answer = http("queue/item/add", body=item)
    assert (status, answer["success"]) == (200, True), answer
    assert [each["name"] for each in queue.waiting()] == ["cycle"]
