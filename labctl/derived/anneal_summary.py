"""What an anneal was: its pulses, what they brought, what was predicted, and what they did to the film."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from devices.base import Column
from devices.lamp.records import PulseFlag
from labctl.derived.flags import DerivedFlag
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source
from labctl.pictures.drawing import CELSIUS
from labctl.replay import replay_in_place
from labctl.runs.making import earlier_anneals
from labctl.runs.run import Table
from sim.physics.heat.errors import HeatError

PREDICTED = ("surface_peak", "foil_peak")
SHARES = ("crystalline_mean", "crystalline_bottom")

COLUMNS: Mapping[str, Column] = {
    "pulses": Column("1", "integer"),
    "asked": Column("1", "integer"),
    "left_out": Column("1", "integer"),
    "energy": Column("J"),
    "exposure_mean": Column("J/m^2"),
    "exposure_sd": Column("J/m^2"),
    "exposure_total": Column("J/m^2"),
    "bank_voltage_mean": Column("V"),
    "base_temperature_first": Column("degC"),
    "base_temperature_last": Column("degC"),
    "base_temperature_highest": Column("degC"),
    **{f"predicted_{name}": Column("degC") for name in PREDICTED},
    **{f"predicted_{name}": Column("1") for name in SHARES},
    **{f"calculated_{name}": Column("degC") for name in PREDICTED},
    **{f"calculated_{name}": Column("1") for name in SHARES},
    "doubts": Column("1", "string"),
    "flags": Column("1", "integer"),
}
"""left_out: pulses without an energy, not in the energy and the exposures. Predicted before the first pulse, for the
whole recipe; calculated from the pulses recorded, after the earlier anneals of the sample."""

COURSE: Mapping[str, Column] = {
    "pulse": Column("1", "integer"),
    "elapsed": Column("s"),
    "exposure": Column("J/m^2"),
    "base_temperature": Column("degC"),
    "predicted_base_temperature": Column("degC"),
}
"""Pulse by pulse; NaN for what was not measured or predicted."""


def _applies(source: Source) -> bool:
    return source.stream("primary", "pulse", "elapsed", "exposure", "pulse_energy") is not None


def _rows(source: Source, _: Parameters) -> Mapping[str, Iterable[dict[str, Any]]]:
    table = source.run.table()
    values = (source.run.start.get("prediction") or {}).get("values") or {}
    return {"primary": [_summary(source, table, values)], "course": _course(table, values)}


def _summary(source: Source, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    exposure, energy = _column(table, "exposure"), _column(table, "pulse_energy")
    good = np.isfinite(exposure) & np.isfinite(energy)
    if "flags" in table:
        good &= (table["flags"].astype(np.int64) & int(PulseFlag.ENERGY_MISSING)) == 0
    seen, base = exposure[good], _column(table, "base_temperature")
    base = base[np.isfinite(base)]
    asked = source.stream("outcome", "asked")
    calculated, doubts = _calculated(source)
    flags = DerivedFlag.OK if good.all() else DerivedFlag.ROWS_LEFT_OUT
    flags |= DerivedFlag.NOT_CALCULATED if doubts else 0
    recipe = (source.run.start.get("recipe") or {}).get("body") or {}
    wanted = int(asked["asked"][0]) if asked is not None else int(recipe.get("pulse_count", 0))
    flags |= DerivedFlag.UNFINISHED if len(exposure) < wanted else 0
    bank = _column(table, "bank_voltage_before")
    return {
        "pulses": len(exposure),
        "asked": wanted,
        "left_out": int((~good).sum()),
        "energy": float(energy[good].sum()) if good.any() else math.nan,
        "exposure_mean": float(seen.mean()) if seen.size else math.nan,
        "exposure_sd": float(seen.std(ddof=1)) if seen.size > 1 else math.nan,
        "exposure_total": float(seen.sum()) if seen.size else math.nan,
        "bank_voltage_mean": float(bank[np.isfinite(bank)].mean()) if np.isfinite(bank).any() else math.nan,
        "base_temperature_first": float(base[0]) if base.size else math.nan,
        "base_temperature_last": float(base[-1]) if base.size else math.nan,
        "base_temperature_highest": float(base.max()) if base.size else math.nan,
        **{f"predicted_{name}": _number(values.get(name)) - CELSIUS for name in PREDICTED},
        **{f"predicted_{name}": _number(values.get(name)) for name in SHARES},
        **calculated,
        "doubts": doubts,
        "flags": int(flags),
    }


def _calculated(source: Source) -> tuple[dict[str, float], str]:
    """Return what the recorded pulses did by the physics, or NaN and why not."""
    unknown = {f"calculated_{name}": math.nan for name in (*PREDICTED, *SHARES)}
    try:
        result = replay_in_place(source.run).result
    except (ValueError, KeyError, HeatError) as error:
        return unknown, f"the film cannot be calculated: {error}"
    return {
        "calculated_surface_peak": result.surface_peak - CELSIUS,
        "calculated_foil_peak": result.foil_peak - CELSIUS,
        "calculated_crystalline_mean": float(result.mean),
        "calculated_crystalline_bottom": float(result.bottom),
    }, ""


def _course(table: Table, values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    predicted = list(values.get("base_temperature") or ())
    base = _column(table, "base_temperature")
    for row, pulse in enumerate(table["pulse"].tolist()):
        known = predicted[pulse - 1] if 0 < pulse <= len(predicted) else None
        yield {
            "pulse": int(pulse),
            "elapsed": float(table["elapsed"][row]),
            "exposure": float(_column(table, "exposure")[row]),
            "base_temperature": float(base[row]),
            "predicted_base_temperature": _number(known) - CELSIUS,
        }


def _also_reads(source: Source) -> list[str]:
    """Return the earlier anneals of the sample: what the pulses did depends on them."""
    if not source.sample or source.run.start.get("plan_name") != "anneal":
        return []
    return [run.uid for run in earlier_anneals(source.run)]


def _column(table: Table, name: str) -> Any:
    count = len(table["pulse"])
    return np.asarray(table[name], dtype=np.float64) if name in table else np.full(count, math.nan)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


ANNEAL_SUMMARY = Kind(
    "anneal_summary",
    "pulses, energy, exposures, temperatures and crystalline share of an anneal",
    {"primary": COLUMNS, "course": COURSE},
    _applies,
    _rows,
    rests_on=(
        "labctl.analysis",
        "labctl.derived",
        "labctl.samples.of_run",
        "labctl.replay",
        "labctl.belief",
        "sim",
    ),
    also_reads=_also_reads,
)
