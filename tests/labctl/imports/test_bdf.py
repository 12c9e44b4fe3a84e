from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from devices.errors import DataError
from labctl.imports.bdf import read_bdf
from labctl.imports.readings import Rows
from labctl.runs.run import Run

HEADER = ["Test Time / s", "Voltage / V", "Current / A"]
ROWS = [[0, 3.9, 1e-5], [10, 4.0, 1e-5], [20, 4.0, -1e-5], [30, 3.9, -1e-5]]


def table(columns: Mapping[str, list[object]]) -> str:
    lines = [columns.keys(), *zip(*columns.values(), strict=True)]
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def columns(**more: list[object]) -> dict[str, list[object]]:
    return {**{label: [row[n] for row in ROWS] for n, label in enumerate(HEADER)}, **more}


@pytest.fixture
def rows(tmp_path: Path) -> Callable[[str], Rows]:
    def read(text: str) -> Rows:
        path = tmp_path / "a.bdf.csv"
        path.write_text(text)
        found = read_bdf(path).rows
        assert found is not None
        return found

    return read


def test_the_required_columns_are_enough(kept: Callable[..., Run]) -> None:
    run = kept("a.bdf.csv", table(columns()))
    assert run.table()["step_count"].tolist() == [1, 1, 2, 2]
    assert run.table()["charge"][-1] == pytest.approx(0)
    assert run.table("cycles")["charge_capacity"].tolist() == pytest.approx(
        [1e-5 * 10 / 3600], rel=1e-6, abs=0.0
    )
    assert "last changed" in run.start["source"]["began"]


def test_machine_readable_names_are_the_same_table(rows: Callable[[str], Rows]) -> None:
    text = table(columns())
    named = text.replace(
        "Test Time / s,Voltage / V,Current / A", "test_time_second,voltage_volt,current_ampere"
    )
    assert np.array_equal(rows(text).voltage, rows(named).voltage)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_from_a_spreadsheet_with_decimal_commas_is_read_and_that_is_said(
    kept: Callable[..., Run], delimiter: str
) -> None:
    text = table(columns())
    run = kept("a.bdf.csv", text.replace(",", delimiter).replace(".", ","))
    assert run.table()["voltage"].tolist() == pytest.approx([row[1] for row in ROWS])
    assert "not parted by commas" in " ".join(run.table("events")["text"])


def test_counters_of_others_may_start_anew(rows: Callable[[str], Rows]) -> None:
    up, down = [0.0, 1e-6, 0.0, 1e-6], [0.0, 0.0, 1e-6, 1e-6]
    found = rows(table(columns(**{"Charging Capacity / Ah": up, "Discharging Capacity / Ah": down})))
    assert found.charge is not None
    assert found.charge.tolist() == pytest.approx([0.0, 1e-6, 0.0, 1e-6])


def test_a_last_line_without_an_end_is_left_out_and_said_wherever_it_was_cut(
    kept: Callable[..., Run],
) -> None:
    whole = table({label: values[:3] for label, values in columns().items()})
    for number, cut in enumerate(("30,3.3,1.25e-05", "30,3.3,1.25e-0", "30,3.3", "3", '30,3.3,"1.2')):
        run = kept(f"{number}.bdf.csv", whole + cut)
        assert run.table()["current"].tolist() == pytest.approx([row[2] for row in ROWS[:3]])
        assert "the last line has no end and was left out" in run.table("events")["text"].tolist()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\n\n", "\n  ", "\r\n,,"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_last_line_with_an_end_is_kept_and_nothing_is_said(
    kept: Callable[..., Run], end: str, encoding: str
) -> None:
    run = kept("a.bdf.csv", table(columns()).rstrip() + end, encoding=encoding)
    assert len(run.table()["voltage"]) == 4
    assert not any("no end" in text for text in run.table("events")["text"])


def test_a_byte_order_mark_is_no_part_of_the_header(rows: Callable[[str], Rows]) -> None:
    assert len(rows("\ufeff" + table(columns()))) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (table(columns()).replace("Current / A", "Current / mA"), "'Current / mA'; the unit of BDF is A"),
        (table(columns()).replace("Voltage / V", "U"), "has no column Voltage / V, which BDF requires"),
        (table(columns(voltage_volt=[1, 2, 3, 4])), "has 2 columns for Voltage / V"),
        (table(columns(**{"Cycle Count / 1": [1, 1, 6.283185307179586, 7]})), ":4: Cycle Count / 1 is 6.28"),
        (table(columns(**{"Step Count / 1": [1, "", 2, 2]})), ":3: Step Count / 1 is nan"),
        (table(columns()).replace("4.0", "inf", 1), ":3: Voltage / V is 'inf', which is not a number"),
        (table(columns()).replace("4.0", "1_0", 1), ":3: Voltage / V is '1_0', which is not a number"),
        (",".join(HEADER) + "\n", "has no whole row"),
        (",".join(HEADER) + "\n0,3.9,1e-5", "has no whole row"),
    ],
)
def test_what_bdf_does_not_allow_is_refused_with_its_place(
    rows: Callable[[str], Rows], text: str, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        rows(text)
    assert said in str(caught.value)


def test_junk_called_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.bdf.parquet"
    path.write_bytes(b"PAR1" + bytes(range(256)) + b"PAR1")
    with pytest.raises(DataError, match="cannot be read as parquet"):
        read_bdf(path)
