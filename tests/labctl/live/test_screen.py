"""The prompt's screen: it shows what comes, and whatever becomes of it, a run is not held up."""

import io
import math
import threading
from time import thread_time

from labctl.live.bars import advance, line
from labctl.live.screen import KEPT, Screen

EVENTS = 2000
DESCRIBED = {
    "uid": "d",
    "run_start": "r",
    "name": "primary",
    "data_keys": {"voltage": {"dtype": "number", "shape": []}},
}


def event(number):
    return {"descriptor": "d", "seq_num": number, "data": {"voltage": 4.0}}


def cost(screen):
    """Return the seconds of processor an event takes from the thread that has it."""
    began = thread_time()
    for number in range(EVENTS):
        screen("event", event(number))
    return (thread_time() - began) / EVENTS


def test_what_came_is_shown_when_the_wait_is_over():
    out = io.StringIO()
    screen = Screen(dict, lambda: 0.0, out)
    with screen.during(None):
        screen("start", {"uid": "r", "time": 0.0, "purpose": ""})
        screen("descriptor", DESCRIBED)
        screen("event", event(1))
    screen.close()
    assert out.getvalue().splitlines()[-1].split() == ["4"]


def test_a_screen_that_is_dead_or_hangs_costs_an_event_a_microsecond_or_so():
    class Hanging(io.StringIO):
        def write(self, text):
            stuck.wait(5.0)
            return len(text)

    stuck = threading.Event()
    dead = Screen(dict, lambda: 0.0, io.StringIO())
    dead.close()
    assert cost(dead) < 1e-3
    assert len(dead._queue) <= KEPT
    hanging = Screen(dict, lambda: 0.0, Hanging())
    hanging("start", {"uid": "r", "time": 0.0, "purpose": ""})
    hanging._is_ours = True
    assert cost(hanging) < 1e-3
    stuck.set()
    hanging.close()


def test_what_fails_in_it_ends_the_showing_and_nothing_else(caplog):
    out = io.StringIO()
    screen = Screen(dict, lambda: 0.0, out)
    with screen.during(None):
        screen("descriptor", {"nonsense": True})
    assert screen._over.is_set()
    assert cost(screen) < 1e-3


def test_a_bar_counts_pulses_with_the_time_to_go():
    start = {"time": 10.0, "recipe": {"body": {"rate": 0.4}}}
    train = {"asked": 20, "done": 5, "began": 12.0}
    reading = {"bank": {"voltage": 850.0}, "base": {"temperature": 400.15}, "age": 0.1}
    found = advance(start, {"state": "armed", "train": train, "reading": reading}, 20.0)
    assert found.share == 0.25
    assert found.left == 15 / 0.4
    assert line("lamp", found).endswith("5 of 20 pulses, 38 s to go, 850 V, 127 degC")


def test_a_train_of_an_earlier_run_is_none_of_this_one():
    train = {"asked": 20, "done": 5, "began": 9.0}
    assert advance({"time": 10.0}, {"train": train}, 1.0) is None
    assert advance({}, {"train": train}, 1.0) is None


def test_films_and_steps_are_told_by_how_the_rest_would_go():
    film = {"asked": 700, "done": 175, "began": 1.0}
    reading = {"pressure": 0.4, "thickness": 1.75e-7, "age": 60.0}
    found = advance({"time": 0.0}, {"film": film, "reading": reading}, 100.0)
    assert math.isclose(found.left, 300.0)
    assert line("sputter", found).endswith("175 of 700 nm, about 5 min to go, 0.4 Pa, 175.0 nm (60 s ago)")
    program = {"body": {"steps": [{"times": 4, "counts_cycles": True, "body": [{"run": {}}, {"run": {}}]}]}}
    found = advance({"time": 0.0, "program": program}, {"steps_done": 2}, 3600.0)
    assert (found.done, found.asked, found.left) == (2, 8, 10800.0)
    assert "about 3 h 00 min" in line("channel", found)
    assert advance({"program": program}, {"steps_done": 0}, 5.0).left is None
