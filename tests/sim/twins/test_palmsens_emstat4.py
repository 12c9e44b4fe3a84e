"""The EmStat4 twin as a program with a serial port sees it: hand-written scripts, errors, its buffer, its commands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.physics.cell.cell import Cell
from sim.physics.cell.control import Current, Until, Voltage
from sim.twins.methodscript.electronics import EXACT, Accuracy
from sim.twins.methodscript.grammar import ARGUMENTS, COMPARISONS, Grammar
from sim.twins.methodscript.values import ScriptError
from sim.twins.palmsens_emstat4 import DEAF, OUTPUT_BUFFER, EmStat4Twin
from tests.support.cells import CELL, CURRENT, RESTED, Foil, make_cell


def twin_with_cell(accuracy: Accuracy = EXACT, cell: Cell = CELL, seed: int = 0) -> tuple[EmStat4Twin, Foil]:
    """Return a twin with a half charged cell."""
    twin, wired = EmStat4Twin(accuracy=accuracy, seed=seed), Foil(cell, RESTED)
    twin.wire_cell(wired, 0.0)
    return twin, wired


def lines_of(twin: EmStat4Twin, now: float, data: bytes = b"") -> list[str]:
    """Return what the twin says at a time."""
    twin.advance(now)
    return twin.receive(data, now).decode().splitlines()


def ran(script: str, until: float, twin: EmStat4Twin | None = None) -> list[str]:
    """Return what a script sends up to a time, its first line being the reply to it."""
    twin = twin_with_cell()[0] if twin is None else twin
    said = twin.receive(f"e\n{script.strip()}\n\n".encode(), 0.0).decode()
    twin.advance(until)
    return (said + twin.receive(b"", until).decode()).split("\n")[:-1]


def number(text: str) -> float:
    """Return the number of one value of a package."""
    scale = {
        "a": 1e-18,
        "f": 1e-15,
        "p": 1e-12,
        "n": 1e-9,
        "u": 1e-6,
        "m": 1e-3,
        " ": 1.0,
        "k": 1e3,
        "i": 1.0,
    }
    return math.nan if text[2:10] == "     nan" else (int(text[2:9], 16) - 2**27) * scale[text[9]]


def table(said: list[str]) -> np.ndarray:
    """Return the numbers of all packages."""
    return np.array([[number(each) for each in line[1:].split(";")] for line in said if line.startswith("P")])


HOLD = """
var p
var c
var t
set_pgstat_chan 0
set_pgstat_mode 2
set_max_bandwidth 40
set_range_minmax da 3950m 3950m
set_range ba 1m
set_autoranging ba 100n 10m
set_e 3950m
cell_on
timer_start
meas_loop_ca p c 3950m 500m 10 # hold 3.95 V
    timer_get t
    pck_start
    pck_add t
    pck_add p
    pck_add c
    pck_end
endloop
on_finished:
    cell_off
"""


def test_a_chronoamperogram_is_that_of_the_cell() -> None:
    said = ran(HOLD, 20.0)
    assert said[:2] == ["e", "M0007"]
    assert said[-2:] == ["*", ""]
    rows = table(said)
    assert rows[:, 0] == pytest.approx(0.5 * np.arange(1, 21))
    truth = [CELL.step(RESTED, Voltage(3.95), Until(duration=t)).current[-1] for t in rows[:, 0]]
    assert rows[:, 2] == pytest.approx(truth, abs=6e-10)
    first = next(line for line in said if line.startswith("P"))
    assert [each[:2] for each in first[1:].split(";")] == ["eb", "da", "ba"]
    assert first.endswith(",10,215")  # status, and the range of 1 mA


CYCLE = """
var limit
var low
var potential
var current
var interval
var cycle
var q
array charged 10i
store_var limit 4000m ab
store_var low 3880m ab
store_var interval 1000m eb
store_var cycle 1i ja
set_pgstat_mode 6
set_range ab 4200m
set_range db 86u
set_i 0
cell_on
loop cycle <= 2i
    meas_loop_cp potential current 86u interval 4000
        copy_var current q
        mul_var q interval
        add_var charged[cycle] q
        if potential > limit
            breakloop
        endif
    endloop
    send_string f"Cycle {cycle}: {charged[cycle]} C"
    meas_loop_cp potential current -86u interval 4000
        if potential < low
            breakloop
        elseif current > 0
            abort
        else
            copy_var current q
        endif
    endloop
    add_var cycle 1i
