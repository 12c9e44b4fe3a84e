from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.exports.run_export import export_run
from labctl.runs.run import Run
from labctl.samples.measurements import Measurement, measure

h5py = pytest.importorskip("h5py")


def test_a_reader_finds_what_to_plot_by_default(cycled: Callable[..., Run], tmp_path: Path) -> None:
    run = cycled([3.9, 4.0], [1e-5, 1e-5], points=3, devices={"potentiostat": {"real": False}})
    (path,) = export_run(run, "hdf5", tmp_path / "out").files
    with h5py.File(path) as file:
        entry = file[file.attrs["default"]]
        data = entry[entry.attrs["default"]]
        assert [each.attrs["NX_class"] for each in (file, entry, data)] == ["NXroot", "NXentry", "NXdata"]
        assert (data.attrs["signal"], data.attrs["axes"]) == ("voltage", "test_time")
        assert data["voltage"].attrs["units"] == "V"
        assert entry["sample"].attrs["NX_class"] == "NXsample"
        assert entry["sample/area"][()] == 1.5e-5
        assert entry["instrument"].attrs["NX_class"] == "NXinstrument"
        assert entry["instrument/device0/real_or_twin"].asstr()[()] == "twin"
        assert entry["impedance"].attrs["signal"] == "z_real"
        assert entry["start_time"].asstr()[()] == "2023-11-14T22:13:20+00:00"


def test_nexusformat_reads_and_can_plot_it(cycled: Callable[..., Run], tmp_path: Path) -> None:
    nexus = pytest.importorskip("nexusformat.nexus")
    run = cycled([3.9, 4.0], [1e-5, 1e-5])
    (path,) = export_run(run, "hdf5", tmp_path / "out").files
    data = nexus.nxload(path).get_default()
    assert data.is_plottable()
    assert data.nxsignal.nxname == "voltage"
    assert [axis.nxname for axis in data.nxaxes] == ["test_time"]
    assert data.nxsignal.nxdata.tolist() == [3.9, 4.0]


def test_a_stream_without_rows_is_there_and_not_plotted(kept: Callable[..., Run], tmp_path: Path) -> None:
    key = {"a": {"dtype": "number", "shape": [], "source": "test"}}
    (path,) = export_run(kept({"primary": (key, {"a": []})}), "hdf5", tmp_path / "out").files
    with h5py.File(path) as file:
        assert file["entry/primary"].attrs["NX_class"] == "NXcollection"
        assert "default" not in file["entry"].attrs


CELL = {
    "id": "lco-1",
    "label": "a film",
    "layers": [
        {"material": "Al", "thickness": 1e-4},
        {"material": "LiCoO2", "thickness": 7e-7, "thickness_sd": 1.4e-8},
    ],
    "area": 1.5e-5,
    "area_m2": 1.5e-5,
}


def residual(quantities: list[str]) -> dict[str, Any]:
    """Return a stream of differences as shadows write it."""
    number = {"dtype": "number", "shape": [], "source": "test", "units": "1"}
    keys = {"quantity": {"dtype": "string", "shape": [], "source": "test"}, "measured": number, "sd": number}
    values = [float(each) for each in range(len(quantities))]
    return {"residual": (keys, {"quantity": quantities, "measured": values, "sd": values})}


def test_the_measured_size_is_the_samples_and_the_nominal_one_is_named_so(
    cycled: Callable[..., Run], tmp_path: Path
) -> None:
    run = cycled([3.9, 4.0], [1e-5, 1e-5], sample=CELL)
    (path,) = export_run(run, "hdf5", tmp_path / "before").files
    with h5py.File(path) as file:
        assert file["entry/sample/thickness"][()] == 7e-7
        assert "area_nominal" not in file["entry/sample"]
    data = run.path.parents[3]
    measure(data, "lco-1", Measurement("area", 3e-5, 3e-7))
    measure(data, "lco-1", Measurement("thickness", 1e-6, 2e-8, "LiCoO2"))
    (path,) = export_run(run, "hdf5", tmp_path / "after").files
    with h5py.File(path) as file:
        group = file["entry/sample"]
        told = {key: group[key][()] for key in group if "units" in group[key].attrs}
        assert told == {
            "area": 3e-5,
            "area_errors": 3e-7,
            "area_nominal": 1.5e-5,
            "thickness": 1e-6,
            "thickness_errors": 2e-8,
            "thickness_nominal": 7e-7,
        }
        described = json.loads(group["description"].asstr()[()])
    assert described["layers"][-1]["thickness"] == 1e-6
    assert described["nominal"]["layers"][-1]["thickness"] == 7e-7
    assert described["measured"][0]["unit"] == "m^2"


def test_differences_have_the_unit_that_their_quantity_names(
    kept: Callable[..., Run], tmp_path: Path
) -> None:
    (path,) = export_run(kept(residual(["voltage_V"] * 4)), "hdf5", tmp_path / "one").files
    with h5py.File(path) as file:
        assert [file["entry/residual"][key].attrs["units"] for key in ("measured", "sd")] == ["V", "V"]
    mixed = ["voltage_V", "capacity_Ah", "voltage_V"]
    (path,) = export_run(kept(residual(mixed)), "hdf5", tmp_path / "two").files
    with h5py.File(path) as file:
        group = file["entry/residual"]
        assert "units" not in group["measured"].attrs
        assert np.array_equal(group["quantity_units"].asstr()[()], ["V", "Ah", "V"])


def test_facts_that_contradict_are_a_remark_and_cost_no_export(
    cycled: Callable[..., Run], tmp_path: Path
) -> None:
    twice = {**CELL, "layers": [{"material": "LiCoO2", "thickness": 7e-7}] * 2}
    run = cycled([3.9, 4.0], [1e-5, 1e-5], sample=twice)
    measure(run.path.parents[3], "lco-1", Measurement("thickness", 1e-6, 2e-8, "LiCoO2"))
    found = export_run(run, "hdf5", tmp_path / "out")
    assert any("2 layers of LiCoO2" in remark for remark in found.remarks)
    assert len(found.files) == 1
