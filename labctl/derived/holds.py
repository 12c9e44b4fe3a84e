"""What holds and rests ended with: leakage current, self-discharge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from devices.base import Column
from labctl.analysis.steps import ending
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source

COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "technique": Column("1", "string"),
    "duration": Column("s", precision=3),
    "charge": Column("Ah", precision=12),
    "span": Column("s", precision=3),
    "voltage": Column("V"),
    "voltage_slope": Column("V/s", precision=12),
    "voltage_scatter": Column("V"),
    "current": Column("A", precision=12),
    "current_slope": Column("A/s", precision=14),
    "current_scatter": Column("A", precision=12),
    "current_per_area": Column("A/m^2", precision=9),
    "flags": Column("1", "integer"),
}
"""Means, slopes and scatter over the last `share` of the step, five rows at least: `span`. A hold's current is
leakage only where its slope is small: it still charges the cell otherwise."""

HELD = ("constant_voltage", "open_circuit")


def _applies(source: Source) -> bool:
    return any(span.technique in HELD for span in source.spans)


def _rows(source: Source, parameters: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _endings(source, parameters["share"])}


def _endings(source: Source, share: float) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    for span in source.spans:
        if span.technique not in HELD:
            continue
        some = slice(span.begin, span.end)
        time = rows.time[some]
        voltage, current = ending(time, rows.voltage[some], share), ending(time, rows.current[some], share)
        flags = DerivedFlag.OK if span.finished else DerivedFlag.UNFINISHED
        if span.finished is None:
            flags = DerivedFlag.END_UNKNOWN
        flags |= DerivedFlag.NOT_CALCULATED if math.isnan(voltage.mean) else 0
        flags |= DerivedFlag.ROWS_LEFT_OUT if rows.left_out else 0
        flags |= 0 if math.isfinite(source.size.area) else DerivedFlag.NO_SIZE
        yield {
            "cycle": span.cycle,
            "step_count": span.step_count,
            "technique": span.technique,
            "duration": float(time[-1] - time[0]),
            "charge": span.passed,
            "span": voltage.span,
            "voltage": voltage.mean,
            "voltage_slope": voltage.slope,
            "voltage_scatter": voltage.scatter,
            "current": current.mean,
            "current_slope": current.slope,
            "current_scatter": current.scatter,
            "current_per_area": current.mean / source.size.area,
            "flags": int(flags),
        }


HOLDS = Kind(
    "holds",
    "voltage and current at the end of each hold and rest",
    {"primary": COLUMNS},
    _applies,
    _rows,
    {"share": 0.1},
)
