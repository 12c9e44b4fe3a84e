"""Rows as lines: units in the head, few columns, what is invalid marked, decimated."""

from labctl.live.table import ROWS, LiveTable

KEYS = {
    "test_time": {"dtype": "number", "shape": [], "units": "s"},
    "voltage": {
        "dtype": "number",
        "shape": [],
        "units": "V",
        "limits": {"control": {"low": 0.0, "high": 5.0}},
    },
    "current": {"dtype": "number", "shape": [], "units": "A"},
    "flags": {"dtype": "integer", "shape": [], "units": "1"},
    "unknown": {"dtype": "number", "shape": [], "units": "V"},
}


def table(**rows):
    made = LiveTable()
    made.take(
        "start", {"uid": "r" * 36, "plan_name": "cycle", "purpose": "cycle", "sample": {"id": "cell-1"}}
    )
    made.take("descriptor", {"uid": "d", "run_start": "r" * 36, "name": "primary", "data_keys": KEYS})
    made.take("event_page", {"descriptor": "d", "data": rows})
    return made


def page(count, **changes):
    rows = {
        "test_time": [float(each) for each in range(count)],
        "voltage": [4.0] * count,
        "current": [1e-5] * count,
        "flags": [0] * count,
        "unknown": [0.0] * count,
    }
    return {**rows, **changes}


def test_the_head_has_names_and_units_that_people_use():
    began, names, units, row = table(**page(1)).lines()
    assert began == f"run {'r' * 8}: cycle on cell-1"
    assert names.split() == ["test", "time", "voltage", "current", "unknown"]
    assert units.split() == ["s", "V", "uA", "V"]
    assert row.split() == ["0", "4", "10", "0"]


def test_what_is_invalid_is_marked_and_flags_are_words():
    lines = table(**page(3, voltage=[4.0, None, 6.0], flags=[0, 1, 0])).lines()
    assert "!" not in lines[3]
    assert "-- !" in lines[4]
    assert lines[4].endswith("  voltage invalid")
    assert "6 !" in lines[5]


def test_many_rows_are_thinned_out_but_doubtful_ones_and_the_last_are_there():
    flags = [0] * 1000
    flags[501] = 4
    lines = table(**page(1000, flags=flags)).lines()
    shown = lines[3:-1]
    assert len(shown) <= ROWS
    assert any(line.endswith("current lost") for line in shown)
    assert shown[-1].split()[0] == "999"
    assert lines[-1] == f"  ({1000 - len(shown)} rows of primary between, not shown)"


def test_the_head_is_not_said_again_and_an_end_comes_last():
    made = table(**page(1))
    made.lines()
    made.take("stop", {"run_start": "r" * 36, "exit_status": "abort", "reason": "why"})
    made.take("event", {"descriptor": "d", "data": {key: value[0] for key, value in page(1).items()}})
    row, end = made.lines()
    assert row.split()[0] == "0"
    assert end == f"run {'r' * 8} ended: abort: why"
    assert made.lines() == []


def test_alarms_are_told_and_rows_of_unknown_streams_are_not():
    made = table(**page(1))
    made.lines()
    made.take("descriptor", {"uid": "e", "run_start": "r" * 36, "name": "events", "data_keys": {}})
    made.rows("e", {"severity": ["info", "alarm"], "text": ["x", "too \x1b[2J hot"]})
    made.rows("nobody's", {"voltage": [1.0]})
    assert made.lines() == ["alarm: too \\x1b[2J hot"]
