"""How long, how much, how many: bounds that hold, and exact where a program ends by itself."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.cycling.cells import CellSize
from devices.cycling.cycler import LONGEST_STEP
from devices.cycling.programs import CellLimits, Loop, Program
from devices.cycling.sequence import Part
from labctl.journal.documents import compact
from labctl.journal.records import encode
from labctl.language.estimate import JOURNAL_BYTES, PAGE_BYTES, PAGES_EVERY, SPOOL_BYTES, estimate
from labctl.language.parser import parse
from plans.cycle import FLUSH

LIMITS = CellLimits(2.0, 5.0, 1e-3)
CELL = CellSize(1.5e-5, 0.036, 0.0018)
"""10 uAh, known to 5 %: at most 11 uAh."""

BOUND = 0.036 + 2 * 0.0018


def of(text, cell=CELL):
    return estimate(parse(text, cell).program("p", LIMITS), cell)


def test_times_add_up_over_loops():
    found = of("Rest for 1 h; repeat 3 x [ (Rest for 10 min; Rest for 20 min) * 2; Rest for 1 min ]")
    assert found.exact
    assert found.duration == pytest.approx(3600 + 3 * (2 * 1800 + 60))
    assert found.executions == 1 + 3 * (2 * 2 + 1)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_every_step_is_counted_as_often_as_it_runs(drawn, data):
    nodes = tuple(data.draw(st.lists(drawn.bodies(drawn.steps()), min_size=1, max_size=3)))
    few = tuple(_fewer(node) for node in nodes)
    found = estimate(Program("p", few, drawn.limits), CELL)
    assert found.executions == sum(1 for _ in Part(few, 0).walk())
    assert found.duration > 0
    assert all(step.duration <= LONGEST_STEP or step.exact or step.duration > 0 for step in found.steps)


def _fewer(node):
    if not isinstance(node, Loop):
        return node
    return replace(node, times=1 + node.times % 3, body=tuple(_fewer(each) for each in node.body))


@pytest.mark.parametrize(
    ("text", "seconds", "exact"),
    [
        ("Charge at 10 uA until 4.2 V", BOUND / 1e-5, False),
        ("Charge at 10 uA for 1 min or until 4.2 V", 60.0, False),
        ("Charge at 10 uA for 1 min", 60.0, True),
        ("Charge at 10 uA until 1 uAh", 360.0, True),
        ("Charge at 10 uA until 1 uAh or 4.2 V", 360.0, False),
        ("Hold at 4 V until 1 uA", BOUND / 1e-6, False),
        ("Hold at 4 V for 1 h", 3600.0, True),
        ("Rest until 1 mV/s", 3.0 / 1e-3, False),
        ("Sweep from 3 V to 4 V at 1 mV/s", 1000.0, True),
        ("Discharge at 10 uW until 3 V", BOUND * 5.0 / 1e-5, False),
        ("Discharge at 100 kOhm until 3 V", BOUND * 1e5 / 3.0, False),
        ("Hold at 4 V until 1 nA/s", 1e-3 / 1e-9, False),
    ],
)
def test_what_ends_a_step_bounds_its_time(text, seconds, exact):
    found = of(text)
    assert found.duration == pytest.approx(seconds)
    assert found.exact is exact


def test_what_only_the_cell_ends_without_a_capacity_counts_with_the_longest_step():
    (step,) = of("Charge at 10 uA until 4.2 V", CellSize(1.5e-5)).steps
    assert step.duration == LONGEST_STEP
    assert not step.exact


def test_no_step_passes_more_than_the_cell_holds():
    found = of("(Charge at 10 uA until 4.2 V; Discharge at 1 mA for 100 h) * 5")
    assert found.charge == pytest.approx(10 * BOUND)
    assert found.energy <= found.charge * 5.0


def test_a_jump_back_runs_what_lies_between_once_more_each_time():
    found = of("a: Rest for 1 h\nRest for 1 min\ngo to a when cycle 3 at most 4 times\nRest for 1 s")
    assert [step.times for step in found.steps] == [5, 5, 1]
    assert not found.exact


def test_a_loop_with_a_condition_is_a_bound():
    assert not of("(Rest for 1 h) * 3 until retention below 80 %").exact


def test_rows_are_counted_by_interval_and_by_change():
    assert of("Rest for 1 h recording every 10 s").rows == 362
    swept = of("Sweep from 3 V to 4 V at 1 mV/s recording every 100 s or 10 mV")
    assert swept.rows == pytest.approx(2 + 10 + 100, abs=1)
    assert of("Impedance from 1 kHz to 1 Hz, 10 mV, 6 per decade").points == 19


def row(number):
    """A row as twins give it: floats with all their digits."""
    time = 30.0 * number + math.sin(number)
    return {
        "test_time": time,
        "unix_time": 1.79e9 + time,
        "voltage": 3.9 + 0.1 * math.sin(0.01 * number),
        "current": 7.5e-6 * (1 + 1e-5 * math.sin(number)),
        "charge": 2.1e-9 * time,
        "energy": 8.2e-9 * time,
        "step_index": 3,
        "step_count": 12,
        "cycle": 7,
        "record": 100_000 + number,
        "ambient_temperature": 25.0 + 0.01 * math.sin(number),
        "range": 3,
        "flags": 0,
    }


def test_a_rows_bytes_are_those_of_the_journals_format():
    rows = [row(number) for number in range(500)]
    columns = {name: [each[name] for each in rows] for name in rows[0]}
    times = columns["unix_time"]
    page = {
        "descriptor": "0" * 36,
        "seq_num": list(range(1, len(rows) + 1)),
        "time": times,
        "data": columns,
        "timestamps": dict.fromkeys(columns, times),
    }
    assert len(encode(compact("event_page", page))) / len(rows) == pytest.approx(JOURNAL_BYTES, rel=0.15)
    alone = {
        **page,
        "seq_num": [1],
        "time": times[:1],
        "data": {key: each[:1] for key, each in columns.items()},
    }
    alone["timestamps"] = dict.fromkeys(columns, times[:1])
    assert len(encode(compact("event_page", alone))) == pytest.approx(JOURNAL_BYTES + PAGE_BYTES, rel=0.15)
    assert PAGES_EVERY == FLUSH
    spooled = len(encode({"stream": "primary", "time": times[0], "row": rows[100]}))
    assert spooled == pytest.approx(SPOOL_BYTES, rel=0.15)
