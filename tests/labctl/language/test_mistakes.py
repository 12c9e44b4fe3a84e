"""All mistakes of a program come at once, each with its place; what is around them is still read."""

import pytest
from pydantic import ValidationError

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits, Jump, Program, Step
from devices.cycling.techniques import ConstantCurrent, ConstantVoltage, OpenCircuit, Until
from devices.errors import ConfigError, ProgramError
from labctl.config.checking import validate
from labctl.language.mistakes import ProgramMistakes, each_of
from labctl.language.parser import MOST_MISTAKES, parse_program
from labctl.language.text_program import TextProgram
from labctl.language.unicycler import from_unicycler

CELL = CellSize(1.5e-5, 0.036)
LIMITS = CellLimits(2.9, 4.3, 1e-4)


def places(text, limits=LIMITS):
    with pytest.raises(ProgramError) as caught:
        parse_program(text, CELL, limits=limits)
    found = caught.value.found if isinstance(caught.value, ProgramMistakes) else (caught.value,)
    return [(each.line, each.column) for each in found]


def test_a_program_tells_all_its_steps_beyond_the_limits_and_its_lost_jumps():
    steps = (
        Step(ConstantVoltage(5.0), Until(duration=1.0)),
        Step(OpenCircuit(), Until(duration=1.0)),
        Step(ConstantCurrent(1.0), Until(voltage_above=6.0)),
        Jump("nowhere"),
    )
    with pytest.raises(ValidationError) as caught:
        Program("p", steps, LIMITS)
    first, *third, jump = each_of(caught.value)
    assert first.startswith("step 0: constant_voltage of 5 V")
    assert "until.voltage_above = 6 V" in third[0]
    assert "1 A exceeds" in third[0]
    assert "'nowhere'" in jump


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest for one h\nRest for 1 h\nHold at 4 A for 1 h", [(1, 10), (3, 9)]),
        ("Charge at C/10 until 4 A h; Hold at 4 V; Rest for 1 h", [(1, 26), (1, 29)]),
        ("repeat 3 x (\n  Rest for one h\n  Rest for 1 h\n  Hold at 4 V\n)\nfoo", [(2, 12), (4, 3), (6, 1)]),
        ('("Rest for one hour", "Rest for 1 hour", "Hold at 4 A for 1 h") * 3', [(1, 12), (1, 51)]),
        ("repeat x (\n Rest for one h\n)\nRest for 1 h", [(1, 8), (2, 11)]),
        ("Rest for one h, recording every 5 s\n until 4 V\nRest for 1 h", [(1, 10), (2, 8)]),
        ("GITT 3 x (C/10 for ten min, rest for one h)", [(1, 20), (1, 38)]),
        ("limits 4 V to 3 V, 1 A\non host loss weep\nRest for one h", [(1, 1), (2, 14), (3, 10)]),
        ("Rest for one h (1 minute period)\nRest for 1 h", [(1, 10)]),
        ("a: Rest for one h\ngo to a\ngo to b", [(1, 13)]),
        ("(Rest for 1 h\n(Rest for one h", [(2, 11), (2, 16)]),
        ("limits 3 A (Rest for 1 h)\nlimits 3 V to 4 V, 1 A\nHold at 5 V for 1 h", [(1, 8), (3, 1)]),
    ],
)
def test_reading_goes_on_at_the_next_step(text, expected):
    assert places(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Charge at one A until two V or 4 A h", [(1, 11), (1, 23), (1, 36)]),
        ("Charge at 1 uA for one h or until 4 V or 5 V, recording every x", [(1, 20), (1, 42), (1, 63)]),
        ("Hold at 400 V until 1 A or 2 V/min or zero J at 2 oC at 9000 K", [(1, 9), (1, 39)]),
        (
            "Rest for 1 h at cold until 4 V\nRest for 1 h for 2 h or until now",
            [(1, 17), (1, 28), (2, 18), (2, 31)],
        ),
        ('("Sweep from 3 to 4 V at 1 V", "Hold at 4 V for 0 s until 0 A") * 2', [(1, 14), (1, 49), (1, 59)]),
        ("limits 3 V to 4 V, 1 mA\nHold at 5 V for one h", [(2, 1), (2, 17)]),
        ("limits 3 V to 4 V, 1 mA\nCharge at 2 mA until 5 V", [(2, 1)]),
        ("limits 3 V to 4 V, 1 mA\nCharge at 2 mA until 5 V for one h", [(2, 1), (2, 1), (2, 30)]),
    ],
)
def test_all_that_is_wrong_with_one_step_is_told_each_at_its_place(text, expected):
    assert places(text) == expected


def test_a_step_beyond_the_limits_is_told_beside_one_that_cannot_be_read():
    text = "limits 3 V to 4 V, 1 mA\nHold at 5 V for 1 h\nRest for one h\nCharge at 2 mA until 3.5 V"
    assert places(text) == [(2, 1), (3, 10), (4, 1)]
    assert places(text.replace("one", "1")) == [(2, 1), (4, 1)]


def test_a_text_that_is_something_else_is_not_read_to_its_end():
    assert len(places("word\n" * 5000)) == MOST_MISTAKES


def test_a_files_mistakes_are_told_one_by_one():
    with pytest.raises(ConfigError) as caught:
        validate(
            TextProgram, {"name": "x", "steps": ["Rest for one h", "Hold at 4 A for 1 h"]}, file="f.toml"
        )
    first, second = caught.value.mistakes
    assert "line 1, column 10" in first.allowed
    assert "line 2, column 9" in second.allowed


def test_every_entry_of_a_unicycler_method_that_has_no_meaning_is_told():
    rest = {"step": "open_circuit_voltage", "until_time_s": 60}
    idle = {"step": "constant_current", "current_mA": 0, "until_time_s": 1}
    lost = {"step": "loop", "loop_to": "x", "cycle_count": 2}
    body = {"record": {"time_s": 1}, "safety": {}, "method": [idle, rest, idle]}
    with pytest.raises(ProgramMistakes, match=r"method\[0\](.|\n)*method\[2\]"):
        from_unicycler(body, name="p", limits=LIMITS)
    with pytest.raises(ProgramError, match="no 'x'"):
        from_unicycler(body | {"method": [rest, lost]}, name="p", limits=LIMITS)
