"""dQ/dV of each half cycle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from devices.base import Column
from labctl.analysis.differential import differential_capacity
from labctl.derived.cycle_table import applies, cycles_of
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source, Span

COLUMNS: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "half": Column("1", "string"),
    "voltage": Column("V"),
    "capacity_per_voltage": Column("Ah/V", precision=12),
    "flags": Column("1", "integer"),
}

HALVES = {1: "charge", -1: "discharge"}
HELD = frozenset({"constant_voltage", "open_circuit"})


def _rows(source: Source, parameters: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _curves(source, parameters)}


def _curves(source: Source, parameters: Parameters) -> Iterator[dict[str, Any]]:
    rows, cycles = source.rows, cycles_of(source)
    assert rows is not None
    if not cycles:
        return
    # Of a thousand cycles a few evenly spread tell the story; the first and the last are among them.
    most = int(parameters["most_cycles"])
    chosen = sorted(set(np.linspace(0, len(cycles) - 1, min(most, len(cycles))).round().astype(int).tolist()))
    for cycle in (cycles[index] for index in chosen):
        for sign, half in HALVES.items():
            spans = [span for span in cycle.half(sign) if span.technique not in HELD]
            # A half in pieces has relaxed in between, which is no branch.
            if len(spans) == 1 and spans[0].end - spans[0].begin >= 3:
                yield from _curve(source, spans[0], half, cycle.flags, parameters["width"])


def _curve(
    source: Source, span: Span, half: str, flags: DerivedFlag, width: float
) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    voltage, charge = rows.voltage[span.begin : span.end], rows.charge[span.begin : span.end]
    if float(np.median(np.abs(np.diff(voltage)))) > width:
        flags |= DerivedFlag.TOO_COARSE
    middles, slopes = differential_capacity(charge, voltage, width)
    for middle, slope in zip(middles.tolist(), slopes.tolist(), strict=True):
        yield {
            "cycle": span.cycle,
            "half": half,
            "voltage": middle,
            "capacity_per_voltage": slope,
            "flags": int(flags),
        }


DQ_DV = Kind(
    "dq_dv",
    "differential capacity of each half cycle without its holds, in windows of `width` volts",
    {"primary": COLUMNS},
    applies,
    _rows,
    {"width": 0.005, "most_cycles": 20.0},
)
