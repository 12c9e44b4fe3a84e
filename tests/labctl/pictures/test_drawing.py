"""Where no picture can be written is told before anything is calculated."""

import pytest

from devices.errors import DataError
from labctl.pictures.drawing import require_picture, save


def test_a_folder_that_is_none_and_a_format_that_is_none_are_named(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        require_picture(tmp_path / "none" / "x.png")
    with pytest.raises(DataError, match=r"\.png"):
        save(None, tmp_path / "x.xyz")
    require_picture(tmp_path / "x.PDF")
