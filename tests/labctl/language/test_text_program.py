"""A program written as text in a file: read when the file is, made when the cell is known."""

import pytest

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits
from devices.cycling.techniques import Record
from devices.errors import ConfigError, ProgramError
from labctl.config.checking import validate
from labctl.language.text_program import TextProgram

LIMITS = {"voltage_min": "2.9 V", "voltage_max": "4.3 V", "current_max": "100 uA"}
BODY = {"name": "x", "steps": "Charge at C/2 until 4.2 V\nRest for 1 h", "limits": LIMITS}
CELL = CellSize(1e-5, 0.036)


def test_steps_are_a_text_or_a_list_of_lines():
    listed = validate(TextProgram, BODY | {"steps": BODY["steps"].split("\n")}, file="f.toml")
    assert listed.on(CELL) == validate(TextProgram, BODY, file="f.toml").on(CELL)
    assert listed.on(CELL).leaves()[0].run.current == pytest.approx(5e-6)


def test_limits_stand_in_the_table_or_in_the_text():
    text = "limits 2.9 V to 4.3 V, 100 uA\nRest for 1 h"
    program = TextProgram("x", (text,)).on(CELL)
    assert program.limits == CellLimits(2.9, 4.3, 1e-4)


def test_the_record_is_that_of_steps_that_say_none():
    program = TextProgram(
        "x", ("Rest for 1 h", "Rest for 1 h recording every 5 s"), CellLimits(2.9, 4.3, 1.0), Record(7.0)
    )
    assert [step.record.interval for step in program.on(CELL).leaves()] == [7.0, 5.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": "Rest for 1 h\nCharge at C/2 untill 4.2 V"}, "line 2, column 15"),
        ({"steps": ""}, "expected a step"),
        ({"steps": 3}, "must be a list"),
        ({"steps": [1]}, "must be text"),
        ({"limits": None}, "limits are missing"),
    ],
)
def test_what_cannot_be_read_is_a_mistake_of_the_file(change, words):
    with pytest.raises(ConfigError) as caught:
        validate(TextProgram, BODY | change, file="f.toml")
    (mistake,) = caught.value.mistakes
    assert words in mistake.allowed


def test_a_current_beyond_the_limits_is_told_on_the_cell_it_is_for():
    program = validate(TextProgram, BODY, file="f.toml")
    with pytest.raises(ProgramError, match=r"line 1, column 1: step 0: 0.0005 A exceeds"):
        program.on(CellSize(1e-3, 3.6))
