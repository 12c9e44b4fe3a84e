"""A copy of the shipped configuration that a test may spoil."""

import shutil
from pathlib import Path

import pytest

from devices.errors import ConfigError

SHIPPED = Path(__file__).parents[3] / "config"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with every shipped file in it."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "config"))


@pytest.fixture
def told():
    """Return a function that calls another and returns the mistakes it raised, as (key, value, allowed)."""

    def call(function, *args, **kwargs):
        with pytest.raises(ConfigError) as caught:
            function(*args, **kwargs)
        return [(mistake.key, mistake.value, mistake.allowed) for mistake in caught.value.mistakes]

    return call
