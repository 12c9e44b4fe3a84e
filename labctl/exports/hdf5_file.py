"""HDF5 in NeXus dress: one file per run, an NXdata group per stream, a picture by default."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from devices.errors import DataError
from labctl import __version__
from labctl.exports.batches import Batch, Column, RunFile
from labctl.exports.csv_files import label_units
from labctl.exports.needs import needed
from labctl.exports.outputs import Outputs, writable

PICTURES: Mapping[str, str] = {
    "voltage": "test_time",
    "z_real": "frequency",
    "exposure": "pulse",
    "thickness": "elapsed",
    "ocv": "elapsed",
    "discharge_capacity": "cycle",
}
"""What a stream is plotted as, first that it has: the signal over its axis."""

CHUNK_ROWS = 4096


def write_hdf5(run: RunFile, outputs: Outputs) -> list[str]:
    """Write one file and return remarks: none. Values are exact; NaN stays NaN.

    /entry (NXentry) has a group per stream, `sample`, `instrument`, `user`, and `documents` with start, stop and the
    starts of runs that went on with it, as JSON. Groups of streams with rows are NXdata with signal and axes; others
    NXcollection. Raises DataError without h5py.
    """
    h5py = needed("h5py", "h5py")
    file = outputs.closing(h5py.File(outputs.path(".nxs.h5"), "w"))
    file.attrs.update({"NX_class": "NXroot", "default": "entry", "creator": f"labctl {__version__}"})
    entry = _group(file, "entry", "NXentry")
    _describe(entry, run)
    groups: dict[str, Any] = {}
    for batch in run.batches():
        if batch.stream not in groups:
            groups[batch.stream] = _stream_group(h5py, entry, batch, len(groups))
        _append(groups[batch.stream], batch)
    plotted = [name for name, group in groups.items() if "signal" in group.attrs]
    if plotted:
        default = "primary" if "primary" in plotted else plotted[0]
        entry.attrs["default"] = groups[default].name.rpartition("/")[2]
    return []


def _describe(entry: Any, run: RunFile) -> None:
    start, stop = run.start, run.stop
    sample = start.get("sample") or {}
    entry["title"] = writable(f"{start.get('plan_name', '')} of {sample.get('id', 'no sample')}")
    entry["entry_identifier"] = run.uid
    if start.get("experiment"):
        entry["experiment_identifier"] = str(start["experiment"])
    entry["start_time"] = iso(start["time"])
    if stop is not None:
        entry["end_time"] = iso(stop["time"])
        entry["duration"] = float(stop["time"]) - float(start["time"])
        entry["duration"].attrs["units"] = "s"
    entry["program_name"] = "labctl"
    entry["program_name"].attrs["version"] = str(start.get("versions", {}).get("labctl", ""))
    _group(entry, "user", "NXuser")["name"] = writable(str(start.get("operator", "")))
    described = _group(entry, "sample", "NXsample")
    described["name"] = writable(str(sample.get("label") or sample.get("id", "")))
    described["identifier"] = writable(str(sample.get("id", "")))
    described["description"] = json.dumps(sample)
    if "area_m2" in sample:
        described["area"] = float(sample["area_m2"])
        described["area"].attrs["units"] = "m2"
    _instrument(entry, start.get("devices") or {})
    documents = _group(entry, "documents", "NXcollection")
    documents["start"] = json.dumps(start)
    if stop is not None:
        documents["stop"] = json.dumps(stop)
    if run.followers:
        documents["followers"] = json.dumps(run.followers)


def _instrument(entry: Any, devices: Mapping[str, Mapping[str, Any]]) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    for number, (name, device) in enumerate(devices.items()):
        group = _group(instrument, f"device{number}", "NXcollection")
        group["name"] = writable(name)
        group["real_or_twin"] = "real" if device.get("real") else "twin"
        group["description"] = json.dumps(device)


def _stream_group(h5py: Any, entry: Any, batch: Batch, number: int) -> Any:
    taken = batch.stream in entry or "/" in batch.stream or not batch.stream.isprintable()
    group = _group(entry, f"stream{number}" if taken else batch.stream, "NXcollection")
    group.attrs["stream"] = batch.stream
    units = label_units(batch)
    for key, column in batch.labelled().items():
        described = batch.keys.get(key, {})
        wide = _width(described)
        data = group.create_dataset(
            key,
            shape=(0, *wide),
            maxshape=(None, *wide),
            chunks=(max(CHUNK_ROWS // math.prod(wide), 1), *wide),
            dtype=_kind(h5py, described, column),
            compression="gzip",
            shuffle=True,
        )
        if units.get(key):
            data.attrs["units"] = units[key]
    if len(batch.number):
        _make_picture(group, batch)
    return group


def _width(described: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one row's value: empty for single values, and for arrays of a length that varies."""
    shape = tuple(int(length or 0) for length in described.get("shape") or ())
    return shape if described.get("dtype") == "array" and all(shape) else ()


def _kind(h5py: Any, described: Mapping[str, Any], column: Column) -> Any:
    if column.dtype.kind != "O":
        return column.dtype
    if described.get("dtype") != "array":
        return h5py.string_dtype()
    return np.dtype(float) if _width(described) else h5py.vlen_dtype(np.float64)


def _make_picture(group: Any, batch: Batch) -> None:
    """Say what of a stream is plotted over what; nothing where it has no numbers."""
    numbers = [key for key, column in batch.columns.items() if column.dtype.kind == "f"]
    signal = next((key for key in PICTURES if key in batch.columns and PICTURES[key] in batch.columns), "")
    axis = PICTURES.get(signal) or ("event_time" if "time" in batch.keys else "time")
    signal = signal or next(iter(numbers), "")
    if signal:
        group.attrs.update({"NX_class": "NXdata", "signal": signal, "axes": axis, f"{axis}_indices": 0})


def _append(group: Any, batch: Batch) -> None:
    for key, column in batch.labelled().items():
        data = group[key]
        before = data.shape[0]
        data.resize(before + len(column), axis=0)
        if batch.keys.get(key, {}).get("dtype") != "array":
            data[before:] = column
            continue
        # numpy would make one block of rows that happen to be equally long, which a varying length cannot take.
        for row, values in enumerate(column, start=before):
            data[row] = _fitting(batch, key, values)


def _fitting(batch: Batch, key: str, values: Column) -> Column:
    """Return an array as it is kept. Raises DataError when it has not the shape that was declared."""
    wide = _width(batch.keys[key])
    if wide and values.shape != wide:
        raise DataError(f"{batch.stream}.{key} has a row of shape {values.shape}, not {wide} as was declared")
    return values if wide else values.ravel()


def _group(parent: Any, name: str, nx_class: str) -> Any:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def iso(time: float) -> str:
    """Return a time [s since the epoch] as ISO 8601 in UTC."""
    return datetime.fromtimestamp(time, UTC).isoformat()
