"""`labctl import FILE`: a file of another program kept as a run, whole or not at all."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.errors import DataError
from devices.samples import SampleRef
from labctl.imports import bdf, mpt, neware
from labctl.imports.charge import refuse_unlikely
from labctl.imports.dates import Dates
from labctl.imports.documents import documents_of
from labctl.imports.readings import Floats, Integers, Readings, refusal
from labctl.imports.text_table import encoding_of, find_heading, read_head
from labctl.journal.documents import Journal
from labctl.journal.places import run_path
from labctl.provenance import SCHEMA, whereabouts
from labctl.runs.kinds import IMPORT
from labctl.runs.remarks import BAD, remarks_on
from labctl.samples.attachments import attach
from labctl.whole_file import passing_folder
from plans.flying import sample_metadata

FORMATS: Mapping[str, Callable[[Path, Dates], Readings]] = {
    bdf.FORMAT: lambda path, _: bdf.read_bdf(path),
    mpt.FORMAT: mpt.read_mpt,
    neware.FORMAT: neware.read_neware,
}
"""How a file is read, by what may be typed for it."""

NAMESPACE = uuid.UUID("8d3c1f0a-62b5-5a43-9b67-1f6f0c4a7e21")
"""What the uids of imported runs are derived in; any, but never another."""

LARGEST_TIME = 1e11
"""Seconds since the epoch beyond which a date is none: the year 5138."""


@dataclass(frozen=True)
class Imported:
    """What became of a file: its run, how many rows and points of spectra it has, remarks in words."""

    uid: str
    path: Path
    rows: int
    points: int
    remarks: tuple[str, ...]


def import_file(
    path: Path,
    sample: SampleRef,
    data: Path,
    as_format: str = "",
    dates: Dates | None = None,
    operator: str = "",
) -> Imported:
    """Keep a file as a run of a sample in a data directory, and a copy of it attached to the sample.

    as_format: one of FORMATS; told from the file when empty. dates: how dates are read that say no time zone.
    operator: who imports it, the login when empty. The run's uid comes from the file's content: a second import is
    refused, unless the first is marked bad. Raises DataError that names file and line, and leaves nothing behind.
    """
    dates = dates or Dates()
    readings = FORMATS[as_format or format_of(path)](path, dates)
    _check(path, readings)
    digest = _digest(path)
    uid = _uid_of(path, digest, data)
    began, basis = _began(path, readings, dates)
    start = {
        "uid": uid,
        "time": began,
        "schema": SCHEMA,
        "plan_name": IMPORT,
        "plan_args": {"sample": sample.id, "file": path.name, "format": readings.format},
        "purpose": "eis" if readings.rows is None else "cycle",
        "sample": sample_metadata(sample),
        "source": {
            "file": path.name,
            "sha256": digest,
            "size": path.stat().st_size,
            "format": readings.format,
            "software": readings.software,
            "technique": readings.technique,
            "began": basis,
        },
        **whereabouts(operator),
    }
    target = run_path(data, uid, began)
    _keep(documents_of(readings, start, began), data, target)
    counts = [0 if each is None else len(each) for each in (readings.rows, readings.spectra)]
    copied = _copied(path, sample.id, data, uid, operator)
    return Imported(uid, target, counts[0], counts[1], (*readings.remarks, *dates.remarks(), copied))


def _copied(path: Path, sample: str, data: Path, uid: str, operator: str) -> str:
    """Attach a file to its sample, with all that did not become rows; return where it is, or why it is not."""
    try:
        copy = attach(data, sample, path, f"imported as run {uid[:8]}", who=operator)
    except DataError as error:
        return f"the file itself is not kept: {error}"
    return f"the file itself is kept as {copy}"


def format_of(path: Path) -> str:
    """Return the format a file is in. Raises DataError when it cannot be told."""
    if path.suffix == ".parquet":
        return bdf.FORMAT
    head = read_head(path)
    if mpt.is_mpt(head):
        return mpt.FORMAT
    encoding = encoding_of(head, ("gb18030",))
    for name, is_header in ((bdf.FORMAT, bdf.is_bdf), (neware.FORMAT, neware.is_neware)):
        if find_heading(head, encoding, is_header) is not None:
            return name
    raise refusal(
        path, 1, f"is in no format that is known by its first lines; --as {'|'.join(FORMATS)} says which"
    )


def _check(path: Path, readings: Readings) -> None:
    """Refuse what holds in no format: times that go back or are missing, counters that go back, unlikely units."""
    if readings.rows is not None:
        rows = readings.rows
        _check_times(path, rows.line, rows.test_time)
        for name, values in (
            ("the number of the cycle", rows.cycle),
            ("the number of the step", rows.step_count),
        ):
            _check_growing(path, rows.line, values.astype(float), name)
        if rows.unix_time is not None and not np.isfinite(rows.unix_time).all():
            raise refusal(path, int(rows.line[np.argmin(np.isfinite(rows.unix_time))]), "has no date")
        if not np.isfinite(rows.voltage + rows.current).any():
            raise refusal(path, 0, "has no row with a voltage and a current")
        refuse_unlikely(path, rows)
    if readings.spectra is not None:
        _check_times(path, readings.spectra.line, readings.spectra.test_time)


def _check_times(path: Path, line: Integers, time: Floats) -> None:
    if np.isnan(time).any():
        raise refusal(path, int(line[np.argmax(np.isnan(time))]), "has no time")
    _check_growing(path, line, time, "time")


def _check_growing(path: Path, line: Integers, values: Floats, what: str) -> None:
    down = ~(np.diff(values) >= 0)
    if down.any():
        row = int(np.argmax(down)) + 1
        raise refusal(
            path, int(line[row]), f"{what} goes back from {values[row - 1]:.15g} to {values[row]:.15g}"
        )


def _uid_of(path: Path, digest: str, data: Path) -> str:
    """Return the uid of a file's run, by its content. Raises DataError when it is there and not marked bad."""
    uid = str(uuid.uuid5(NAMESPACE, digest))
    while earlier := sorted((data / "runs").glob(f"*/*/{uid}.jnl")):
        if remarks_on(earlier[0]).mark != BAD:
            raise refusal(
                path,
                0,
                f"was imported before, as run {uid[:8]} ({earlier[0]}); if that one is wrong,"
                f" `labctl mark {uid[:8]} bad` and import it again",
            )
        uid = str(uuid.uuid5(NAMESPACE, uid))
    return uid


def _began(path: Path, readings: Readings, dates: Dates) -> tuple[float, str]:
    """Return when the test began [s since the epoch], and where that is from."""
    began, basis = readings.began, "as the file says" + (f", {dates.basis}" if dates.read else "")
    if began is None:
        began, basis = path.stat().st_mtime, "when the file was last changed: it says no date itself"
    if not 0 <= began < LARGEST_TIME:
        raise refusal(path, 0, f"begins {began:.15g} seconds after 1970, which is no date")
    return began, basis


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _keep(documents: Any, data: Path, target: Path) -> None:
    """Write a run beside the others and give it its name when it is complete."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        with passing_folder(data, "import") as aside:
            journal = Journal(aside)
            try:
                for document in documents:
                    journal(*document)
            finally:
                journal.close()
            (written,) = aside.glob("runs/*/*/*.jnl")
            target.parent.mkdir(parents=True, exist_ok=True)
            written.rename(target)
    except OSError as error:
        raise DataError(f"cannot write to {data}: {error.strerror or error}; nothing was imported") from error
