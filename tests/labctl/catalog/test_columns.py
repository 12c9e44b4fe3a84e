import math
from collections.abc import Callable
from typing import Any

import pytest

pa = pytest.importorskip("pyarrow")

from labctl.catalog.columns import schema_of, table_of  # noqa: E402
from labctl.journal.records import read_records  # noqa: E402


@pytest.mark.parametrize("skip", range(9))
def test_rows_of_several_records_are_one_table_from_any_row_on(write: Callable[..., Any], skip: int) -> None:
    run = write()
    for count in (1, 4, 3):
        run.page(count)
    records = [record.payload for record in read_records(run.path) if record.kind == "R"]
    table = table_of(schema_of(run.keys), records, 100, skip).to_pydict()
    assert table["seq_num"] == list(range(1 + skip, 9))
    assert table["step"] == [n * 1_000_003 for n in table["seq_num"]]
    assert [math.isnan(value) for value in table["voltage"]] == [n % 7 == 0 for n in table["seq_num"]]
    assert "trace" not in table
    assert table["ts_seq_num"] == [99 + n for n in table["seq_num"]]
    assert table["ts_voltage"] == table["time"]
    assert table["ts_step"] == [time + 0.5 for time in table["time"]]


def test_infinities_and_missing_values_stay_what_they_are() -> None:
    keys = {"x": {"dtype": "number", "shape": []}, "s": {"dtype": "string", "shape": []}}
    row = {
        "first": 1,
        "time": [0.0] * 3,
        "data": {"x": ["inf", None, 2], "s": ["a", None, ""]},
        "timestamps": {},
    }
    table = table_of(schema_of(keys), [row])
    x = table["x"].to_pylist()
    assert x[0] == math.inf
    assert math.isnan(x[1])
    assert x[2] == 2.0
    assert table["s"].to_pylist() == ["a", None, ""]


def test_an_array_of_text_is_a_list_in_a_cell() -> None:
    keys = {"words": {"dtype": "array", "shape": [1, 2], "dtype_numpy": "<U4"}}
    row = {"first": 1, "time": [0.0], "data": {"words": [[["a", "b"]]]}, "timestamps": {}}
    table = table_of(schema_of(keys), [row])
    assert table["words"].to_pylist() == [[["a", "b"]]]


def test_a_key_that_looks_like_a_timestamp_is_data_all_the_same() -> None:
    keys = {"ts_x": {"dtype": "number", "shape": []}, "y": {"dtype": "number", "shape": []}}
    row = {"first": 1, "time": [5.0], "data": {"ts_x": [7.0], "y": [1.0]}, "timestamps": {}}
    table = table_of(schema_of(keys), [row]).to_pydict()
    assert table["ts_x"] == [7.0]
    assert table["ts_y"] == [5.0]


@pytest.mark.parametrize("value", [1.5, "seven"])
def test_a_value_that_does_not_fit_its_key_is_refused(value: Any) -> None:
    row = {"first": 1, "time": [0.0], "data": {"n": [value]}, "timestamps": {}}
    with pytest.raises(pa.ArrowException):
        table_of(schema_of({"n": {"dtype": "integer", "shape": []}}), [row])
