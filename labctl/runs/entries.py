"""What the index keeps of a run: read from its journal and the remarks on it, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.errors import DataError
from labctl.runs.index import DAMAGED, OPEN
from labctl.runs.quantities import AH
from labctl.runs.remarks import remarks_on
from labctl.runs.skim import Skim, skim

CONTAINERS = frozenset({"steps", "body"})
"""Parts of a program's tree that say nothing about what is in them; left out of keys."""

Amount = tuple[str, float | None, str | None]
"""A value of a run: its key, and a number in SI or a text."""


@dataclass(frozen=True)
class Entry:
    """A run's columns by name, its values, and its devices: name, role, whether real, whether the plan used it."""

    columns: Mapping[str, Any]
    amounts: tuple[Amount, ...] = ()
    devices: tuple[tuple[str, str, bool, bool], ...] = ()


def entry_of(path: Path) -> Entry | None:
    """Return the entry of a journal; None for one that ended before it said what it is."""
    try:
        found = skim(path, {"outcome", "cycles", "steps"})
    except DataError as error:
        return Entry(_damaged(path, str(error)))
    if found.start is None:
        return Entry(_damaged(path, found.damage)) if found.damage else None
    return Entry(
        _columns(found, found.start), tuple(_amounts(found, found.start)), tuple(_devices(found.start))
    )


def remark_columns(path: Path) -> dict[str, Any]:
    """Return the columns that come from what people said of a run."""
    try:
        remarks = remarks_on(path)
    except DataError as error:
        # A broken note hides no run; it is told where the run is listed, and in full where it is shown.
        return {"mark": "", "why": str(error), "remarks": 0}
    return {"mark": remarks.mark, "why": remarks.why, "remarks": len(remarks.notes)}


def _damaged(path: Path, damage: str) -> dict[str, Any]:
    return {"uid": path.stem, "began": 0.0, "ended": 0.0, "status": DAMAGED, "damage": damage}


def _columns(found: Skim, start: Mapping[str, Any]) -> dict[str, Any]:
    stop, sample = found.stop, start.get("sample") or {}
    body = start.get("recipe") or start.get("program") or {}
    ended = OPEN if stop is None else str(stop["exit_status"])
    return {
        "uid": start["uid"],
        "began": start["time"],
        "ended": found.latest if stop is None else stop["time"],
        "plan": start.get("plan_name", ""),
        "purpose": _text(start.get("purpose")),
        "sample": _text(sample.get("id")),
        "label": _text(sample.get("label")),
        "experiment": _text(start.get("experiment")),
        "experiment_name": _text(start.get("experiment_name")),
        "status": DAMAGED if found.damage else ended,
        "reason": "" if stop is None else stop.get("reason", ""),
        "operator": _text(start.get("operator")),
        "bench": _text((start.get("bench") or {}).get("name")),
        "body": _text(body.get("name")),
        "body_hash": _text(body.get("hash")),
        "notes": _text(start.get("notes")),
        "continues": _text(start.get("continues")),
        "damage": found.damage or found.doubt,
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _amounts(found: Skim, start: Mapping[str, Any]) -> Iterator[Amount]:
    sample, layers = start.get("sample") or {}, (start.get("sample") or {}).get("layers") or [{}]
    yield from flat("recipe", (start.get("recipe") or {}).get("body"))
    yield from flat("program", (start.get("program") or {}).get("body"))
    yield from flat("prediction", (start.get("prediction") or {}).get("values"))
    yield from flat("sample", {"area": sample.get("area"), "parents": list(sample.get("parents") or ())})
    yield from flat("sample", {key: layers[-1].get(key) for key in ("material", "thickness", "thickness_sd")})
    if nominal := start.get("capacity"):
        yield "nominal.capacity", nominal["value_Ah"] * AH, None
    for stream, count in found.counts.items():
        yield f"rows.{stream}", float(count), None
    yield from _results(found)


def _results(found: Skim) -> Iterator[Amount]:
    for outcome in found.rows.get("outcome", [])[-1:]:
        yield from flat("result", {key: column[-1] for key, column in outcome["data"].items() if column})
    if "pulse" in found.descriptor_keys("primary"):
        yield "result.pulses", float(found.counts["primary"]), None
    discharges = [
        value * AH
        for page in found.rows.get("cycles", [])
        for value in page["data"]["discharge_capacity"]
        if value
    ]
    if discharges:
        yield "result.cycles", float(found.counts["cycles"]), None
        yield "result.first_discharge", discharges[0], None
        yield "result.last_discharge", discharges[-1], None
        yield "result.best_discharge", max(discharges), None
    if (kept := _retention(found.rows.get("steps", []))) is not None:
        yield "result.retention", kept, None


def _retention(pages: list[dict[str, Any]]) -> float | None:
    """Return the charge of the last discharge over that of the first, both by the same step of the program.

    Like is compared with like: the same place in the program is the same current, and both ended for the same
    reason. None with less than two such steps.
    """
    rows = [
        row
        for page in pages
        for row in zip(*(page["data"][key] for key in ("step_index", "end_reason", "charge")), strict=True)
        if row[2] is not None and row[2] < 0
    ]
    alike = [charge for step, reason, charge in rows if (step, reason) == rows[0][:2]]
    return alike[-1] / alike[0] if len(alike) > 1 else None


def flat(key: str, value: Any) -> Iterator[Amount]:
    """Yield the numbers and texts in a tree of plain values, each with the way to it as its key.

    Members of a list share a key; lists of bare numbers (a course, a base temperature per pulse) are left out.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(key if name in CONTAINERS else f"{key}.{name}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            if not isinstance(inner, int | float):
                yield from flat(key, inner)
    elif isinstance(value, bool | int | float):
        yield key, float(value), None
    elif isinstance(value, str):
        yield key, None, value


def _devices(start: Mapping[str, Any]) -> Iterator[tuple[str, str, bool, bool]]:
    named = {value for value in (start.get("plan_args") or {}).values() if isinstance(value, str)}
    devices = start.get("devices") or {}
    for name, said in devices.items():
        used = name in named or not named & set(devices)
        yield name, _text(said.get("role")), bool(said.get("real")), used
