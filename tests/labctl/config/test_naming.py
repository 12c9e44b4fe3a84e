"""A name is enough where it is one; else it is said what is near, or which files there are."""

import shutil
from pathlib import Path

import pytest

from devices.errors import ConfigError
from labctl.config.folder import Config
from labctl.config.naming import file_of


@pytest.fixture
def config(tmp_path):
    shutil.copytree(Config().directory, tmp_path / "config")
    return Config(tmp_path / "config")


def refused(typed, config, *kinds):
    with pytest.raises(ConfigError) as caught:
        file_of(typed, config, *kinds)
    (mistake,) = caught.value.mistakes
    return str(mistake)


@pytest.mark.parametrize("typed", ["steps.txt", "x.toml", "p.json", "folder/fla-0.7um"])
def test_what_looks_like_a_file_is_one(config, typed):
    assert file_of(typed, config) == Path(typed)


def test_names_of_every_kind_are_found_dots_and_all(config):
    for typed, folder in (("fla-0.7um", "experiments"), ("formation", "programs"), ("twin", "benches")):
        assert file_of(typed, config) == config.directory / folder / f"{typed}.toml"


def test_an_unknown_name_is_answered_with_what_is_near(config):
    said = refused("formatoin", config)
    assert 'did you mean "formation"? (of a program)' in said
    assert "(of an experiment)" in refused("fla-0.7", config, ("program", "experiment"))
    assert "did you mean" not in refused("xyzzy", config)


def test_a_name_that_several_files_have_is_answered_with_the_files(config):
    shutil.copy(config.path("program", "formation"), config.directory / "experiments" / "formation.toml")
    said = refused("formation", config)
    assert "experiments/formation.toml" in said
    assert "programs/formation.toml" in said


def test_a_name_is_of_the_kinds_that_are_asked_for(config):
    assert "no program or experiment has this name" in refused("twin", config, ("program", "experiment"))
