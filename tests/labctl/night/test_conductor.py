"""The order in which a night's items run, what failures, deadlines and orders change in it."""

import shutil
from datetime import datetime

import pytest

from devices.errors import InterlockError
from labctl.clock.label import wall_label
from labctl.night.conductor import NeedsWord
from labctl.night.orders import Order, give
from labctl.runs.run import Run


def test_a_second_film_gets_the_lamp_while_the_first_cycles_on_its_channel(conduct, write, data):
    told = conduct(write("both-0", "both-1"))
    assert {told.state("both-0"), told.state("both-1")} == {"done"}
    assert told.began("both-0") < told.began("both-1") < told.ended("both-0")
    annealed = Run(told.states["both-0"].runs[0], data)
    assert told.began("both-1") == pytest.approx(annealed.stop["time"], abs=1e-3)


def test_cells_on_channels_of_their_own_cycle_at_the_same_time(conduct, write):
    told = conduct(write("cycle-0", "cycle-1"))
    assert told.began("cycle-0") == pytest.approx(told.began("cycle-1"), abs=1e-3)


def test_an_item_begins_at_the_very_instant_at_which_what_it_waits_for_ends(conduct, write):
    told = conduct(write("cycle-0", {"experiment": "cycle-1", "after": ["cycle-0"]}))
    assert told.began("cycle-1") == pytest.approx(told.ended("cycle-0"), abs=1e-3)


def test_nothing_overtakes_what_waits_for_the_same_lamp(conduct, write):
    first = {"experiment": "flash-0", "after": ["cycle-0"]}
    told = conduct(write("cycle-0", first, "flash-1"))
    assert {state.state for state in told.states.values()} == {"done"}
    assert told.began("flash-1") == pytest.approx(told.began("cycle-0"), abs=1e-3)
    assert told.began("flash-0") >= told.ended("cycle-0")


def test_the_same_list_and_seed_make_the_same_night_to_the_nanosecond(conduct, write, tmp_path, made):
    path = write("both-0", "both-1")
    seen = []
    for number in range(2):
        shutil.rmtree(tmp_path / "data")
        shutil.copytree(made / "data", tmp_path / "data")
        told = conduct(path, night=f"night-{number}")
        begin = told.began("both-0")
        seen.append(
            {
                name: (state.state, round(state.began - begin, 6), round(state.ended - begin, 6))
                for name, state in told.states.items()
            }
        )
    assert seen[0] == seen[1]


def test_a_condition_that_is_not_met_leaves_an_item_out_and_says_what_it_was(conduct, write):
    after = {"experiment": "cycle-1", "when": ["cycle-0: last_discharge > 1 Ah"]}
    told = conduct(write("cycle-0", after))
    assert (told.state("cycle-0"), told.state("cycle-1")) == ("done", "skipped")
    assert "last_discharge > 1 Ah: it is" in told.states["cycle-1"].reason


def test_a_condition_that_is_met_lets_an_item_begin(conduct, write):
    after = {"experiment": "cycle-1", "when": ["cycle-0: last_discharge > 0.1 uAh"]}
    assert conduct(write("cycle-0", after)).state("cycle-1") == "done"


def test_a_failure_leaves_the_other_items_of_its_sample_out_and_no_others(conduct, write):
    told = conduct(write("no-cell", "flash-0", "cycle-1"))
    assert [told.state(name) for name in ("no-cell", "flash-0", "cycle-1")] == ["failed", "skipped", "done"]
    assert "Error: " in told.states["no-cell"].reason
    assert told.states["flash-0"].reason == "no-cell failed on the same sample"


def test_a_failure_that_stops_all_ends_what_runs_in_good_order(conduct, write, data):
    fails = {"experiment": "no-cell", "on_failure": "stop_all", "after": ["flash-0"]}
    told = conduct(write("cycle-1", "flash-0", fails, "flash-1"))
    assert [told.state(name) for name in ("no-cell", "cycle-1")] == ["failed", "stopped"]
    assert told.states["cycle-1"].reason.startswith("no-cell failed: ")
    assert Run(told.states["cycle-1"].runs[0], data).stop["exit_status"] == "abort"


def test_what_cannot_begin_at_all_fails_with_words_and_the_others_run(conduct, write):
    told = conduct(write("unwired", "cycle-1"))
    assert (told.state("unwired"), told.state("cycle-1")) == ("failed", "done")
    assert "this bench has no 'potentiostat'" in told.states["unwired"].reason


def test_a_retry_of_what_fails_before_it_begins_comes_to_an_end(conduct, write):
    told = conduct(write({"experiment": "unwired", "on_failure": "retry", "retries": 3}))
    assert told.state("unwired") == "failed"
    assert told.states["unwired"].failures <= 3


@pytest.mark.parametrize(("retries", "state"), [(1, "failed"), (2, "done")])
def test_a_retry_goes_on_with_what_there_is_so_often_and_no_oftener(
    conduct, write, broken_off, retries, state
):
    asked = []

    def resume(lab, item, uids, md):
        asked.append(uids)
        if len(asked) < 3:
            raise InterlockError("sample", "not yet")
        return lab.plan_of(item.experiment, md)

    broken_off("cycle-0")
    told = conduct(write({"experiment": "cycle-0", "on_failure": "retry", "retries": retries}), resume=resume)
    assert told.state("cycle-0") == state
    assert asked == [("u",)] * (retries + 1)


