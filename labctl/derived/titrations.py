"""Diffusion coefficients from titrations: by current (GITT) and by voltage (PITT)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from devices.base import Column
from devices.cycling.ends import EndReason
from labctl.analysis.steps import step_resistance
from labctl.analysis.titration import DiffusionEstimate, gitt, pitt
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import UNTOLD, Source, Span

FEWEST = 3
"""Pulses in a row, or levels, that make a titration; fewer are a charge with rests."""

SHARED: Mapping[str, Column] = {
    "cycle": Column("1", "integer"),
    "step_count": Column("1", "integer"),
    "voltage_before": Column("V"),
    "voltage_after": Column("V"),
}
FOUND: Mapping[str, Column] = {
    "diffusivity": Column("m^2/s", precision=20),
    "doubts": Column("1", "string"),
    "flags": Column("1", "integer"),
}
PITT_COLUMNS: Mapping[str, Column] = {**SHARED, "resistance": Column("ohm"), **FOUND}

Triple = tuple[Span, Span, Span]


def _triples(source: Source) -> list[Triple]:
    """Return rest, pulse and rest of each pulse of a titration by current: all pulses go one way."""
    spans = source.spans
    found: list[Triple] = []
    runs: list[list[Triple]] = [[]]
    for before, pulse, after in zip(spans, spans[1:], spans[2:], strict=False):
        driven = pulse.technique == "constant_current" and pulse.end_reason in {EndReason.DURATION, *UNTOLD}
        if not (driven and before.technique == after.technique == "open_circuit"):
            continue
        latest = runs[-1][-1] if runs[-1] else None
        if latest is not None and (latest[2] is not before or latest[1].sign != pulse.sign):
            runs.append([])
        runs[-1].append((before, pulse, after))
    for run in runs:
        found += run if len(run) >= FEWEST else []
    return found


def _levels(source: Source) -> list[tuple[Span, Span]]:
    """Return each hold with the one before it, of holds that follow one another."""
    pairs = [
        (before, span)
        for before, span in pairwise(source.spans)
        if before.technique == span.technique == "constant_voltage"
    ]
    return pairs if len(pairs) >= FEWEST else []


def _gitt_rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _gitt(source)}


def _gitt(source: Source) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    for before, pulse, after in _triples(source):
        rest_before = float(rows.voltage[before.end - 1])
        driven, resting = slice(pulse.begin, pulse.end), slice(after.begin, after.end)
        time, voltage = rows.time[driven] - rows.time[pulse.begin], rows.voltage[driven]
        flags = DerivedFlag.UNFINISHED if after.finished is False else DerivedFlag.OK
        try:
            estimate = gitt(
                time,
                voltage,
                rest_before,
                rows.voltage[resting],
                source.size.thickness,
                rest_time=rows.time[resting],
            )
        except ValueError as error:
            estimate, flags = DiffusionEstimate(math.nan, (str(error),)), flags | DerivedFlag.NOT_CALCULATED
        yield {
            **_named(pulse, rest_before, float(rows.voltage[after.end - 1])),
            **_judged(source, estimate, flags),
        }


def _pitt_rows(source: Source, parameters: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _pitt(source, parameters)}


def _pitt(source: Source, parameters: Parameters) -> Iterator[dict[str, Any]]:
    rows = source.rows
    assert rows is not None
    for before, span in _levels(source):
        levels = [float(np.median(rows.voltage[each.begin + 1 : each.end])) for each in (before, span)]
        around = slice(span.begin - 1, span.end)
        first = (rows.time[around], rows.voltage[around], rows.current[around])
        seen = step_resistance(*first, 0.0, parameters["latest"])
        flags = DerivedFlag.UNFINISHED if span.finished is False else DerivedFlag.OK
        driven = slice(span.begin, span.end)
        time = rows.time[driven] - rows.time[span.begin]
        try:
            if not seen.resistance > 0.0:
                raise ValueError("the resistance in series was not seen")
            step = levels[1] - levels[0]
            estimate = pitt(time, rows.current[driven], step, source.size.thickness, seen.resistance)
        except ValueError as error:
            estimate, flags = DiffusionEstimate(math.nan, (str(error),)), flags | DerivedFlag.NOT_CALCULATED
        yield {
            **_named(span, *levels),
            "resistance": seen.resistance,
            **_judged(source, estimate, flags),
        }


def _named(span: Span, before: float, after: float) -> dict[str, Any]:
    return {
        "cycle": span.cycle,
        "step_count": span.step_count,
        "voltage_before": before,
        "voltage_after": after,
    }


def _judged(source: Source, estimate: DiffusionEstimate, flags: DerivedFlag) -> dict[str, Any]:
    assert source.rows is not None
    flags |= 0 if estimate.valid else DerivedFlag.DOUBTFUL
    flags |= DerivedFlag.ROWS_LEFT_OUT if source.rows.left_out else 0
    flags |= 0 if math.isfinite(source.size.thickness) else DerivedFlag.NO_SIZE
    return {
        "diffusivity": estimate.diffusivity,
        "doubts": "; ".join(estimate.doubts),
        "flags": int(flags),
    }


GITT = Kind(
    "gitt",
    "diffusion coefficients from pulses of current with rests",
    {"primary": {**SHARED, **FOUND}},
    lambda source: bool(_triples(source)),
    _gitt_rows,
)
PITT = Kind(
    "pitt",
    "diffusion coefficients from steps of voltage; the resistance in series is that of each step's first row",
    {"primary": PITT_COLUMNS},
    lambda source: bool(_levels(source)),
    _pitt_rows,
    {"latest": 1.0},
)
