"""Each row gets what was last read before it, with its age, and nothing that is too old."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.analysis.joining import joined

ROWS = {"voltage": np.array([3.0, 3.1, 3.2, 3.3]), "ambient_temperature": np.full(4, 21.0)}
TIMES = np.array([0.0, 10.0, 20.0, 400.0])


def join(read_at=(5.0, 20.0), oldest=300.0, ambient=None, **readings):
    found = {key: np.array(values) for key, values in (readings or {"oxygen": (1.0, 2.0)}).items()}
    return joined(TIMES, ROWS, np.array(read_at), found, name="surroundings", oldest=oldest, ambient=ambient)


def test_a_row_has_the_last_reading_before_it_and_its_age():
    table = join()
    assert list(table) == ["voltage", "ambient_temperature", "oxygen", "surroundings_age"]
    assert np.array_equal(table["oxygen"], [np.nan, 1.0, 2.0, np.nan], equal_nan=True)
    assert np.array_equal(table["surroundings_age"], [np.nan, 5.0, 0.0, np.nan], equal_nan=True)
    assert np.array_equal(join(oldest=1e3)["oxygen"], [np.nan, 1.0, 2.0, 2.0], equal_nan=True)


def test_texts_and_whole_numbers_have_their_nothing():
    table = join(door=("open", "shut"), fan=(1, 0))
    assert list(table["door"]) == ["", "open", "shut", ""]
    assert np.array_equal(table["fan"], [np.nan, 1.0, 0.0, np.nan], equal_nan=True)


def test_a_key_that_rows_have_is_told_apart():
    table = join(voltage=(7.0, 8.0))
    assert np.array_equal(table["voltage"], ROWS["voltage"])
    assert table["surroundings_voltage"][1] == 7.0


def test_the_reading_that_is_named_ambient_fills_that_column_and_leaves_what_was_recorded():
    table = join(room=(25.0, 26.0), ambient="room")
    assert np.array_equal(table["ambient_temperature"], [np.nan, 25.0, 26.0, np.nan], equal_nan=True)
    assert np.array_equal(ROWS["ambient_temperature"], np.full(4, 21.0))
    with pytest.raises(KeyError):
        join(ambient="elsewhere")


def test_without_a_reading_there_is_nothing_to_join():
    table = join(read_at=(), oxygen=np.array([], dtype=float))
    assert np.isnan(table["oxygen"]).all()


@given(
    st.lists(st.floats(0, 1e6), max_size=20).map(sorted),
    st.lists(st.floats(0, 1e6), max_size=20).map(sorted),
    st.floats(0, 1e6),
)
def test_no_reading_is_from_the_future_or_too_old(times, read_at, oldest):
    labels, read = np.array(times, dtype=float), np.array(read_at, dtype=float)
    table = joined(labels, {}, read, {"at": read}, name="s", oldest=oldest)
    taken = ~np.isnan(table["at"])
    assert np.all(table["at"][taken] <= labels[taken])
    assert np.all(labels[taken] - table["at"][taken] <= oldest)
    assert np.array_equal(taken, ~np.isnan(table["s_age"]))
