"""Runs written into a journal by hand, row by row, without a plan."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from devices.cycling.columns import IMPEDANCE_COLUMNS, PRIMARY_COLUMNS
from labctl.journal.documents import Journal
from labctl.runs.run import Run

BEGAN = 1_700_000_000.0

CYCLING = {key: column.data_key(key, "test") for key, column in PRIMARY_COLUMNS.items()}
IMPEDANCE = {key: column.data_key(key, "test") for key, column in IMPEDANCE_COLUMNS.items()}

AROUND = {
    float: {"dtype": "number", "shape": [], "units": "degC"},
    int: {"dtype": "integer", "shape": [], "units": "1"},
    str: {"dtype": "string", "shape": []},
}

Streams = Mapping[str, tuple[Mapping[str, Any], Mapping[str, Sequence[Any]]]]


def keep_run(data: Path, streams: Streams, *, stopped: bool = True, **start: Any) -> Run:
    """Write a run of streams, each data keys and columns, in pages of three rows; return it."""
    journal, uid = Journal(data), str(uuid.uuid4())
    sample = {"id": "lco-1", "label": "a film", "area_m2": 1.5e-5}
    plan = {
        "plan_name": "cycle",
        "purpose": "cycle",
        "sample": sample,
        "operator": "Ada",
        "versions": {"labctl": "1"},
    }
    journal("start", {"uid": uid, "time": BEGAN, **plan, **start})
    for name, (keys, columns) in streams.items():
        descriptor = str(uuid.uuid4())
        journal("descriptor", {
            "uid": descriptor, "run_start": uid, "name": name, "time": BEGAN, "data_keys": dict(keys),
            "configuration": {}, "object_keys": {}, "hints": {},
        })  # fmt: skip
        length = len(next(iter(columns.values()), ()))
        for first in range(0, length, 3):
            numbers = list(range(first + 1, min(first + 3, length) + 1))
            times = [BEGAN + number for number in numbers]
            journal("event_page", {
                "descriptor": descriptor, "uid": [], "seq_num": numbers, "time": times, "filled": {},
                "data": {key: list(values[first : first + 3]) for key, values in columns.items()},
                "timestamps": dict.fromkeys(columns, times),
            })  # fmt: skip
    if stopped:
        journal("stop", {
            "uid": str(uuid.uuid4()), "run_start": uid, "time": BEGAN + 1e4, "exit_status": "success", "reason": "",
            "num_events": {},
        })  # fmt: skip
    journal.close()
    return Run(next(data.rglob(f"{uid}.jnl")))


def cycling(voltage: Sequence[float], current: Sequence[float], **columns: Sequence[Any]) -> dict[str, Any]:
    """Return columns of a cycling run, 10 s apart, net charge and energy counted by the rectangle."""
    length = len(voltage)
    charge, energy = [0.0], [0.0]
    for volts, amperes in zip(voltage[1:], current[1:], strict=True):
        good = volts == volts and amperes == amperes
        charge.append(charge[-1] + (amperes * 10 / 3600 if good else 0.0))
        energy.append(energy[-1] + (amperes * volts * 10 / 3600 if good else 0.0))
    times = [10.0 * number for number in range(length)]
    table = {
        "test_time": times, "unix_time": [BEGAN + time for time in times], "voltage": voltage, "current": current,
        "charge": charge[:length], "energy": energy[:length], "step_index": [0] * length, "step_count": [1] * length,
        "cycle": [1] * length, "record": list(range(length)), "ambient_temperature": [25.0] * length,
        "range": [0] * length, "flags": [0] * length,
    }  # fmt: skip
    return {**table, **columns}


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Run]:
    def keep(streams: Streams, **start: Any) -> Run:
        return keep_run(tmp_path / "data", streams, **start)

    return keep


@pytest.fixture
def cycled(kept: Callable[..., Run]) -> Callable[..., Run]:
    """Keep a cycling run of voltages and currents, with a spectrum and with readings around it if asked."""

    def keep(
        voltage: Sequence[float],
        current: Sequence[float],
        *,
        points: int = 0,
        around: Mapping[str, Sequence[Any]] | None = None,
        **options: Any,
    ) -> Run:
        columns = {key: options.pop(key) for key in list(options) if key in CYCLING}
        streams = {"primary": (CYCLING, cycling(voltage, current, **columns))}
        if around:
            streams["surroundings"] = (
                {key: {**AROUND[type(values[0])], "source": "test"} for key, values in around.items()},
                around,
            )
        if points:
            spectrum = {
                key: [1] * points if each["dtype"] == "integer" else [float(n) for n in range(points)]
                for key, each in IMPEDANCE.items()
            }
            streams["impedance"] = (IMPEDANCE, spectrum)
        return kept(streams, **options)

    return keep


@pytest.fixture
def any_run(tmp_path: Path) -> Callable[..., Run]:
    """Keep a run of one stream; may be called many times in one test."""

    def keep(keys: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> Run:
        return keep_run(tmp_path / uuid.uuid4().hex, {"primary": (keys, columns)})

    return keep


@pytest.fixture
def any_cycled(tmp_path: Path) -> Callable[..., Run]:
    """Keep a cycling run of given columns; may be called many times in one test."""

    def keep(columns: Mapping[str, Sequence[Any]]) -> Run:
        return keep_run(tmp_path / uuid.uuid4().hex, {"primary": (CYCLING, columns)})

    return keep
