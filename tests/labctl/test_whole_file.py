from __future__ import annotations

import os
from pathlib import Path

import pytest

from labctl.clock.label import wall_label
from labctl.whole_file import ABANDONED, passing_folder, sweep, whole_file, write_whole


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


LEFT = (
    ".0123456789abcdef.part",
    ".0123456789abcdef.part.csv",
    ".crate-ab12_xyz",
    ".derive-a1b2c3d4",
    ".import-00000000",
)
OTHERS = (".part", ".crate-", "0123456789abcdef.part", ".0123456789abcdef", ".import-mine-of-1999", "a.jnl")


def test_what_the_dead_left_is_swept_once_it_is_a_day_old_and_nothing_else(tmp_path: Path) -> None:
    for name in (*LEFT, *OTHERS):
        if name.startswith((".crate-a", ".derive", ".import-0")):
            (tmp_path / name / "runs").mkdir(parents=True)
        else:
            (tmp_path / name).touch()
    sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(LEFT) + len(OTHERS)
    long_ago = wall_label() - ABANDONED - 1.0
    for path in tmp_path.iterdir():
        os.utime(path, (long_ago, long_ago))
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(OTHERS)


def test_a_passing_folder_is_gone_afterwards_and_would_be_swept(tmp_path: Path) -> None:
    with passing_folder(tmp_path, "crate") as folder:
        (folder / "a").touch()
        long_ago = wall_label() - ABANDONED - 1.0
        os.utime(folder, (long_ago, long_ago))
        sweep(tmp_path)
        assert not folder.exists()
    assert not list(tmp_path.iterdir())
