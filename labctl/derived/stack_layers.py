"""Layers in parallel: whether all carry their share, by the spectra of a run and the rest before each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.base import Column
from labctl.analysis.stacks import Relaxation, fit_layers, late_relaxation, shares, verdict
from labctl.belief import surroundings_from
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source
from sim.foil import Foil
from sim.physics.cell.cell import Cell

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

COLUMNS: Mapping[str, Column] = {
    "spectrum": Column("1", "integer"),
    "layers": Column("1", "integer", low=2),
    "verdict": Column("1", "string"),
    "missing": Column("1"),
    "resistance": Column("ohm"),
    "common": Column("ohm", low=0),
    "electrolyte": Column("1", low=0),
    "rms_equal": Column("1"),
    "rms": Column("1"),
    "relaxation": Column("V"),
    "relaxation_time": Column("s"),
    "slope": Column("V/s"),
    "share_fast": Column("1"),
    "share_slow": Column("1"),
    "doubts": Column("1", "string"),
    "flags": Column("1", "integer"),
}
"""missing: how much of one layer is not felt; resistance in series with it, of a layer. common: in series with each,
beyond its model; electrolyte: that of each, times the model's. share: of the current, of the layer that is worst, at
the highest and at the lowest frequency. slope: of the voltage at the end of the rest before; below zero after a
discharge something leaks."""

DIFFUSION_TIMES = 8.0
"""Of a film's slowest mode, after which it is even in itself."""


def _applies(source: Source) -> bool:
    parallel = int((source.run.start.get("sample") or {}).get("parallel", 1))
    return (
        parallel > 1
        and source.stream("impedance", "spectrum", "frequency", "z_real", "dc_voltage") is not None
    )


def _rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    return {"primary": _spectra(source)}


def _spectra(source: Source) -> Iterator[dict[str, Any]]:
    table = source.stream("impedance", "spectrum", "frequency", "z_real", "z_imag", "dc_voltage")
    assert table is not None
    sample = source.known.sample
    count = int(sample["parallel"])
    numbers = np.asarray(table["spectrum"]).astype(int)
    for number in np.unique(numbers).tolist():
        rows = {key: np.asarray(column)[numbers == number] for key, column in table.items()}
        row: dict[str, Any] = dict.fromkeys(COLUMNS, math.nan)
        row |= {"spectrum": number, "layers": count, "verdict": "", "doubts": "", "flags": 0}
        try:
            row |= _judged(source, rows, sample, count)
        except ValueError as error:
            row |= {"doubts": str(error), "flags": int(DerivedFlag.NOT_CALCULATED)}
        yield row


def _judged(source: Source, rows: Mapping[str, Any], sample: Mapping[str, Any], count: int) -> dict[str, Any]:
    known = np.isfinite(rows["z_real"]) & np.isfinite(rows["z_imag"])
    frequency = np.asarray(rows["frequency"], dtype=np.float64)[known]
    impedance = (np.asarray(rows["z_real"]) + 1j * np.asarray(rows["z_imag"]))[known]
    one = _one_layer(sample)
    filled = float(one.parameters.ocp.lithium(float(np.median(rows["dc_voltage"][known]))))
    fresh = one.fresh()
    state = type(fresh)((filled,) * len(fresh.lithium), fresh.anode_lithium, 0.0, 0.0)
    model = one.impedance(state, frequency)
    electrolyte = _electrolyte(one, frequency)
    fit = fit_layers(impedance, model, electrolyte, count)
    relaxation, doubts = None, ""
    try:
        relaxation = _relaxation(source, DIFFUSION_TIMES * one.slowest)
    except ValueError as error:
        doubts = str(error)
    carried = shares(fit, model, electrolyte, count)[0]
    fast, slow = int(np.argmax(frequency)), int(np.argmin(frequency))
    return {
        "verdict": verdict(fit, relaxation),
        "missing": fit.missing,
        "resistance": fit.resistance,
        "common": fit.common,
        "electrolyte": fit.electrolyte,
        "rms_equal": fit.rms_equal,
        "rms": fit.rms,
        "relaxation": math.nan if relaxation is None else relaxation.amplitude,
        "relaxation_time": math.nan if relaxation is None else relaxation.time,
        "slope": math.nan if relaxation is None else relaxation.slope,
        "share_fast": float(carried[fast]),
        "share_slow": float(carried[slow]),
        "doubts": doubts,
        "flags": int(DerivedFlag.DOUBTFUL) if doubts else 0,
    }


def _one_layer(sample: Mapping[str, Any]) -> Cell:
    """Return the model of one layer as it is described. Raises ValueError where that is not calculated."""
    foil = Foil({**sample, "parallel": 1}, surroundings_from({}))
    foil.assemble(0.0)
    return foil.as_cell().cell


def _electrolyte(one: Cell, frequency: Floats) -> Complexes:
    """Return the impedance [ohm] of a layer's electrolyte at frequencies [Hz]."""
    parameters = one.parameters
    turned = 2j * np.pi * frequency * parameters.electrolyte_resistance * parameters.electrolyte_capacitance
    return np.asarray(parameters.electrolyte_resistance / (1.0 + turned) / parameters.area)


def _relaxation(source: Source, after: float) -> Relaxation:
    """Return the late part of the longest rest after a discharge. Raises ValueError where there is none."""
    rows, spans = source.rows, source.spans
    rests = [
        span
        for before, span in pairwise(spans)
        if span.sign == 0 and before.sign < 0 and span.technique == "open_circuit"
    ]
    if rows is None or not rests:
        raise ValueError("there is no rest after a discharge")
    longest = max(rests, key=lambda span: rows.time[span.end - 1] - rows.time[span.begin])
    some = slice(longest.begin, longest.end)
    return late_relaxation(rows.time[some], rows.voltage[some], after)


STACK_LAYERS = Kind(
    "stack_layers",
    "layers in parallel: a bad one by spectrum and relaxation, and its share of the current",
    {"primary": COLUMNS},
    _applies,
    _rows,
    rests_on=("labctl.analysis", "labctl.derived", "labctl.samples.of_run", "sim"),
)
