"""Recipes are of two kinds, and each is asked for by what fires it."""

import shutil

import pytest

from devices.errors import ConfigError
from devices.recipes import AnnealRecipe, FurnaceRecipe
from labctl.config.finder import config_dir
from labctl.config.folder import Config


def test_a_recipe_says_its_kind_and_is_a_lamps_where_it_does_not() -> None:
    config = Config()
    assert isinstance(config.recipe("fla-850V-20"), AnnealRecipe)
    assert isinstance(config.furnace("rta-700C"), FurnaceRecipe)


def test_each_refuses_the_others_in_words() -> None:
    with pytest.raises(ConfigError, match='kind = "furnace": a lamp is asked for a recipe of flashes'):
        Config().recipe("rta-700C")
    with pytest.raises(ConfigError, match='must be "furnace"; this is a recipe of flashes'):
        Config().furnace("fla-850V-20")


@pytest.mark.parametrize("kind", ['"laser"', "3", '["flash"]'])
def test_another_kind_is_a_mistake(tmp_path, kind) -> None:
    folder = tmp_path / "config"
    shutil.copytree(config_dir(), folder)
    path = folder / "recipes" / "rta-700C.toml"
    path.write_text(path.read_text().replace('"furnace"', kind))
    with pytest.raises(ConfigError, match='must be one of "flash", "furnace"'):
        Config(folder).furnace("rta-700C")
