"""Whatever a run holds comes back from every file as it was."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.exports.csv_files import FORMULA
from labctl.exports.run_export import export_run
from labctl.runs.run import Run

KEYS = {
    "x": {"dtype": "number", "shape": [], "source": "test", "units": "V"},
    "n": {"dtype": "integer", "shape": [], "source": "test", "units": "1"},
    "words": {"dtype": "string", "shape": [], "source": "test"},
    "trace": {"dtype": "array", "shape": [2], "source": "test", "units": "A"},
    "ragged": {"dtype": "array", "shape": [0], "source": "test"},
}

NUMBERS = st.floats(allow_infinity=False) | st.just(-0.0) | st.just(5e-324) | st.just(1.7976931348623157e308)
WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(
    [
        "=1+1",
        "+2",
        "-3",
        "@sum",
        "\t=1",
        "\r=1",
        "a,b",
        'say "x"',
        "line\nline",
        " =1",
        "＝1",
        "<b>",
        "x" * 999,
    ]
)
ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.integers(-(2**63), 2**63 - 1),
        WORDS,
        st.tuples(NUMBERS, NUMBERS),
        st.lists(NUMBERS, max_size=3),
    ),
    max_size=7,
)

laws = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def columns_of(rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    columns = (
        dict(zip(KEYS, map(list, zip(*rows, strict=True)), strict=True))
        if rows
        else {key: [] for key in KEYS}
    )
    return {**columns, "trace": [list(pair) for pair in columns["trace"]]}


def same(found: Any, asked: list[float]) -> bool:
    found, asked = np.asarray(found, float), np.asarray(asked, float)
    both_missing = np.isnan(found) & np.isnan(asked)
    return bool(np.all(both_missing | ((found == asked) & (np.signbit(found) == np.signbit(asked)))))


@laws
@given(rows=ROWS)
def test_parquet_is_exact(any_run: Callable[..., Run], rows: list[tuple[Any, ...]]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run = any_run(KEYS, columns_of(rows))
    (path,) = export_run(run, "parquet", run.path.parent / "out").files
    table = parquet.read_table(path)
    assert same(table["x"].to_numpy(), [row[0] for row in rows])
    assert table["n"].to_pylist() == [row[1] for row in rows]
    assert table["words"].to_pylist() == [row[2] for row in rows]
    for key, place in (("trace", 3), ("ragged", 4)):
        assert all(same(found, row[place]) for found, row in zip(table[key].to_pylist(), rows, strict=True))
    said = json.loads(table.schema.metadata[b"labctl"])
    assert (said["start"], said["stop"], said["stream"]) == (run.start, run.stop, "primary")
    assert table.schema.field("x").metadata == {b"units": b"V"}


@laws
@given(rows=ROWS)
def test_hdf5_is_exact(any_run: Callable[..., Run], rows: list[tuple[Any, ...]]) -> None:
    h5py = pytest.importorskip("h5py")
    run = any_run(KEYS, columns_of(rows))
    (path,) = export_run(run, "hdf5", run.path.parent / "out").files
    with h5py.File(path) as file:
        group = file["entry/primary"]
        assert same(group["x"][:], [row[0] for row in rows])
        assert group["n"][:].tolist() == [row[1] for row in rows]
        assert [text.decode() for text in group["words"][:]] == [row[2] for row in rows]
        for key, place in (("trace", 3), ("ragged", 4)):
            assert all(same(found, row[place]) for found, row in zip(group[key][:], rows, strict=True))
        assert group["x"].attrs["units"] == "V"
        assert json.loads(file["entry/documents/start"][()]) == run.start
        assert json.loads(file["entry/documents/stop"][()]) == run.stop


@laws
@given(rows=ROWS)
def test_csv_reads_back_and_no_text_is_a_formula(
    any_run: Callable[..., Run], rows: list[tuple[Any, ...]]
) -> None:
    run = any_run(KEYS, columns_of(rows))
    (path,) = export_run(run, "csv", run.path.parent / "out").files
    with path.open(newline="", encoding="utf-8") as file:
        header, *cells = csv.reader(file)
    assert header == ["seq_num", "time (s)", "x (V)", "n", "words", "trace (A)", "ragged"]
    assert same([float(each[2] or "nan") for each in cells], [row[0] for row in rows])
    assert [int(each[3]) for each in cells] == [row[1] for row in rows]
    assert [
        each[4].removeprefix("'") if each[4] != row[2] else each[4]
        for each, row in zip(cells, rows, strict=True)
    ] == [row[2] for row in rows]
    assert not any(each[4].lstrip(" ").startswith(FORMULA) for each in cells)


@st.composite
def cell_tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Cycling rows that BDF can hold: time and counters do not go down, everything is finite."""
    size = draw(st.integers(1, 8))
    finite = st.floats(allow_nan=False, allow_infinity=False)
    # A sum of increments must stay a number.
    moderate = st.floats(-1e300, 1e300)

    def column(values: st.SearchStrategy[Any], *, growing: bool = False) -> list[Any]:
        found = draw(st.lists(values, min_size=size, max_size=size))
        return sorted(found) if growing else found

    counts = st.integers(1, 2**40)
    return {
        "test_time": column(st.floats(0, 1e300), growing=True),
        "unix_time": column(st.floats(0, 4e9), growing=True),
        "voltage": column(finite),
        "current": column(finite),
        "charge": column(moderate),
        "energy": column(moderate),
        "step_index": column(st.integers(0, 99)),
        "step_count": column(counts, growing=True),
        "cycle": column(counts, growing=True),
        "record": list(range(size)),
        "ambient_temperature": column(finite | st.just(math.nan)),
        "range": [0] * size,
        "flags": [0] * size,
    }


@pytest.mark.parametrize("form", ["bdf", "bdf-parquet"])
@laws
@given(columns=cell_tables())
def test_bdf_written_and_read_is_the_same_table(
    any_cycled: Callable[..., Run], form: str, columns: dict[str, list[Any]]
) -> None:
    pytest.importorskip("pyarrow")
    from labctl.imports.bdf import read_bdf

    run = any_cycled(columns)
    path = export_run(run, form, run.path.parent / "out").files[0]
    rows = read_bdf(path).rows
    assert rows is not None
    for key in ("test_time", "voltage", "current", "charge", "energy", "unix_time"):
        assert same(getattr(rows, key), columns[key]), key
    assert rows.step_count.tolist() == columns["step_count"]
    assert rows.cycle.tolist() == columns["cycle"]
    known = rows.temperature if rows.temperature is not None else [math.nan] * len(rows)
    assert same(known, columns["ambient_temperature"])


def test_a_run_exported_as_bdf_and_imported_has_the_same_rows(
    cycled: Callable[..., Run], tmp_path: Path
) -> None:
    from labctl.config.folder import Config
    from labctl.imports.run_import import import_file

    run = cycled([3.9 + 0.01 * n for n in range(20)], [2e-5] * 10 + [-2e-5] * 10)
    path = export_run(run, "bdf", tmp_path / "out").files[0]
    back = Run(import_file(path, Config().sample("lco-0.7um"), tmp_path / "data").path)
    assert back.start["time"] == run.start["time"]
    asked, found = run.table(), back.table()
    for key in asked.keys() - {"record", "step_index"}:
        assert np.array_equal(found[key], asked[key]), key
