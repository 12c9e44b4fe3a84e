"""Parquet, one file per stream; units, start and stop documents stand in the schema's metadata."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from labctl.exports.batches import Batch, Column, RunFile
from labctl.exports.csv_files import label_units
from labctl.exports.needs import needed
from labctl.exports.outputs import Outputs, safe_name


def write_parquet(run: RunFile, outputs: Outputs) -> list[str]:
    """Write a file per stream and return remarks: none. Values are exact; NaN stays NaN.

    Each field's metadata has its `units`; the schema's has `labctl`, JSON of stream, start, stop and the starts of
    runs that went on with it. Raises
    DataError without pyarrow.
    """
    parquet = needed("pyarrow.parquet", "pyarrow")
    writers: dict[str, Any] = {}
    for batch in run.batches():
        if batch.stream not in writers:
            path = outputs.path(f"-{safe_name(batch.stream, f'stream{len(writers)}')}.parquet")
            said = {"stream": batch.stream, "start": run.start, "stop": run.stop, "followers": run.followers}
            schema = _schema(batch).with_metadata({"labctl": json.dumps(said)})
            writers[batch.stream] = outputs.closing(parquet.ParquetWriter(path, schema, compression="zstd"))
        writer = writers[batch.stream]
        writer.write_table(_table(batch, writer.schema))
    return []


def _schema(batch: Batch) -> Any:
    arrow = needed("pyarrow", "pyarrow")
    units = label_units(batch)
    kinds = {"f": arrow.float64(), "i": arrow.int64(), "b": arrow.bool_()}
    fields = []
    for key, column in batch.labelled().items():
        dtype = batch.keys.get(key, {}).get("dtype")
        wide = arrow.list_(arrow.float64()) if dtype == "array" else arrow.string()
        kind = kinds.get(column.dtype.kind, wide)
        fields.append(arrow.field(key, kind, metadata={"units": units.get(key, "")}))
    return arrow.schema(fields)


def _table(batch: Batch, schema: Any) -> Any:
    arrow = needed("pyarrow", "pyarrow")
    arrays = [
        arrow.array(_plain(column), type=kind, from_pandas=False)
        for column, kind in zip(batch.labelled().values(), schema.types, strict=True)
    ]
    return arrow.Table.from_arrays(arrays, schema=schema)


def _plain(column: Column) -> Any:
    return (
        [each.ravel() if isinstance(each, np.ndarray) else each for each in column]
        if column.dtype == object
        else column
    )
