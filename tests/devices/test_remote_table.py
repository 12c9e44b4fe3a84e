"""Command tables: every mistake of a table is told at once, before anything is sent; numbers are exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.errors import ConfigError
from devices.remote_table import Digits, filled, read_from
from labctl.config.readers import tool

EXAMPLE = Path(__file__).parents[2] / "config" / "tools" / "pulseforge-example.toml"


def mistakes(tmp_path: Path, *changes: tuple[str, str]) -> list[str]:
    """Return what is wrong with the example after these replacements."""
    text = EXAMPLE.read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path / "changed.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        tool(path)
    return [f"{each.key}: {each.allowed}" for each in told.value.mistakes]


def test_the_example_is_right_and_exact() -> None:
    table = tool(EXAMPLE)
    assert table.duration.text(1.8e-3) == "1800"
    assert table.rate.text(0.4) == "400"
    assert table.rate.low == 0.01


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        ('set = "BANK {value}"', 'set = "BANK 850"'),
        ('set = "WIDTH {value}"', 'set = "WIDTH {volts}"'),
        ('send = "FIRE"', 'sned = "FIRE"'),
        ('one = "1 mHz"', 'one = "1 ms"'),
        ('send = "ABORT"', 'send = "ABORT\\r"'),
        ('low = "50 us"', "low = 50"),
        ("[errors]", "[errors]\nretries = 3"),
        ('high = 500', 'high = 0'),
    )  # fmt: skip
    said = "\n".join(found)
    for key in (
        "voltage.set: must contain {value}",
        "duration.set: must contain {value}",
        "fire.send: missing",
        'fire.sned: unknown key; did you mean "send"?',
        "rate.one",
        "abort.send: must be printable",
        "duration.low",
        "errors.retries: unknown key",
        "count.high",
    ):
        assert key in said, (key, said)


@pytest.mark.parametrize(
    "hole", ["arm", "fire", "abort", "status", "pulses_done", "errors", "framing", "identify"]
)
def test_a_hole_is_named(tmp_path: Path, hole: str) -> None:
    text = EXAMPLE.read_text()
    lines, kept, skip = text.splitlines(), [], False
    for line in lines:
        if line.startswith("["):
            skip = line.split("]")[0].strip("[").split(".")[0] == hole
        if not skip:
            kept.append(line)
    path = tmp_path / "holed.toml"
    path.write_text("\n".join(kept))
    with pytest.raises(ConfigError, match=f"{hole}: missing"):
        tool(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('set = "BANK {value}"', 'set = "BANK {value}{value}"', "each once"),
        ('add = "MP {number} {duration} {duty}"', 'add = "MP {number}{duration} {duty}"', "between two places"),
        ('add = "MP {number} {duration} {duty}"', 'add = "MP {number} {duration}"', "{duty}"),
        ('send = "ARM"', 'send = "FIRE"', "both 'FIRE'"),
        ('send = "ABORT"', 'send = "fire"', "both"),
        ('send = "STATE?"', 'send = "BANK?"', "both 'BANK?'"),
        ('get = "RATE?"\n', "", "nobody confirms"),
        ('FLASH = "firing"', 'FLASH = "armed"', "means firing"),
        ('FLASH = "firing"', 'FLASH = "burning"', "must be one of"),
        ('low = "200 V"', 'low = "951 V"', "low must not be above high"),
        ('send = "ID?"', 'send = "ID {value}"', "must not have braces"),
        ('since = "arm"', 'since = "today"', "must be one of"),
        ('decimals = 1 }', 'decimals = -1 }', "between 0 and 9"),
    ],
)  # fmt: skip
def test_each_kind_of_mistake_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert said in "\n".join(mistakes(tmp_path, (old, new)))


def test_digits_are_exact_or_refused() -> None:
    class Steps(Digits):
        one, decimals = 1e-6, 1

    steps: Any = Steps()
    assert steps.text(1.8e-3) == "1800.0"
    assert steps.text(1.8001e-3) == "1800.1"
    for value in range(1, 5000):
        assert float(steps.text(value * 1e-7)) * 10 == value
    with pytest.raises(ValueError, match="multiple"):
        steps.text(1.23456e-6)
    assert steps.same("1800.04", 1.8e-3)
    assert not steps.same("1800.1", 1.8e-3)


@pytest.mark.parametrize(
    ("template", "reply", "found"),
    [
        ("BANK {value}", "BANK 850", {"value": "850"}),
        ("BANK {value}", "BANK  850 ", {"value": "850"}),
        ("BANK {value}", "BANK 850 V", {"value": "850 V"}),
        ("BANK {value}", "WIDTH 850", None),
        ("{duration} {duty}", "900 50.0", {"duration": "900", "duty": "50.0"}),
        ("{duration} {duty}", "900", None),
        ("a.b {code}", "axb 3", None),
        ("{value}", "", None),
    ],
)
def test_replies_are_read_backwards(template: str, reply: str, found: Any) -> None:
    assert read_from(template, reply) == found


def test_what_is_filled_in_is_read_out() -> None:
    template = "MP {number} {duration};{duty}"
    values = {"number": "3", "duration": "900", "duty": "50.0"}
    assert read_from(template, filled(template, **values)) == values
