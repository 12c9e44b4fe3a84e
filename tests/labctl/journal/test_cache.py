"""The cache: the same arrays as the journal gives, or none at all."""

import numpy as np
import pytest

from devices.errors import Corrupt
from labctl.journal import cache
from labctl.journal.cache import cache_path, columns, read_columns


@pytest.fixture
def path(house, monkeypatch):
    monkeypatch.setattr(cache, "WORTH", 0)
    house.begin().measure(20).collect().measure(5).collect().end()
    return house.path


def equal(left, right):
    assert list(left) == list(right)
    for name, stream in left.items():
        assert np.array_equal(stream.times, right[name].times)
        assert list(stream.data) == list(right[name].data)
        for key, column in stream.data.items():
            assert column.dtype == right[name].data[key].dtype
            assert np.array_equal(column, right[name].data[key], equal_nan=column.dtype.kind == "f")


def test_arrays_are_what_was_measured(path):
    found = columns(path)
    primary = found["primary"]
    assert list(primary.data["record"]) == list(range(25))
    assert primary.data["record"].dtype == np.int64
    assert np.isnan(primary.data["voltage"][1])
    assert primary.data["voltage"][2] == np.inf
    assert primary.data["word"][0] == "<b>µ"  # numpy drops trailing NULs of text
    assert found["steps"].data["trace"].shape == (9, 2)
    assert found["outcome"].data["asked"].shape == (0,)


def test_the_cache_gives_what_the_journal_gives(path, monkeypatch):
    first = columns(path)
    assert cache_path(path).exists()
    monkeypatch.setattr(cache, "read_columns", lambda _: pytest.fail("the journal was read"))
    equal(columns(path), first)


def test_a_cache_of_another_state_of_the_journal_is_not_used(house, path):
    columns(path)
    place = cache_path(path)
    old = place.read_bytes()
    house.begin().measure(3).collect().end()
    columns(house.path)
    cache_path(house.path).write_bytes(old)
    equal(columns(house.path), read_columns(house.path))


def test_a_running_run_is_not_cached(house, path):
    house.begin().measure(3).collect()
    assert len(columns(house.path)["primary"].times) == 3
    assert not cache_path(house.path).exists()


def test_a_broken_cache_is_made_anew(path):
    wanted = columns(path)
    place = cache_path(path)
    whole = place.read_bytes()
    for broken in (b"", b"junk", whole[:-1], whole[: len(whole) // 2], bytes(len(whole))):
        place.write_bytes(broken)
        equal(columns(path), wanted)
    assert place.read_bytes() == whole


def test_a_flipped_bit_in_a_cache_is_never_read_as_data(path):
    wanted = columns(path)
    place = cache_path(path)
    whole = place.read_bytes()
    for index in range(0, len(whole), 97):
        flipped = bytearray(whole)
        flipped[index] ^= 1 << index % 8
        place.write_bytes(bytes(flipped))
        equal(columns(path), wanted)


def test_a_damaged_journal_is_refused_whatever_is_cached(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(Corrupt):
        columns(path)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(path):
    (path.parents[3] / "cache").write_text("no folder")
    assert len(columns(path)["primary"].times) == 25


def test_a_journal_outside_of_a_data_folder_has_no_cache(path, tmp_path):
    other = tmp_path / path.name
    other.write_bytes(path.read_bytes())
    assert cache_path(other) is None
    equal(columns(other), columns(path))


def test_arrays_of_unlike_shapes_are_objects():
    cells = [[[1.0, 2.0], [3.0, None]], [[4.0], [5.0, 6.0, 7.0]], [[8.0]]]
    gathered = cache._Gathered({"trace": {"dtype": "array", "shape": [None]}})
    for page in cells:
        gathered.add({"time": [0.0] * len(page), "data": {"trace": page}})
    found = gathered.joined()
    assert len(found.times) == 5
    assert found.data["trace"].dtype == object
    expected = [[1.0, 2.0], [3.0, np.nan], [4.0], [5.0, 6.0, 7.0], [8.0]]
    for cell, values in zip(found.data["trace"], expected, strict=True):
        assert np.array_equal(cell, values, equal_nan=True)
