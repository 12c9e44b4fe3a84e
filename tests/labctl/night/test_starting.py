"""A night that cannot be kept is refused before it is rehearsed."""

import errno
import os

import pytest

from devices.errors import DataError
from labctl.night import folder as module
from labctl.night import starting
from labctl.night.folder import Begun, make_folder
from labctl.night.starting import start


def test_a_data_folder_that_takes_nothing_is_known_before_the_rehearsal(config, data, write, monkeypatch):
    """A folder of root's own takes everything of root: the file system must say no."""

    def read_only(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(module.tempfile, "TemporaryFile", read_only)
    monkeypatch.setattr(starting, "rehearse", None)
    with pytest.raises(DataError, match=r"nights cannot be written \(Read-only file system\)"):
        start(write("both-0"), config, data, "", only_rehearse=False)


def test_a_folder_of_nights_that_is_a_file_is_told_in_words(config, data, write):
    (data / "nights").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        start(write("both-0"), config, data, "", only_rehearse=False)
    begun = Begun("", "list", "", "", 0.0, 0, 1e9)
    with pytest.raises(DataError):
        make_folder(data, write("both-0"), begun)
