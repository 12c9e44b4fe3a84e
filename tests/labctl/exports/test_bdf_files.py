from __future__ import annotations

import csv
import json
import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devices.errors import DataError
from labctl.exports.bdf_checks import BdfChecks
from labctl.exports.bdf_columns import COLUMNS
from labctl.exports.run_export import export_run
from labctl.runs.run import Run

Cycled = Callable[..., Run]

VOLTAGE = [3.9, 3.95, 4.0, 4.05, 4.0, 3.9]
CURRENT = [1e-5, 1e-5, 1e-5, 0.0, -2e-5, -2e-5]


def table_of(path: Path) -> dict[str, list[float]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0]}


def test_labels_are_those_of_the_battery_data_alliance() -> None:
    spec = pytest.importorskip("bdf.normalize.spec")
    known = {spec._label_for(name): name for name in spec.COLUMNS}
    assert {column.label: column.name for column in COLUMNS}.items() <= known.items()


@pytest.mark.parametrize("form", ["bdf", "bdf-parquet"])
def test_the_validator_accepts_it_in_strict_mode(cycled: Cycled, tmp_path: Path, form: str) -> None:
    bdf = shutil.which("bdf")
    if bdf is None:
        pytest.skip("batterydf is not installed")
    path = export_run(cycled(VOLTAGE, CURRENT), form, tmp_path / "out").files[0]
    said = subprocess.run(
        [bdf, "validate", "--strict", "--json", path], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    report = json.loads(said.stdout)
    assert report["ok"]
    assert report["extras"] == report["missing"] == report["legacy_labels"] == []


def test_counters_grow_and_differ_by_the_net_charge(cycled: Cycled, tmp_path: Path) -> None:
    table = table_of(export_run(cycled(VOLTAGE, CURRENT), "bdf", tmp_path / "out").files[0])
    up, down = (np.array(table[f"{way} Capacity / Ah"]) for way in ("Charging", "Discharging"))
    assert np.all(np.diff(up) >= 0)
    assert np.all(np.diff(down) >= 0)
    assert np.allclose(up - down, table["Net Capacity / Ah"], atol=1e-20)
    assert up[-1] == pytest.approx(2e-5 * 10 / 3600, rel=1e-6, abs=0.0)
    assert down[-1] == pytest.approx(4e-5 * 10 / 3600, rel=1e-6, abs=0.0)


def test_failed_readings_are_left_out_counted_and_charge_bridges_them(cycled: Cycled, tmp_path: Path) -> None:
    run = cycled([3.9, math.nan, 4.0, 4.0], [1e-5, 1e-5, math.nan, 1e-5])
    done = export_run(run, "bdf", tmp_path / "out")
    table = table_of(done.files[0])
    assert table["Test Time / s"] == [0.0, 30.0]
    assert table["Charging Capacity / Ah"][-1] == run.table()["charge"][-1]
    assert done.remarks == ("left out: 2 rows with a failed reading of voltage or current",)
    said = json.loads(done.files[1].read_text())
    assert said["size"] == "2 rows, 2 left out"
    assert "2 rows" in said["description"]


def test_a_temperature_that_nobody_measured_has_no_column(cycled: Cycled, tmp_path: Path) -> None:
    run = cycled(VOLTAGE, CURRENT, ambient_temperature=[math.nan] * 6)
    for form in ("bdf", "bdf-parquet"):
        pytest.importorskip("pyarrow")
        path, meta = export_run(run, form, tmp_path / "out").files
        assert "Ambient Temperature / degC" not in json.loads(meta.read_text())["variableMeasured"]
    assert "Ambient Temperature / degC" not in table_of(tmp_path / "out" / path.with_suffix(".csv").name)


def test_impedance_goes_to_a_table_of_its_own(cycled: Cycled, tmp_path: Path) -> None:
    done = export_run(cycled(VOLTAGE, CURRENT, points=4), "bdf", tmp_path / "out")
    (path,) = [each for each in done.files if each.name.endswith("-impedance.csv")]
    assert list(table_of(path))[3:6] == ["frequency (Hz)", "z_real (ohm)", "z_imag (ohm)"]
    assert any("impedance" in remark for remark in done.remarks)


def test_metadata_describe_every_column(cycled: Cycled, tmp_path: Path) -> None:
    path, meta = export_run(cycled(VOLTAGE, CURRENT), "bdf", tmp_path / "out").files
    said = json.loads(meta.read_text())
    assert meta.name == f"{path.name}.metadata.json"
    described = [each["csvw:titles"] for each in said["mainEntity"]["csvw:tableSchema"]["csvw:column"]]
    assert described == list(table_of(path)) == said["variableMeasured"]
    assert said["labctl:start"]["sample"]["id"] == "lco-1"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test_time": [0, 10, 5, 30, 40, 50]}, "row 2: Test Time / s goes down from 10.0 to 5.0"),
        ({"cycle": [1, 2, 1, 1, 1, 1]}, "row 2: Cycle Count / 1 goes down"),
        ({"step_count": [2, 1, 1, 1, 1, 1]}, "row 1: Step Count / 1 goes down"),
        ({"charge": [0, math.nan, 0, 0, 0, 0]}, "row 1: Charging Capacity / Ah is nan"),
        ({"charge": [0, 1.7e308, -1.7e308, 1.7e308, 0, 0]}, "Capacity / Ah is inf"),
        ({"voltage": [math.nan] * 6}, "BDF would be empty"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_what_breaks_the_laws_is_refused(
    cycled: Cycled, tmp_path: Path, changed: dict[str, list[float]], said: str
) -> None:
    run = cycled(changed.pop("voltage", VOLTAGE), CURRENT, **changed)
    with pytest.raises(DataError) as caught:
        export_run(run, "bdf", tmp_path / "out")
    assert said in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_run_that_is_no_cycling_says_what_to_take(kept: Callable[..., Run], tmp_path: Path) -> None:
    pulse = {"pulse": {"dtype": "integer", "shape": [], "source": "test"}}
    for columns in ({"pulse": [1]}, {"pulse": []}):
        run = kept({"primary": (pulse, columns)}, plan_name="anneal")
        with pytest.raises(DataError, match="BDF is for cycling: take csv, parquet, hdf5 or rocrate"):
            export_run(run, "bdf", tmp_path / "out")


def test_checks_go_on_from_batch_to_batch() -> None:
    def batch(**changed: float) -> dict[str, np.ndarray]:
        table = {column.label: np.array([1.0]) for column in COLUMNS}
        table |= {label: np.array([0.0]) for label in table if label.startswith("Net")}
        return table | {label: np.array([value]) for label, value in changed.items()}

    checks = BdfChecks()
    assert checks.find_fault(batch()) is None
    fault = checks.find_fault(batch(**{"Test Time / s": 0.5}))
    assert fault is not None
    assert (fault.row, fault.text) == (1, "Test Time / s goes down from 1.0 to 0.5")
    fault = BdfChecks().find_fault(batch(**{"Net Capacity / Ah": 0.1}))
    assert fault is not None
    assert "less Discharging Capacity / Ah is 0.0, not Net Capacity / Ah 0.1" in fault.text
    missing = batch()
    del missing["Voltage / V"]
    fault = BdfChecks().find_fault(missing)
    assert fault is not None
    assert fault.text == "there is no column Voltage / V"
