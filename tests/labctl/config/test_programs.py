"""Programs stand in files of three kinds: TOML with a macro, steps as text, aurora-unicycler's JSON."""

import json

import pytest

from devices.cycling.cells import CellSize
from devices.cycling.programs import CellLimits
from labctl.config.folder import Config
from labctl.config.programs import MACROS, program

CELL = CellSize(0.15e-4, 0.036)
WIDE = CellLimits(0.0, 5.0, 0.01)


@pytest.mark.parametrize("macro", sorted(set(MACROS) - {"program"}))
def test_every_macro_has_an_example_that_ships(folder, macro):
    config = Config(folder)
    chosen = {type(config.program(name)) for name in config.names("program")}
    assert MACROS[macro] in chosen


def test_a_txt_is_steps_and_takes_the_labs_limits_where_it_says_none(tmp_path):
    path = tmp_path / "steps.txt"
    path.write_text("Charge at C until 4 V\n")
    assert program(path, WIDE).on(CELL).limits == WIDE
    path.write_text("limits 3 V to 4.2 V, 1 mA\nCharge at C until 4 V\n")
    assert program(path, WIDE).on(CELL).limits == CellLimits(3.0, 4.2, 1e-3)


def test_a_json_is_unicyclers(tmp_path):
    path = tmp_path / "protocol.json"
    body = {"record": {"time_s": 10}, "method": [{"step": "open_circuit_voltage", "until_time_s": 60}]}
    path.write_text(json.dumps(body))
    made = program(path, WIDE).on(CELL)
    assert (made.name, made.limits) == ("protocol", WIDE)


@pytest.mark.parametrize(
    ("name", "text", "key", "words"),
    [
        ("a.txt", "Rest for ever", "", "line 1, column 10"),
        ("a.txt", "Rest for 1 h", "", "limits are missing"),
        ("a.json", "{", "", "not JSON"),
        ("a.json", '{"record": {"time_s": 1}}', "method", "missing"),
        ("a.toml", 'schema = 1\nmacro = "gitt"\nrate = "C/10"\n', "pulse_duration", "missing"),
        ("a.toml", 'schema = 1\nmacro = "text"\nsteps = "Rest"\n', "", "line 1, column 1"),
    ],
)
def test_what_is_wrong_is_told_as_a_mistake_of_the_file(told, tmp_path, name, text, key, words):
    (tmp_path / name).write_text(text)
    found = told(program, tmp_path / name)
    assert any(each == key and words in allowed for each, _, allowed in found)
