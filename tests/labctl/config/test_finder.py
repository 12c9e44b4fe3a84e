"""One rule for where the files are."""

from pathlib import Path

import pytest

from devices.errors import ConfigError, DataError
from labctl.config.finder import config_dir, data_dir, kept_dir


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("LABCTL_CONFIG", raising=False)
    monkeypatch.delenv("LABCTL_DATA", raising=False)


def test_what_is_named_comes_before_the_environment_and_before_what_was_shipped(tmp_path, monkeypatch):
    assert (config_dir() / "limits.toml").is_file()
    other, named = tmp_path / "other", tmp_path / "named"
    other.mkdir()
    named.mkdir()
    monkeypatch.setenv("LABCTL_CONFIG", str(other))
    assert config_dir() == other
    assert config_dir(named) == named


def test_a_folder_that_is_not_there_is_refused_with_the_ways_to_name_one(tmp_path):
    with pytest.raises(ConfigError, match="--config DIR"):
        config_dir(tmp_path / "missing")


def test_data_go_where_they_are_told_to_or_below_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert data_dir() == tmp_path / "labctl-data"
    monkeypatch.setenv("LABCTL_DATA", "elsewhere")
    assert data_dir() == tmp_path / "elsewhere"
    assert data_dir(Path("named")) == tmp_path / "named"
    assert not list(tmp_path.iterdir())


def test_whoever_looks_at_what_was_kept_is_told_that_there_is_nothing(tmp_path):
    with pytest.raises(DataError, match="--data DIR"):
        kept_dir(tmp_path / "mistyped")
    assert kept_dir(tmp_path) == tmp_path
