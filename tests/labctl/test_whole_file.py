from __future__ import annotations

from pathlib import Path

import pytest

from labctl.whole_file import whole_file, write_whole


def test_a_file_is_written_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.json", b"{}")
    write_whole(tmp_path / "a.json", b"[]")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() == b"[]"


@pytest.mark.parametrize("blow", [ValueError, KeyboardInterrupt])
def test_a_blow_in_the_middle_leaves_what_stood_there_before(
    tmp_path: Path, blow: type[BaseException]
) -> None:
    write_whole(tmp_path / "a.csv", b"old")

    def half() -> None:
        with whole_file(tmp_path / "a.csv") as temporary:
            temporary.write_bytes(b"ne")
            raise blow

    with pytest.raises(blow):
        half()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.csv", b"old")]


def test_the_temporary_file_stands_in_the_same_folder_with_the_same_suffix(tmp_path: Path) -> None:
    with whole_file(tmp_path / "picture.png") as temporary:
        temporary.write_bytes(b"")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"
        assert not (tmp_path / "picture.png").exists()


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode
