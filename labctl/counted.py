"""What a run counts while it goes on, by its start document: pulses, steps, cells, nanometres, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Columns = Mapping[str, list[Any]]
"""A page's rows by column."""


def _nothing(_columns: Columns) -> str:
    return ""


@dataclass(frozen=True)
class Counted:
    """What is counted in a stream, of how many in all (None: nobody knows), in which unit.

    reached: of the count after a page, where rows are not what counts; said: what is shown beside it.
    """

    stream: str
    total: int | None
    unit: str
    reached: Callable[[Columns], int] | None = None
    said: Callable[[Columns], str] = _nothing


def counted(start: Mapping[str, Any]) -> Counted:
    """Return what a run counts."""
    body = start.get("recipe", {}).get("body", {})
    if "sites" in start:
        return Counted("primary", int(start["sites"]), "cells")
    if "program" in start:
        return Counted("steps", executions(start["program"]["body"]["steps"]), "steps")
    if "pulse_count" in body:
        return Counted("primary", int(body["pulse_count"]), "pulses", said=of_pulse)
    if "thickness" in body and start.get("purpose") != "condition":
        return Counted("primary", round(body["thickness"] * 1e9), "nm", reached=film_so_far, said=of_film)
    return Counted("primary", None, "rows", said=of_chamber)


def of_pulse(columns: Columns) -> str:
    """Return energy and base temperature of a page's last pulse, as far as they were measured; nothing of others."""
    return _measured(columns, (("pulse_energy", "J", 2), ("base_temperature", "degC", 0)))


def film_so_far(columns: Columns) -> int:
    """Return the thickness [nm] at a page's end, by rate and time where no monitor shows one."""
    shown = [columns[key][-1] for key in ("thickness", "thickness_by_time") if columns.get(key)]
    return round(1e9 * next((each for each in shown if math.isfinite(each)), 0.0))


def of_film(columns: Columns) -> str:
    """Return how fast film grows at a page's end where the shutter is open, else what the chamber does."""
    if columns.get("shutter_open", [0])[-1] and math.isfinite(columns["rate"][-1]):
        return f"{columns['rate'][-1] * 6e10:.2f} nm/min"
    return of_chamber(columns)


def of_chamber(columns: Columns) -> str:
    """Return the state at a page's end, its pressure and temperature, as far as there are such."""
    state = str(columns["state"][-1]) if columns.get("state") else ""
    measured = _measured(columns, (("temperature", "degC", 0),))
    pressure = columns["pressure"][-1] if columns.get("pressure") else math.nan
    return ", ".join(filter(None, (state, f"{pressure:.2g} Pa" if math.isfinite(pressure) else "", measured)))


def executions(nodes: list[dict[str, Any]]) -> int:
    """Return how many steps a program's body runs, loops unrolled; as if no condition came true."""
    steps = (node for node in nodes if "to" not in node)
    return sum(node["times"] * executions(node["body"]) if "body" in node else 1 for node in steps)


def _measured(columns: Columns, wanted: tuple[tuple[str, str, int], ...]) -> str:
    said = []
    for key, unit, digits in wanted:
        value = columns[key][-1] if columns.get(key) else math.nan
        if math.isfinite(value):
            said.append(f"{value:.{digits}f} {unit}")
    return ", ".join(said)
