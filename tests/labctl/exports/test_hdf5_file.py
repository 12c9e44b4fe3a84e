from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labctl.exports.run_export import export_run
from labctl.runs.run import Run

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
