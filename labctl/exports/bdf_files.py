"""BDF, the Battery Data Format: the rows of a cycling run as the Battery Data Alliance's tools read them.

Impedance, for which the format has no columns, goes to a table of its own; what was measured on what stands in a
metadata file beside it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.errors import DataError
from labctl.exports.batches import Batch, RunFile
from labctl.exports.bdf_checks import BdfChecks
from labctl.exports.bdf_columns import (
    AMBIENT,
    BALANCES,
    COLUMNS,
    CURRENT,
    IRI,
    REQUIRED,
    TIME,
    VOLTAGE,
    BdfColumn,
)
from labctl.exports.csv_files import header, label_units, rows_of
from labctl.exports.hdf5_file import iso
from labctl.exports.needs import needed
from labctl.exports.outputs import Outputs
from labctl.how_many import how_many

Floats = NDArray[np.float64]
Put = Callable[[Mapping[str, Floats]], None]


@dataclass
class _Told:
    """What came of the rows."""

    written: int = 0
    left_out: int = 0
    ambient: bool = False
    spectra: bool = False
    cycled: bool = False


def write_bdf_csv(run: RunFile, outputs: Outputs) -> list[str]:
    """Write `.bdf.csv`, its metadata, and a table of the impedance if there is any; return remarks.

    Rows whose voltage or current is a failed reading are left out: BDF has no word for them. Raises DataError
    when the run has no rows that BDF can hold, or when they break its laws.
    """
    file = outputs.text(".bdf.csv")
    writer = csv.writer(file, lineterminator="\r\n")

    def begin(columns: tuple[BdfColumn, ...]) -> Put:
        file.seek(0)
        file.truncate()
        writer.writerow([column.label for column in columns])
        return lambda table: writer.writerows(
            rows_of([_typed(column, table[column.label]) for column in columns])
        )

    return _write(run, outputs, ".bdf.csv", begin)


def write_bdf_parquet(run: RunFile, outputs: Outputs) -> list[str]:
    """Write `.bdf.parquet`, else as `write_bdf_csv`. Raises DataError without pyarrow, too."""
    arrow, parquet = needed("pyarrow", "pyarrow"), needed("pyarrow.parquet", "pyarrow")
    path = outputs.path(".bdf.parquet")
    open_writers: list[Any] = []

    def begin(columns: tuple[BdfColumn, ...]) -> Put:
        while open_writers:
            open_writers.pop().close()
        kinds = [(each.label, arrow.int64() if each.integer else arrow.float64()) for each in columns]
        schema = arrow.schema(kinds)
        writer = outputs.closing(parquet.ParquetWriter(path, schema, compression="zstd"))
        open_writers.append(writer)

        def put(table: Mapping[str, Floats]) -> None:
            arrays = [arrow.array(_typed(each, table[each.label]), from_pandas=True) for each in columns]
            writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))

        return put

    return _write(run, outputs, ".bdf.parquet", begin)


def _write(
    run: RunFile, outputs: Outputs, ending: str, begin: Callable[[tuple[BdfColumn, ...]], Put]
) -> list[str]:
    columns = tuple(COLUMNS)
    told = _rows(run, begin(columns))
    if not told.ambient:
        # Whether anything was measured is known only at the end, and an empty column tells a reader nothing.
        columns = tuple(each for each in columns if each is not AMBIENT)
        told = _rows(run, begin(columns))
    remarks = []
    if told.left_out:
        remarks.append(
            f"left out: {how_many(told.left_out, 'row')} with a failed reading of voltage or current"
        )
    if told.spectra:
        _write_impedance(run, outputs)
        remarks.append("BDF has no columns for impedance: it is in a table of its own")
    text = json.dumps(_metadata(run, f"{outputs.stem}{ending}", columns, told, remarks), indent=2) + "\n"
    outputs.text(f"{ending}.metadata.json").write(text)
    return remarks


def _rows(run: RunFile, put: Put) -> _Told:
    """Write the rows. Raises DataError when the run is no cycling run, or breaks the laws of BDF."""
    told, checks = _Told(), BdfChecks()
    sums = {column.label: 0.0 for balance in BALANCES for column in balance}
    for batch in run.batches():
        if batch.stream == "impedance":
            told.spectra |= len(batch.number) > 0
        if batch.stream != "primary":
            continue
        if any(column.key and column.key not in batch.columns for column in COLUMNS):
            break
        table, left_out = _as_bdf(batch, sums)
        fault = checks.find_fault(table)
        if fault is not None:
            raise DataError(
                f"run {run.uid[:8]} cannot become BDF: row {fault.row}: {fault.text};"
                " parquet, hdf5 and csv take any run"
            )
        told.cycled = True
        told.written += len(table[TIME.label])
        told.left_out += left_out
        told.ambient |= bool(np.isfinite(table[AMBIENT.label]).any())
        put(table)
    if not told.cycled:
        raise DataError(
            f"run {run.uid[:8]} ({run.start.get('plan_name', '')}) has no rows of voltage and current over time;"
            " BDF is for cycling: take csv, parquet, hdf5 or rocrate"
        )
    if not told.written:
        raise DataError(f"run {run.uid[:8]} has no row with a voltage and a current; BDF would be empty")
    return told


def _as_bdf(batch: Batch, sums: dict[str, float]) -> tuple[dict[str, Floats], int]:
    """Return a batch as BDF; sums: what the counters stand at, carried on from batch to batch."""
    good = np.isfinite(batch.columns[VOLTAGE.key]) & np.isfinite(batch.columns[CURRENT.key])
    table = {each.label: batch.columns[each.key][good].astype(float) for each in COLUMNS if each.key}
    for gain, loss, net in BALANCES:
        rises = np.diff(table[net.label], prepend=sums[net.label])
        for column, passed in ((gain, rises), (loss, -rises)):
            table[column.label] = np.cumsum(np.concatenate([[sums[column.label]], np.maximum(passed, 0.0)]))[
                1:
            ]
        for column in (gain, loss, net):
            sums[column.label] = float(table[column.label][-1]) if good.any() else sums[column.label]
    return {each.label: table[each.label] for each in COLUMNS}, int((~good).sum())


def _typed(column: BdfColumn, values: Floats) -> NDArray[Any]:
    return values.astype(np.int64) if column.integer else values


def _write_impedance(run: RunFile, outputs: Outputs) -> None:
    writer: Any = None
    for batch in run.batches():
        if batch.stream != "impedance":
            continue
        if writer is None:
            writer = csv.writer(outputs.text("-impedance.csv"), lineterminator="\r\n")
            writer.writerow(header(list(batch.columns), label_units(batch)))
        writer.writerows(rows_of(list(batch.columns.values())))


def _metadata(
    run: RunFile, file: str, columns: tuple[BdfColumn, ...], told: _Told, remarks: list[str]
) -> dict[str, Any]:
    """Return JSON-LD: a schema.org Dataset with the table in words of CSVW, as batterydf writes it."""
    start, sample = run.start, run.start.get("sample") or {}
    described = [
        {
            "@type": "csvw:Column",
            "csvw:name": column.name,
            "csvw:titles": column.label,
            "csvw:propertyUrl": f"{IRI}{column.name}",
            "csvw:datatype": "integer" if column.integer else "double",
            "csvw:required": column in REQUIRED,
            "schema:unitText": column.unit,
        }
        for column in columns
    ]
    ended = {} if run.stop is None else {"endTime": iso(run.stop["time"])}
    return {
        "@context": [
            "https://schema.org/",
            {"csvw": "http://www.w3.org/ns/csvw#", "schema": "https://schema.org/"},
        ],
        "@type": "Dataset",
        "@id": f"urn:uuid:{run.uid}",
        "identifier": run.uid,
        "name": f"{start.get('plan_name', '')} of {sample.get('id', '')}",
        "description": " ".join([str(start.get("notes", "")), *run.remarks(), *remarks]).strip(),
        "temporalCoverage": f"{iso(start['time'])}/{ended.get('endTime', '..')}",
        "creator": {"@type": "Person", "name": str(start.get("operator", ""))},
        "about": {
            "@type": "Product",
            "identifier": sample.get("id", ""),
            "description": json.dumps(run.known.described()),
        },
        "distribution": {"@type": "DataDownload", "contentUrl": file, "encodingFormat": _media_type(file)},
        "variableMeasured": [column.label for column in columns],
        "size": f"{how_many(told.written, 'row')}, {told.left_out} left out",
        "mainEntity": {
            "@type": "csvw:Table",
            "csvw:url": file,
            "csvw:tableSchema": {"csvw:column": described},
        },
        "labctl:start": start,
        "labctl:stop": run.stop,
        "labctl:followers": run.followers,
    }


def _media_type(file: str) -> str:
    return "text/csv" if Path(file).suffix == ".csv" else "application/vnd.apache.parquet"
