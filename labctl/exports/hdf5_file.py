"""HDF5 in NeXus dress: one file per run, an NXdata group per stream, a picture by default."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from devices.errors import DataError
from labctl import __version__
from labctl.exports.batches import QUANTITY, Batch, Column, RunFile
from labctl.exports.csv_files import label_units
from labctl.exports.needs import needed
from labctl.exports.outputs import Outputs, writable
from labctl.samples.of_run import SampleOfRun

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
    valued: dict[str, list[str]] = {}
    for batch in run.batches():
        if batch.stream not in groups:
            groups[batch.stream] = _stream_group(h5py, entry, batch, len(groups))
        _append(groups[batch.stream], batch)
        valued[batch.stream] = batch.valued
    for name, keys in valued.items():
        _tell_units(h5py, groups[name], keys)
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
    described["description"] = json.dumps(run.known.described())
    _sizes(described, run.known)
    _instrument(entry, start.get("devices") or {})
    documents = _group(entry, "documents", "NXcollection")
    documents["start"] = json.dumps(start)
    if stop is not None:
        documents["stop"] = json.dumps(stop)
    if run.followers:
        documents["followers"] = json.dumps(run.followers)


def _sizes(group: Any, known: SampleOfRun) -> None:
    """Write area and thickness of the cell as they are known now, and what the run was told where it is another."""
    film = (known.sample.get("layers") or [{}])[-1]
    meant = [*(known.nominal.get("layers") or ()), *(known.nominal.get("grown") or ())]
    planned = [each.get("thickness") for each in meant if each["material"] == film.get("material")]
    _size(group, "area", "m2", known.sample.get("area_m2"), known.sample.get("area_sd_m2"))
    _size(group, "thickness", "m", film.get("thickness"), film.get("thickness_sd"))
    if (area := known.nominal.get("area_m2")) != known.sample.get("area_m2"):
        _size(group, "area_nominal", "m2", area)
    if planned and planned[-1] != film.get("thickness"):
        _size(group, "thickness_nominal", "m", planned[-1])


def _size(group: Any, name: str, unit: str, value: float | None, sd: float | None = None) -> None:
    for key, each in {name: value, f"{name}_errors": sd or None}.items():
        if each is not None:
            group[key] = float(each)
            group[key].attrs["units"] = unit


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


def _tell_units(h5py: Any, group: Any, keys: Sequence[str]) -> None:
    """Say in what unit values are that `quantity` names row by row: theirs where they share one, else row by row."""
    if not keys:
        return
    units = [name.rpartition("_")[2] if "_" in name else "" for name in group[QUANTITY].asstr()[()]]
    if len(set(units)) == 1 and units[0]:
        for key in keys:
            group[key].attrs["units"] = units[0]
    elif any(units) and f"{QUANTITY}_units" not in group:
        group.create_dataset(f"{QUANTITY}_units", data=units, dtype=h5py.string_dtype())


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
