"""A foreign file's readings as the documents of a run, in the streams and units of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from devices.base import EVENT_COLUMNS, Column
from devices.cycling.columns import CYCLE_COLUMNS, IMPEDANCE_COLUMNS, PRIMARY_COLUMNS, STEP_COLUMNS, CycleFlag
from labctl.imports.charge import integrate
from labctl.imports.ledger import cycles_of, flags_of, steps_of
from labctl.imports.readings import Floats, Readings, Rows, Spectra
from labctl.journal.whole_runs import Document, Table, stop_document, stream_documents

Stream = tuple[str, Mapping[str, Column], Table, Sequence[float] | Floats]
"""Name, what its columns are, its rows by column, the time label of each row [s since the epoch]."""


def documents_of(readings: Readings, start: Mapping[str, Any], began: float) -> Iterator[Document]:
    """Yield the documents of a run.

    start: its start document; began [s since the epoch]: when the test did, by which rows are labelled.
    """
    yield "start", dict(start)
    streams: list[Stream] = []
    if readings.rows is not None:
        streams += _cycling(readings.rows, began)
    if readings.spectra is not None:
        streams.append(_impedance(readings.spectra, began))
    said: Table = {
        "t": [0.0] * len(readings.remarks),
        "code": ["remark"] * len(readings.remarks),
        "severity": ["info"] * len(readings.remarks),
        "text": list(readings.remarks),
    }
    streams.append(("events", EVENT_COLUMNS, said, [began] * len(readings.remarks)))
    counts, uid, last = {}, str(start["uid"]), began
    for name, columns, table, times in streams:
        first = float(times[0]) if len(times) else began
        yield from stream_documents(uid, name, columns, table, times, time=first, source="import")
        counts[name] = len(times)
        last = max([last, *map(float, times[-1:])])
    yield stop_document(uid, last, counts)


def _cycling(rows: Rows, began: float) -> list[Stream]:
    integrals = integrate(rows)
    charge = integrals[0] if rows.charge is None else rows.charge
    energy = integrals[1] if rows.energy is None else rows.energy
    unix_time = began + rows.test_time if rows.unix_time is None else rows.unix_time
    unknown = np.full(len(rows), np.nan)
    primary: Table = {
        "test_time": rows.test_time,
        "unix_time": unix_time,
        "voltage": rows.voltage,
        "current": rows.current,
        "charge": charge,
        "energy": energy,
        "step_index": rows.step_index,
        "step_count": rows.step_count,
        "cycle": rows.cycle,
        "record": np.arange(1, len(rows) + 1),
        "ambient_temperature": unknown if rows.temperature is None else rows.temperature,
        "range": np.zeros(len(rows), dtype=int),
        "flags": flags_of(rows),
    }
    steps = steps_of(rows, charge, energy)
    cycles = cycles_of(rows, charge, steps)
    ends = {step["cycle"]: began + step["t_end"] for step in steps}
    return [
        ("primary", PRIMARY_COLUMNS, primary, unix_time),
        ("steps", STEP_COLUMNS, _columns(STEP_COLUMNS, steps), [began + each["t_end"] for each in steps]),
        ("cycles", CYCLE_COLUMNS, _columns(CYCLE_COLUMNS, cycles), [ends[each["cycle"]] for each in cycles]),
    ]


def _impedance(spectra: Spectra, began: float) -> Stream:
    failed = np.isnan(spectra.z_real) | np.isnan(spectra.z_imag)
    table: Table = {
        "spectrum": spectra.spectrum,
        "record": np.arange(1, len(spectra) + 1),
        "test_time": spectra.test_time,
        "frequency": spectra.frequency,
        "z_real": spectra.z_real,
        "z_imag": spectra.z_imag,
        "dc_voltage": spectra.dc_voltage,
        "dc_current": spectra.dc_current,
        "amplitude": spectra.amplitude,
        "distortion": np.full(len(spectra), np.nan),
        "step_index": spectra.step_index,
        "step_count": spectra.step_count,
        "cycle": spectra.cycle,
        "flags": np.where(failed, int(CycleFlag.SATURATED), 0),
    }
    return "impedance", IMPEDANCE_COLUMNS, table, began + spectra.test_time


def _columns(columns: Mapping[str, Column], rows: Sequence[Mapping[str, Any]]) -> Table:
    return {key: [row[key] for row in rows] for key in columns}
