"""A sheet's cells sorted into bins, its yield, and the addresses of the good ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from devices.base import Column
from devices.sheet.mapping import SiteFlag
from devices.sheet.recipe import SheetRecipe
from labctl.analysis.sheets import GOOD, MISSING, Measured, quantity, sort_cells
from labctl.derived.kind import Kind, Parameters
from labctl.derived.source import Source
from labctl.runs.run import Run

COLUMNS: Mapping[str, Column] = {
    "site": Column("1", "integer", low=1),
    "row": Column("1", "integer", low=1),
    "column": Column("1", "integer", low=1),
    "address": Column("1", "string"),
    "bin": Column("1", "string"),
    "good": Column("1", "integer", low=0, high=1),
    "voltage": Column("V"),
    "electrolyte": Column("ohm"),
    "interface": Column("ohm"),
}
"""electrolyte and interface: what the rules of that kind look at, NaN where there is no such rule."""

YIELD_COLUMNS: Mapping[str, Column] = {
    "bin": Column("1", "string"),
    "cells": Column("1", "integer", low=0),
    "share": Column("1", low=0, high=1),
}
"""Of all places of the sheet, those not looked at too, which are in no bin; `good` is the yield."""


def address(row: int, column: int) -> str:
    """Return where a cell is, as people call it."""
    return f"R{row:02d}C{column:02d}"


def recipe_of(run: Run) -> SheetRecipe:
    """Return what a map was asked for."""
    return TypeAdapter(SheetRecipe).validate_python(run.start["recipe"]["body"], strict=False)


def measured_of(run: Run) -> tuple[Mapping[str, Any], Measured]:
    """Return the rows of a map, and what they say as arrays."""
    rows, recipe = run.table(), recipe_of(run)
    place = {int(site): at for at, site in enumerate(rows["site"].tolist())}
    resistance = np.full((len(place), len(recipe.frequencies)), math.nan)
    if "impedance" in run.streams:
        points = run.table("impedance")
        which = [recipe.frequencies.index(each) for each in points["frequency"].tolist()]
        resistance[[place[int(site)] for site in points["site"].tolist()], which] = points["z_real"]
    missing = (rows["flags"].astype(np.int64) & int(SiteFlag.MISSING)) != 0
    voltage = np.asarray(rows["voltage"], dtype=np.float64)
    group = rows["group"].astype(np.int64) if "group" in rows else None
    return rows, Measured(voltage, resistance, recipe.frequencies, missing, group)


def _applies(source: Source) -> bool:
    return source.run.start.get("purpose") == "map" and source.stream("primary", "site") is not None


def _rows(source: Source, _: Parameters) -> Mapping[str, Iterator[dict[str, Any]]]:
    rows, measured = measured_of(source.run)
    rules = recipe_of(source.run).bins
    bins = sort_cells(measured, rules)
    names = [*(rule.name for rule in rules), MISSING, GOOD]
    asked = int(source.run.start["sites"])

    def cells() -> Iterator[dict[str, Any]]:
        shown: dict[str, Any] = {}
        for of in ("electrolyte", "interface"):
            looked_at = [quantity(measured, rule) for rule in rules if rule.of == of]
            shown[of] = looked_at[0] if looked_at else np.full(len(bins), math.nan)
        for at, found in enumerate(bins):
            row, column = int(rows["row"][at]), int(rows["column"][at])
            yield {
                "site": int(rows["site"][at]),
                "row": row,
                "column": column,
                "address": address(row, column),
                "bin": found,
                "good": int(found == GOOD),
                "voltage": float(measured.voltage[at]),
                "electrolyte": float(shown["electrolyte"][at]),
                "interface": float(shown["interface"][at]),
            }

    def shares() -> Iterator[dict[str, Any]]:
        for name in names:
            count = bins.count(name)
            yield {"bin": name, "cells": count, "share": count / asked}

    return {"primary": cells(), "yield": shares()}


SHEET_BINS = Kind(
    "sheet_bins",
    "a sheet's cells in their bins, its yield, the addresses of good cells",
    {"primary": COLUMNS, "yield": YIELD_COLUMNS},
    _applies,
    _rows,
    rests_on=("labctl.analysis", "labctl.derived", "devices.sheet"),
)