def test_what_asks_waits_for_a_persons_word(conduct, write, data, broken_off):
    folder = data / "nights" / "night"
    asked = []

    def resume(lab, item, uids, md):
        asked.append(uids)
        if len(asked) == 1:
            raise NeedsWord("look at the film")
        return lab.plan_of(item.experiment, md)

    def at_look(conductor):
        if len(asked) == 1 and not list((folder / "orders").glob("*")):
            give(folder, Order("go_on", "cycle-0", who="me"))

    broken_off("cycle-0")
    told = conduct(write("cycle-0"), resume=resume, at_look=at_look)
    assert told.state("cycle-0") == "done"
    assert any("look at the film" in line for line in told.said)
    assert any("me said to go on" in line for line in told.said)


def test_at_the_deadline_what_runs_may_finish_and_nothing_begins(conduct, write):
    late = {"experiment": "cycle-1", "after": ["cycle-0"]}
    told = conduct(write("cycle-0", late, deadline="60 s"))
    assert (told.state("cycle-0"), told.state("cycle-1")) == ("done", "stopped")
    assert told.states["cycle-1"].reason == "the deadline has come"


def test_at_the_deadline_what_runs_is_stopped_where_the_list_says_so(conduct, write, data):
    told = conduct(write("cycle-0", "cycle-1", deadline="60 s", at_deadline="stop"))
    assert {state.state for state in told.states.values()} == {"stopped"}
    assert told.took == pytest.approx(60.0, abs=5.0)
    for state in told.states.values():
        assert Run(state.runs[0], data).stop["exit_status"] == "abort"


def test_a_deadline_counts_from_the_nights_begin_also_after_a_restart(conduct, write):
    told = conduct(write("cycle-0", deadline="60 s"), elapsed=61.0)
    assert told.state("cycle-0") == "stopped"
    assert told.states["cycle-0"].runs == []


def test_a_deadline_by_the_clock_is_the_one_after_the_nights_begin_also_after_a_restart(conduct, write):
    an_hour_ago = datetime.fromtimestamp(wall_label() - 3600.0)
    path = write("cycle-0", deadline=f"{an_hour_ago:%H:%M:%S}")
    assert conduct(path, elapsed=7200.0).state("cycle-0") == "stopped"
    assert conduct(path, night="begins now").state("cycle-0") == "done"


def test_what_takes_too_long_is_ended_and_its_channel_is_free_for_the_next(conduct, write, data):
    first = {"experiment": "cycle-0", "longest": "60 s"}
    again = {"experiment": "cycle-0", "name": "again"}
    told = conduct(write(first, again))
    assert told.state("cycle-0") == "stopped"
    assert told.ended("cycle-0") - told.began("cycle-0") == pytest.approx(60.0, abs=5.0)
    assert told.state("again") == "done", told.states["again"].reason


def test_a_deadline_and_the_longest_time_of_two_items_at_one_instant_end_the_night(conduct, write):
    items = [{"experiment": name, "longest": "60 s"} for name in ("cycle-0", "cycle-1", "flash-0")]
    told = conduct(write(*items, deadline="60 s", at_deadline="stop"))
    assert told.state("cycle-0") == told.state("cycle-1") == "stopped"
    assert told.took == pytest.approx(60.0, abs=30.0)


def test_orders_add_move_and_remove_items_while_the_night_runs(conduct, write, data, tmp_path):
    folder = data / "nights" / "night"
    given = []

    def at_look(conductor):
        if not given:
            given.append(True)
            give(folder, Order("add", entry={"experiment": "cycle-1", "name": "more"}, folder=str(tmp_path)))
            give(folder, Order("remove", "flash-0", who="me"))
            give(folder, Order("move", "flash-1", "late"))
            give(folder, Order("remove", "nothing"))
            give(folder, Order("remove", "cycle-0"))

    waits = {"experiment": "flash-0", "after": ["late"]}
    late = {"experiment": "cycle-1", "name": "late", "after": ["cycle-0"]}
    told = conduct(
        write("cycle-0", late, waits, {"experiment": "flash-1", "after": ["late"]}), at_look=at_look
    )
    assert "flash-0" not in told.states
    assert {state.state for state in told.states.values()} == {"done"}
    assert list((folder / "orders").glob("*")) == []
    refused = [line for line in told.said if "was refused" in line]
    assert any("there is no item 'nothing'" in line for line in refused)


def test_an_order_to_stop_ends_what_runs_and_the_night(conduct, write, data):
    folder = data / "nights" / "night"
    given = []

    def at_look(conductor):
        if not given:
            given.append(True)
            give(folder, Order("stop", who="me"))

    told = conduct(
        write("flash-0", "flash-1", {"experiment": "cycle-0", "after": ["flash-1"]}), at_look=at_look
    )
    assert told.states["cycle-0"].reason == "stopped by me"
    assert {state.state for state in told.states.values()} <= {"stopped", "done"}


def test_what_is_no_order_is_put_aside_and_the_night_goes_on(conduct, write, data):
    orders = data / "nights" / "night" / "orders"
    orders.mkdir(parents=True)
    (orders / "order-1.json").write_text("{")
    assert conduct(write("flash-0")).state("flash-0") == "done"
    assert [path.name for path in orders.iterdir()] == ["order-1.refused"]
