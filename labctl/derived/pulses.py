"""Resistances from current pulses after rests, as in hybrid pulse power tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from devices.base import Column
from devices.cycling.ends import EndReason
from labctl.analysis.steps import step_resistance
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import UNTOLD, Source, Span

COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "half": Column("1", "string"),
    "rest_voltage": Column("V"),
    "discharged": Column("Ah", precision=12),
    "current": Column("A", precision=10),
    "duration": Column("s", precision=3),
    "first_resistance": Column("ohm"),
    "first_delay": Column("s"),
    "end_resistance": Column("ohm"),
    "end_delay": Column("s"),
    "flags": Column("1", "integer"),
}
"""discharged: charge below the largest that the run had before. first: `delay` after the pulse began; end: its last
row. Resistances are over the change from the rest before."""


def _applies(source: Source) -> bool:
    return len(list(_pulses(source, PULSE_TABLE.parameters["longest"]))) > 1


def _pulses(source: Source, longest: float) -> Iterator[Span]:
    """Yield the short steps of constant current that follow a rest and ended by their duration."""
    rows = source.rows
    for before, span in zip(source.spans, source.spans[1:], strict=False):
        assert rows is not None
        lasted = rows.time[span.end - 1] - rows.time[span.begin]
        timed = span.end_reason in {EndReason.DURATION, *UNTOLD}
        driven = span.technique == "constant_current" and before.technique == "open_circuit"
        if driven and timed and span.finished and lasted <= longest:
            yield span


def _rows(source: Source, parameters: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _resistances(source, parameters)}


def _resistances(source: Source, parameters: Parameters) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    for span in _pulses(source, parameters["longest"]):
        some = slice(span.begin - 1, span.end)
        time, voltage, current = rows.time[some], rows.voltage[some], rows.current[some]
        first = step_resistance(time, voltage, current, parameters["delay"], parameters["latest"])
        lasted = float(time[-1] - time[0])
        last = step_resistance(time, voltage, current, lasted, lasted)
        missing = math.isnan(first.resistance) or math.isnan(last.resistance)
        flags = DerivedFlag.NO_RESISTANCE if missing else DerivedFlag.OK
        flags |= DerivedFlag.ROWS_LEFT_OUT if rows.left_out else 0
        yield {
            "cycle": span.cycle,
            "step_count": span.step_count,
            "half": "charge" if span.sign > 0 else "discharge",
            "rest_voltage": float(voltage[0]),
            "discharged": float(np.max(rows.charge[: span.begin]) - rows.charge[span.begin - 1]),
            "current": float(np.median(current[1:])),
            "duration": float(time[-1] - time[1]),
            "first_resistance": first.resistance,
            "first_delay": first.delay,
            "end_resistance": last.resistance,
            "end_delay": last.delay,
            "flags": int(flags),
        }


PULSE_TABLE = Kind(
    "pulse_table",
    "resistances from current pulses after rests",
    {"primary": COLUMNS},
    _applies,
    _rows,
    {"delay": 0.0, "latest": 1.0, "longest": 120.0},
)
