"""`labctl export RUN`: one run in a format that other programs read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.errors import DataError
from labctl.exports.batches import RunFile
from labctl.exports.bdf_files import write_bdf_csv, write_bdf_parquet
from labctl.exports.crate import write_crate
from labctl.exports.csv_files import write_csv
from labctl.exports.hdf5_file import write_hdf5
from labctl.exports.outputs import Outputs, safe_name
from labctl.exports.parquet_files import write_parquet
from labctl.runs.run import Run

FORMATS: Mapping[str, Callable[[RunFile, Outputs], list[str]]] = {
    "bdf": write_bdf_csv,
    "bdf-parquet": write_bdf_parquet,
    "csv": write_csv,
    "hdf5": write_hdf5,
    "parquet": write_parquet,
    "rocrate": write_crate,
}
"""How a run is written; each gets the run and where to write, and returns remarks in words."""


@dataclass(frozen=True)
class Exported:
    """What was written, and what the user has to know of it."""

    files: tuple[Path, ...]
    remarks: tuple[str, ...]


def export_run(run: Run, to: str, directory: Path, *, overwrite: bool = False) -> Exported:
    """Write a run into a folder in one of FORMATS; all of its files are there at the end, or none.

    Raises DataError when the format cannot hold the run, a file stands in the way, or the disk does not take it.
    """
    source = RunFile(run)
    sample = str((run.start.get("sample") or {}).get("id", ""))
    stem = f"{safe_name(sample, 'run')}-{safe_name(run.uid, 'unsafe')[:8]}"
    try:
        with Outputs(directory, stem, overwrite=overwrite) as outputs:
            remarks = FORMATS[to](source, outputs)
    except OSError as error:
        raise DataError(
            f"cannot write to {directory}: {error.strerror or error}; no file was left there"
        ) from error
    return Exported(tuple(outputs.files), (*source.remarks(), *remarks))
