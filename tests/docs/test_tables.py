"""The reference leaves nothing out that the code has."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from devices.cycling.ends import EndReason

ROOT = Path(__file__).parents[2]
ASKED = re.compile(r"<!-- made: (.*?) -->")
COLUMNS = re.compile(r"^(\w*COLUMNS): Mapping\[str, Column\]", re.MULTILINE)


@pytest.fixture(autouse=True)
def _site(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    yield
    for name in [each for each in sys.modules if each.partition(".")[0] == "tables"]:
        del sys.modules[name]


def made():
    found = {}
    for name in ("cli", "code", "files", "plans", "streams"):
        found |= importlib.import_module(f"tables.{name}").MADE
    return found


def test_every_table_is_on_a_page():
    asked = {name for path in (ROOT / "docs").rglob("*.md") for name in ASKED.findall(path.read_text())}
    assert asked == set(made())


def test_every_flag_and_every_end_of_a_step_says_what_it_means():
    code = importlib.import_module("tables.code")
    remarks = importlib.import_module("tables.markdown").remarks
    for kind in (*code.FLAGS.values(), EndReason):
        said = remarks(kind)
        mute = [each.name for each in kind if each.name not in said and each.name != "OK"]
        assert mute == [], kind.__name__


def test_every_stream_of_a_station_is_told():
    recorded = importlib.import_module("tables.streams").RECORDED
    told = [columns for streams in recorded.values() for columns in streams.values()]
    for path in (ROOT / "devices").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name in COLUMNS.findall(path.read_text()):
            columns = getattr(importlib.import_module(module), name)
            assert any(columns is each for each in told), (
                f"{module}.{name} is in no table of docs/tables/streams.py"
            )


def test_every_command_plan_and_recipe_has_its_key():
    tables = made()
    assert "## labctl twin serve" in tables["command-line"]()
    assert "night-run" not in tables["command-line"]()
    assert "plans.anneal.anneal" in tables["plans"]()
    assert "| `voltage` | a value between 200 and 1000 V | must be given |" in tables["recipes"]()
    assert "| `look_around` | a value between 1 and 3600 s | `60 s` |" in tables["bench"]()


def test_a_number_that_may_be_left_out_is_told_with_its_bounds():
    assert "| `crystalline` | a value above 0 and below 1 |" in made()["experiment"]()