endloop
on_finished:
cell_off
"""


def test_a_hand_written_battery_cycle_counts_its_charge() -> None:
    twin, _ = twin_with_cell()
    said = ran(CYCLE, 2e4, twin)
    truth = CELL.step(RESTED, Current(CURRENT), Until(upper=4.0))
    text = [line for line in said if line.startswith("T")]
    assert len(text) == 2
    assert float(text[0].split()[2]) == pytest.approx(float(truth.charge[-1]), abs=1.1 * CURRENT)
    assert [line for line in said if line in ("L", "+", "M000A", "*")] == ["L", *["M000A", "*"] * 4, "+"]
    assert said[-1] == ""
    assert not twin.cell_is_on


def test_a_voltammogram_turns_where_it_is_told() -> None:
    said = ran(
        """
var p
var c
set_pgstat_mode 3
set_range ba 10m
set_e 3900m
cell_on
meas_loop_cv p c 3900m 4000m 3850m 5m 50m
pck_start
pck_add p
pck_add c
pck_end
endloop
on_finished:
cell_off
""",
        100.0,
    )
    rows = table(said)
    legs = [*np.linspace(3.9, 4.0, 21), *np.linspace(3.995, 3.85, 30), *np.linspace(3.855, 3.9, 10)]
    assert rows[:, 0] == pytest.approx(legs, abs=1e-6)
    state = CELL.step(RESTED, Voltage(3.9, 0.05), Until(duration=2.0))
    assert rows[20, 1] == pytest.approx(state.current[-1], abs=6e-9)
    back = CELL.step(state.state, Voltage(4.0, -0.05), Until(duration=3.0))
    assert rows[50, 1] == pytest.approx(back.current[-1], abs=6e-9)


def test_how_often_somebody_looks_changes_nothing() -> None:
    seldom, often = twin_with_cell(Accuracy(), seed=3)[0], twin_with_cell(Accuracy(), seed=3)[0]
    said = ran(HOLD, 20.0, seldom)
    heard = often.receive(f"e\n{HOLD.strip()}\n\n".encode(), 0.0)
    for now in np.arange(0.1, 20.0, 0.13):
        often.advance(float(now))
        often.settle()
        heard += often.receive(b"", float(now))
    first, second = table(said), table(heard.decode().split("\n"))
    assert first[:, :2] == pytest.approx(second[:, :2])
    assert first[:, 2] == pytest.approx(second[:, 2], abs=1.1 * 9.2e-5 * 1e-3)


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("var p\nvar p", "e!4026: Line 2, Col 5"),
        ("var p\ncopy_var p q", "e!420B: Line 2, Col 12"),
        ("bogus 1", "e!4001: Line 1, Col 1"),
        ("# comment\nwait", "e!0007: Line 2, Col 5"),
        ("wait 1 2", "e!4004: Line 1, Col 8"),
        ("wait 1q", "e!4039: Line 1, Col 6"),
        ("var p\nstore_var p 1 zz", "e!0002: Line 2, Col 15"),
        ("endloop", "e!400C: Line 1, Col 1"),
        ('var p\nsend_string f"{p} {q}"', "e!420B: Line 2, Col 20"),
        ("breakloop", "e!400C: Line 1, Col 1"),
        ("loop 1i < 2i\nwait 1", "e!4018: Line 2, Col 7"),
        ("cell_on ocp(1)", "e!4008: Line 1, Col 9"),
        ("var p\nmeas_loop_ocp p 1 2\nmeas_loop_ocp p 1 2\nendloop\nendloop", "e!400B: Line 3, Col 1"),
        ('send_string "never closed', "e!4004: Line 1, Col 13"),
        ("var p\nif p = 1\nendif", "e!4004: Line 2, Col 6"),
        ("wait " + "1" * 260, "e!0008: Line 1, Col 256"),
        ("var p\nvar c\nmeas_loop_ca p c 1 1 1 add_meas(0 ac p)\nendloop", "e!4206: Line 3, Col 1"),
        ("\n".join(["wait 1 # " + "x" * 200] * 200), "e!4005: Line 200, Col 1"),
    ],
)
def test_a_mistake_is_told_with_its_code_line_and_column(script: str, answer: str) -> None:
    assert ran(script, 1.0) == [answer]


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("var p\nvar c\nset_pgstat_mode 2\nmeas_loop_ca p c 1 1 5\nendloop", "!4027: Line 4"),
        ("var p\nset_pgstat_mode 2\ncell_on\nmeas_loop_ocp p 1 5\nendloop", "!0014: Line 4"),
        ("var p\nvar c\nset_pgstat_mode 2\ncell_on\nmeas_loop_cp p c 1u 1 5\nendloop", "!0023: Line 5"),
        ("cell_on", "!0023: Line 1"),
        ("set_pgstat_mode 5", "!0021: Line 1"),
        ("set_pgstat_mode 2\ncell_on\nset_pgstat_chan 0", "!4028: Line 3"),
        ("set_pgstat_mode 2\nset_e 7", "!000F: Line 2"),
        ("set_i 300m", "!4205: Line 1"),
        ("var p\nmeas_loop_ocp p 0 5\nendloop", "!4204: Line 2"),
        ("var p\nmeas_loop_ocp p 100u 5\nendloop", "!005A: Line 2"),
        ("var p\nvar c\nset_pgstat_mode 2\ncell_on\nmeas_loop_lsv p c 3 4 10u 1m\nendloop", "!001C: Line 5"),
        ("var p\nstore_var p 1 ja\ndiv_var p 0", "!0028: Line 3"),
        ("var p\nstore_var p -1 ja\npow_var p 500m", "!0010: Line 3"),
        ("pck_add 1", "!401B: Line 1"),
        ("pck_start\npck_end", "!401B: Line 2"),
        ("array a 2i\nstore_var a[2i] 1 ja", "!4205: Line 2"),
        ("wait -1", "!4200: Line 1"),
        ("array a 1000000i", "!4205: Line 1"),
        ("var p\nstore_var p 10 ja\npow_var p 10i\npow_var p 100i", "!0010: Line 4"),
        ("var p\nset_pgstat_mode 2\nmeas_loop_ocp p 1 5\nset_e 1\nendloop", "!4032: Line 4"),
    ],
)
def test_a_fault_in_a_run_ends_it_with_its_code_and_line(script: str, answer: str) -> None:
    assert ran(script, 10.0)[-1] == answer


arguments = [
    "p",
    "q",
    "p[0i]",
    "1",
    "5i",
    "-3m",
    "1q",
    "ab",
    "ba",
    '"x"',
    'f"{p}"',
    '"',
    "#",
    "add_meas(0 ba p)",
]
words = st.sampled_from([*ARGUMENTS, *COMPARISONS, *arguments])


@given(st.lists(st.lists(words, max_size=6).map(" ".join), min_size=1, max_size=8))
def test_any_text_is_read_or_refused_with_its_line_and_column(lines: list[str]) -> None:
    found = None
    try:
        commands = Grammar().read(["var p", *lines])
    except ScriptError as error:
        found = error
    if found is None:
        assert all(command.name in ARGUMENTS for command in commands)
    else:
        assert 1 <= found.line <= len(lines) + 1
        assert 1 <= found.column <= max(map(len, lines)) + 10


lines_of_values = st.sampled_from(
    [
        "add_var p 3i",
        "mul_var p 7k",
        "div_var p q",
        "mod_var q p",
        "pow_var p q",
        "sub_var q p",
        "float_to_int p",
        "int_to_float q",
        "copy_var p q",
        "store_var q 0i ja",
        "copy_var p a[q]",
        "pck_start",
        "pck_add p",
        "pck_end",
        "set_e p",
        "set_pgstat_mode q",
        "cell_on",
        "cell_off",
        "wait q",
    ]
)


@settings(max_examples=200)
@given(st.lists(lines_of_values, max_size=12))
def test_any_script_ends_in_good_order_or_with_an_error(lines: list[str]) -> None:
    twin = EmStat4Twin(accuracy=EXACT)
    said = ran("\n".join(["var p", "var q", "array a 3i", *lines]), 1e9, twin)
    assert said[0] == "e"
    assert said[-1] == "" or said[-1].startswith("!")
    assert lines_of(twin, 2e9, b"Z\n") == ["Z!0006"]


def test_after_an_error_the_cell_stays_on_and_on_finished_is_left_out() -> None:
    twin, wired = twin_with_cell()
    script = "var p\nset_pgstat_mode 6\nset_i 86u\ncell_on\nwait 10\ndiv_var p 0\non_finished:\ncell_off"
    assert ran(script, 60.0, twin) == ["e", "!0028: Line 6"]
    assert twin.cell_is_on
    twin.settle()
    assert wired.state.charge - RESTED.charge == pytest.approx(CURRENT * 60.0, rel=1e-9)
    assert lines_of(twin, 61.0, b"e\ncell_off\n\n") == ["e", ""]
    assert not twin.cell_is_on


def test_an_overload_is_marked_and_a_critical_one_opens_the_cell() -> None:
    twin = EmStat4Twin(accuracy=EXACT)  # open leads
    script = (
        "var p\nvar c\nset_pgstat_mode 6\nset_i 1u\ncell_on\nmeas_loop_cp p c 1u 1 2\n"
        "pck_start\npck_add p\npck_end\nendloop"
    )
    said = ran(script, 5.0, twin)
    rows = [line for line in said if line.startswith("P")]
    assert [number(row[1:]) for row in rows] == pytest.approx([6.0, 6.0])
    assert all(row.endswith(",12") for row in rows)
    shorted, _ = twin_with_cell(cell=make_cell(leak_resistance=1e-4))
    assert ran(HOLD, 5.0, shorted)[-1] == "!0032: Line 13"
    assert not shorted.cell_is_on


def test_what_cannot_be_measured_is_not_a_number() -> None:
    twin = EmStat4Twin(accuracy=EXACT)
    script = (
        "var f\nvar r\nvar i\nset_pgstat_mode 3\ncell_on\nmeas_loop_eis f r i 10m 1k 1k 1i 0\n"
        "pck_start\npck_add f\npck_add r\npck_add i\npck_end\nendloop"
    )
    (package,) = [line for line in ran(script, 5.0, twin) if line.startswith("P")]
    assert [each[2:10] for each in package[1:].split(";")][1:] == ["     nan"] * 2


def test_it_says_when_it_next_does_something() -> None:
    twin, _ = twin_with_cell()
    assert twin.next_event() is None
    ran(HOLD, 0.6, twin)
    assert twin.next_event() == pytest.approx(1.0)
    twin.fire_event(1.0)
    assert lines_of(twin, 1.0)[0].startswith("P")
    lines_of(twin, 1.0, b"h\n")
    assert twin.next_event() is None
    lines_of(twin, 2.0, b"H\n")
    assert twin.next_event() == pytest.approx(2.5)
    lines_of(twin, 2.0, b"Z\n")
    assert twin.next_event() is None


def test_abort_leave_halt_and_go_on() -> None:
    twin, wired = twin_with_cell()
    ran(HOLD.replace(" 10 #", " 100 #"), 10.2, twin)
    assert lines_of(twin, 10.2, b"h\n") == ["h"]
    assert lines_of(twin, 60.2) == []
    assert twin.cell_is_on
    assert lines_of(twin, 60.2, b"H\n") == ["H"]
    rows = table(lines_of(twin, 61.4))
    assert rows[:, 0] == pytest.approx([60.5, 61.0])
    truth = CELL.step(RESTED, Voltage(3.95), Until(duration=60.5))
    assert rows[0, 2] == pytest.approx(truth.current[-1], abs=6e-10)
    assert lines_of(twin, 61.4, b"Y\n") == ["Y", "*", ""]
    assert not twin.cell_is_on
    assert lines_of(twin, 62.0, b"Y\n") == ["Y!0006"]
    twin.advance(62.0 + DEAF)
    ran_again = lines_of(twin, 63.0, f"e\n{HOLD.strip()}\n\n".encode())
    assert ran_again == ["e", "M0007"]
    assert lines_of(twin, 63.1, b"Z\n") == ["Z", "*", ""]
    twin.settle()
    assert wired.state.charge > RESTED.charge


def test_only_questions_are_answered_during_a_run_and_an_error_makes_deaf() -> None:
    twin, _ = twin_with_cell()
    ran(HOLD, 0.1, twin)
    assert lines_of(twin, 0.1, b"i\n") == ["iES4HR20B0008"]
    assert lines_of(twin, 0.1, b"e\n\ni\n") == ["e!0006"]
    assert lines_of(twin, 0.1 + DEAF / 2, b"i\n") == []
    assert lines_of(twin, 0.2, b"i\nv\n") == ["iES4HR20B0008", "v0108"]
    assert lines_of(twin, 0.3, b"x\n") == ["x!0003"]


def test_a_full_buffer_loses_whole_lines() -> None:
    twin = EmStat4Twin(accuracy=EXACT)
    script = (
        "var p\nvar n\nstore_var n 0i ja\nmeas_loop_ocp p 100m 1000\nadd_var n 1i\n"
        "pck_start\npck_add n\npck_end\nendloop"
    )
    said = ran(script, 2000.0, twin)
    numbers = table(said)[:, 0]
    assert numbers == pytest.approx(np.arange(1, len(numbers) + 1))
    assert OUTPUT_BUFFER - 14 < sum(len(line) + 1 for line in said[2:]) <= OUTPUT_BUFFER
    assert ("lost", "the output buffer is full") in [each[1:] for each in twin.log]


def test_a_power_cycle_forgets_everything_but_the_cell() -> None:
    twin, wired = twin_with_cell()
    ran(HOLD, 5.2, twin)
    twin.power_cycle(5.2)
    assert not twin.cell_is_on
    assert lines_of(twin, 20.0) == []
    assert lines_of(twin, 20.0, b"Z\n") == ["Z!0006"]
    twin.settle()
    lived = CELL.step(RESTED, Voltage(3.95), Until(duration=5.2)).state
    assert wired.state.charge == pytest.approx(lived.charge, rel=1e-9)


def test_a_cell_taken_off_in_the_middle_of_a_loop_leaves_open_leads() -> None:
    twin, wired = twin_with_cell()
    ran(HOLD, 5.2, twin)
    twin.wire_cell(None, 5.2)
    rows = table(lines_of(twin, 20.0))
    assert rows[:, 2] == pytest.approx(0.0, abs=1e-12)
    assert wired.state.charge == pytest.approx(
        CELL.step(RESTED, Voltage(3.95), Until(duration=5.2)).state.charge, rel=1e-9
    )


def test_a_script_keeps_its_own_pace_with_intervals() -> None:
    said = ran(
        "var t\nvar i\ntimer_start\nset_int 2\nloop i < 3i\nwait 500m\nawait_int\ntimer_get t\npck_start\npck_add t\n"
        "pck_end\nadd_var i 1i\nendloop",
        10.0,
    )
    assert table(said)[:, 0] == pytest.approx([2.0, 4.0, 6.0])


def test_output_can_be_turned_off_and_numbers_changed() -> None:
    said = ran(
        'var a\nstore_var a 7i ja\nset_script_output 0\nsend_string "unheard"\nset_script_output 1\nint_to_float a\n'
        "div_var a 2\nfloat_to_int a\nalter_vartype a ee\npck_start\npck_add a\npck_end\nstore_var a 0x0Fi ja\n"
        'if a & 0b1000\nsend_string "bit"\nendif',
        1.0,
    )
    assert said == ["e", "Pee8000003i", "Tbit", ""]
