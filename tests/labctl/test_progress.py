"""What is said beside the bar: the last pulse's energy and base temperature, as far as they were measured."""

import io
import math

from labctl.counted import of_pulse
from labctl.progress import RunProgress, Voice


def test_a_pulse_is_told_by_what_was_measured_of_it():
    assert (
        of_pulse({"pulse_energy": [16.4, 16.518], "base_temperature": [25.0, 184.6]}) == "16.52 J, 185 degC"
    )
    assert of_pulse({"pulse_energy": [16.4, math.nan]}) == ""
    assert of_pulse({"pulse_energy": [], "voltage": [4.0]}) == ""


def test_the_bar_counts_pulses_and_says_the_last_one(lab, sample, recipe):
    screen = io.StringIO()
    with RunProgress(Voice(file=screen, force_terminal=True, width=160)) as progress:
        lab.RE.subscribe(progress)
        lab.RE(lab.plans.anneal(lab.lamp, sample, recipe))
    shown = screen.getvalue()
    assert "6/6" in shown
    assert "16." in shown
    assert " J" in shown


START = {"uid": "0123456789", "time": 0.0, "purpose": "deposit", "sample": {"id": "film-1"}}
RECIPE = {"material": "LiCoO2", "thickness": 7e-7}


def page(number, **columns):
    rows = {key: [value] for key, value in columns.items()}
    return {"descriptor": "d", "seq_num": [number], "data": rows}


def shown(*documents, terminal=True):
    screen = io.StringIO()
    with RunProgress(Voice(file=screen, force_terminal=terminal, width=160)) as progress:
        for name, doc in documents:
            progress(name, doc)
    return screen.getvalue()


def film(start, *, terminal=True):
    growing = {"state": "deposit", "pressure": 3.0, "rate": 5e-11, "shutter_open": 1}
    return shown(
        ("start", start),
        ("descriptor", {"uid": "d", "run_start": start["uid"], "name": "primary"}),
        ("event_page", page(1, **{**growing, "shutter_open": 0, "thickness": 0.0, "thickness_by_time": 0.0})),
        ("event_page", page(2, **growing, thickness=3.5e-7, thickness_by_time=4e-7)),
        ("event_page", page(3, **growing, thickness=math.nan, thickness_by_time=4.2e-7)),
        ("stop", {"exit_status": "success"}),
        terminal=terminal,
    )


def test_a_film_is_counted_in_nanometres_with_its_rate():
    told = film({**START, "recipe": {"body": RECIPE}})
    for word in ("film-1: deposit LiCoO2", "deposit, 3 Pa", "350/700", "420/700", "3.00 nm/min"):
        assert word in told
    told = film({**START, "recipe": {"body": RECIPE}}, terminal=False)
    assert told == "film-1: deposit LiCoO2, 700 nm, run 01234567\n  ended: success\n"


def test_a_run_that_counts_nothing_is_shown_all_the_same():
    start = {
        "uid": "0123456789",
        "purpose": "service",
        "plan_name": "pump_down",
        "plan_args": {"chamber": "pot"},
    }
    assert film(start, terminal=False) == "pot: pump_down, run 01234567\n  ended: success\n"
    assert "pot: pump_down" in film(start)
    assert "deposit, 3 Pa" in film(start)


def test_a_conditioned_target_has_no_film():
    start = {**START, "purpose": "condition", "recipe": {"body": RECIPE}}
    assert "700" not in film(start)


def test_a_display_that_breaks_leaves_the_console_to_others(caplog):
    console = Voice(file=io.StringIO(), width=160)
    with RunProgress(console) as progress:
        progress("start", {**START, "recipe": {"body": {"pulse_count": "many"}}})
        progress("start", START)
    assert "the progress of runs is not shown any more" in caplog.text
    console.print("run 01234567 is kept")
    assert console.file.getvalue() == "run 01234567 is kept\n"


def test_a_run_without_a_sample_is_told_by_its_station_and_no_line_begins_with_a_colon():
    start = {
        "uid": "0123456789",
        "time": 0.0,
        "purpose": "condition",
        "plan_args": {"sputter": "pot", "recipe": {"name": "x"}},
        "recipe": {"body": RECIPE},
    }
    known = {**start, "devices": {"lamp": {}, "pot": {}}}
    assert film(known, terminal=False).startswith("pot: condition LiCoO2, run 01234567")
    assert film(start, terminal=False).startswith("condition LiCoO2, run 01234567")
