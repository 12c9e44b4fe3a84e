"""Command tables named in a bench: they are found, checked, and part of the bench's hash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devices.errors import ConfigError
from labctl.config import tools
from labctl.config.benches import bench
from labctl.config.check import check, kind_of
from labctl.config.models import Address, Part
from labctl.config.readers import tool

CONFIG = Path(__file__).parents[3] / "config"
EXAMPLE = CONFIG / "tools" / "pulseforge-example.toml"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path / "config"


def bench_with(folder, driver_line='driver = "remote_recipe"', table='"pulseforge-example"'):
    """Write a bench whose lamp has the tool for a charger, which no station takes but the reader reads."""
    text = (folder / "benches" / "twin.toml").read_text()
    start = text.index("[devices.lamp.parts.charger]")
    end = text.index("[devices.", start + 1)
    part = f'[devices.lamp.parts.charger]\n{driver_line}\naddress = "twin"\ntable = {table}\n\n'
    path = folder / "benches" / "tooled.toml"
    path.write_text(text[:start] + part + text[end:])
    return path


def test_a_bench_names_a_tool_and_gets_its_table(folder):
    found = bench(bench_with(folder))
    assert found.devices["lamp"].parts["charger"].parameters.table == tool(EXAMPLE)


def test_a_changed_table_changes_the_hash_of_the_bench(folder):
    path = bench_with(folder)
    before = bench(path).config_hash
    assert bench(path).config_hash == before
    file = folder / "tools" / "pulseforge-example.toml"
    file.write_text(file.read_text().replace('high = "950 V"', 'high = "900 V"'))
    assert bench(path).config_hash != before


def test_a_bench_without_tools_keeps_its_hash():
    part = Part("glassman_fj", object, Address("twin"), None)
    assert tools.hash_with("abc", [part]) == "abc"


def test_a_bench_anywhere_names_a_tool_by_its_path(folder, tmp_path):
    path = bench_with(folder, table='"config/tools/pulseforge-example.toml"').rename(
        tmp_path / "my-bench.toml"
    )
    assert bench(path).devices["lamp"].parts["charger"].parameters.table == tool(EXAMPLE)


def test_a_tool_that_is_not_there_is_told_where_it_was_named(folder):
    path = bench_with(folder, table='"pulseforge-exmaple"')
    with pytest.raises(ConfigError) as told:
        bench(path)
    mistake, *others = told.value.mistakes
    assert not others
    assert mistake.key == "devices.lamp.parts.charger.table"
    assert 'did you mean "pulseforge-example"?' in mistake.allowed


def test_a_mistake_in_the_tool_is_told_in_its_own_file(folder):
    file = folder / "tools" / "pulseforge-example.toml"
    file.write_text(file.read_text().replace('send = "ARM"', 'send = "FIRE"'))
    with pytest.raises(ConfigError) as told:
        bench(bench_with(folder))
    assert [Path(each.file).name for each in told.value.mistakes] == ["pulseforge-example.toml"]
    assert [Path(each.file).name for each in check(directory=folder)].count("pulseforge-example.toml") == 1


def test_a_tool_is_known_by_its_folder_and_by_its_keys(tmp_path):
    assert kind_of(EXAMPLE) == "tool"
    copy = tmp_path / "mine.toml"
    shutil.copy(EXAMPLE, copy)
    assert kind_of(copy) == "tool"
    assert check([copy]) == []
