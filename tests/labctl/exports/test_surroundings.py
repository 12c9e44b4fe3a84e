"""What was read around a cell stands beside its rows in every export."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labctl.exports.run_export import export_run
from labctl.runs.run import Run

VOLTAGE, CURRENT = [3.9, 3.95, 4.0, 3.9, 3.9], [1e-5, 1e-5, -1e-5, -1e-5, 0.0]
AROUND = {"probe": [20.5, 21.5], "oxygen": [3, 4], "gas": ["=Ar", "=N2"]}
"""Read at the time labels of the first two rows."""

PROBED = [20.5, 21.5, 21.5, 21.5, 21.5]


@pytest.fixture
def surrounded(cycled: Callable[..., Run]) -> Run:
    return cycled(VOLTAGE, CURRENT, around=AROUND, ambient="probe")


def primary(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_has_the_last_reading_before_each_row_and_how_old_it_is(surrounded: Run, tmp_path: Path) -> None:
    export_run(surrounded, "csv", tmp_path)
    (path,) = tmp_path.glob("*-primary.csv")
    rows = primary(path)
    assert [float(row["probe (degC)"]) for row in rows] == PROBED
    assert [float(row["ambient_temperature (degC)"]) for row in rows] == PROBED
    assert [float(row["surroundings_age (s)"]) for row in rows] == [0, 0, 1, 2, 3]
    assert [row["gas"] for row in rows] == ["'=Ar", *["'=N2"] * 4]


def test_bdf_has_the_ambient_temperature_and_no_column_of_its_own_making(
    surrounded: Run, tmp_path: Path
) -> None:
    rows = primary(export_run(surrounded, "bdf", tmp_path).files[0])
    assert [float(row["Ambient Temperature / degC"]) for row in rows] == PROBED
    assert all(" / " in name for name in rows[0])


def test_parquet_and_hdf5_have_the_same_columns_with_their_units(surrounded: Run, tmp_path: Path) -> None:
    h5py, parquet = pytest.importorskip("h5py"), pytest.importorskip("pyarrow.parquet")
    export_run(surrounded, "parquet", tmp_path)
    table = parquet.read_table(next(tmp_path.glob("*-primary.parquet")))
    assert table["probe"].to_pylist() == PROBED
    assert table["oxygen"].to_pylist() == [3.0, 4.0, 4.0, 4.0, 4.0]
    assert table.schema.field("probe").metadata[b"units"] == b"degC"
    with h5py.File(export_run(surrounded, "hdf5", tmp_path).files[0]) as file:
        np.testing.assert_array_equal(file["entry/primary/probe"], PROBED)
        assert file["entry/primary/surroundings_age"].attrs["units"] == "s"
        assert file["entry/primary/gas"].asstr()[0] == "=Ar"


def test_a_run_with_nothing_around_it_has_its_own_columns(cycled: Callable[..., Run], tmp_path: Path) -> None:
    export_run(cycled(VOLTAGE, CURRENT), "csv", tmp_path)
    (path,) = tmp_path.glob("*-primary.csv")
    assert "surroundings_age (s)" not in primary(path)[0]


def test_readings_of_a_chain_stand_beside_the_rows_of_all_its_journals(
    cycled: Callable[..., Run], tmp_path: Path
) -> None:
    dead = cycled(VOLTAGE, CURRENT, around=AROUND, ambient="probe", stopped=False)
    rest = {"continues": dead.uid, "record": [5, 6, 7, 8, 9]}
    cycled(VOLTAGE, CURRENT, around={**AROUND, "probe": [30.0, 31.0]}, ambient="probe", **rest)
    export_run(Run(dead.uid, tmp_path / "data"), "csv", tmp_path)
    (path,) = tmp_path.glob("*-primary.csv")
    assert len(primary(path)) == 10
    assert all(row["probe (degC)"] for row in primary(path))
