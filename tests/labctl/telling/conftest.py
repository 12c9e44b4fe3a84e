"""A night made up of documents, without a bench."""

import json
import shutil

import pytest

from labctl.config.finder import config_dir
from labctl.night.chronicle import Chronicle
from labctl.night.folder import Begun, make_folder

BEGAN = 1_790_000_000.0


class MadeNight:
    """Writes what a night would; `folder` is the night's, `config` its configuration's."""

    def __init__(self, data, place, notes=""):
        self.config = place / "config"
        self.config.mkdir()
        shutil.copy(config_dir() / "limits.toml", self.config)
        listed = place / "eve.toml"
        listed.write_text(f"schema = 1\nnotes = {json.dumps(notes)}\n[[item]]\nexperiment = 'x'\n")
        self.folder = make_folder(
            data, listed, Begun(str(place), "eve", str(self.config), "", 3600.0, 1000, BEGAN)
        )
        self._chronicle = Chronicle(self.folder, {"night": self.folder.name})

    def tell(self, what, item="", *, after=0.0, **details):
        self._chronicle.tell(BEGAN + after, what, item, **details)
        return self

    def close(self):
        self._chronicle.close()

    def tells(self, text):
        (self.config / "telling.toml").write_text(text)


@pytest.fixture
def made(tmp_path):
    """Return a night that has begun, in a data folder `data`."""
    night = MadeNight(tmp_path / "data", tmp_path)
    yield night
    night.close()
