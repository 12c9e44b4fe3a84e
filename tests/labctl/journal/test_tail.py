import random
from pathlib import Path
from typing import Any

import pytest

from devices.errors import Corrupt, Foreign
from labctl.journal.records import read_records
from labctl.journal.tail import Tail


def test_a_file_that_grows_by_any_pieces_gives_every_record_once(tmp_path: Path, kept: Any) -> None:
    run = kept.begin()
    for count in (1, 5, 2):
        kept.rows(run, "primary", {"voltage": [3.7] * count})
    kept.end(run)
    whole, grown = run.path.read_bytes(), tmp_path / "grown.jnl"
    places = sorted(random.Random(1).sample(range(len(whole)), 60))
    tail, found = Tail(grown), []
    for beginning, end in zip([0, *places], [*places, len(whole)], strict=True):
        with grown.open("ab") as file:
            file.write(whole[beginning:end])
        found += list(tail.records())
        assert tail.grown() == (whole[end - 1 : end] != b"\n")
    assert found == list(read_records(run.path))
    assert list(tail.records()) == []


def test_records_before_a_flipped_bit_are_read_and_then_it_is_said(kept: Any) -> None:
    run = kept.begin()
    kept.rows(run, "primary", {"voltage": [3.7] * 3})
    kept.end(run)
    content = bytearray(run.path.read_bytes())
    content[-5] ^= 1
    run.path.write_bytes(content)
    tail, found = Tail(run.path), []
    with pytest.raises(Corrupt):
        found += [record.kind for record in tail.records()]
    again = Tail(run.path).records()
    assert [next(again).kind for _ in range(4)] == ["H", "D", "D", "R"]


def test_bytes_that_are_taken_away_again_are_noticed(kept: Any) -> None:
    run = kept.begin()
    kept.rows(run, "primary", {"voltage": [3.7] * 3})
    tail = Tail(run.path)
    list(tail.records())
    assert not tail.cut_short()
    run.path.write_bytes(run.path.read_bytes()[:-1])
    assert tail.cut_short()
    run.close()


def test_a_file_of_something_else_is_foreign(tmp_path: Path) -> None:
    path = tmp_path / "x.jnl"
    path.write_text("a picture\n", encoding="utf-8")
    with pytest.raises(Foreign):
        list(Tail(path).records())
