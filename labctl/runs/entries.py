"""What the index keeps of a run: read from its journal and the remarks on it, nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from devices.errors import DataError, Newer, Unreadable
from labctl.journal.documents import read_ends
from labctl.journal.records import HEAD, has_writer, reading, size_of
from labctl.runs.films import STREAM, amounts_of, films_of, makes_films
from labctl.runs.quantities import AH, FILM_RATE, FLASHES
from labctl.runs.remarks import remarks_on, together
from labctl.runs.skim import Skim, skim
from labctl.runs.states import DAMAGED, NEVER, NEWER, OPEN

LONG = 2_000_000
"""Bytes of a journal from which on it is not read again with each row that comes; guess, some milliseconds."""

CONTAINERS = frozenset({"steps", "body"})
"""Parts of a program's tree that say nothing about what is in them; left out of keys."""

STREAMS = ("cycles", "steps")
"""What the results of a cycling run are read from."""

BAKE = "bake"
"""As labctl.runs.making, which asks the index."""

CELSIUS = 273.15

LARGEST = 2**1000
"""Whole numbers up to here are floats too."""

Amount = tuple[str, float | None, str | None]
"""A value of a run: its key, and a number in SI or a text."""


@dataclass(frozen=True)
class Entry:
    """A run's columns by name, its values, and its devices: name, role, whether real, whether the plan used it."""

    columns: Mapping[str, Any]
    amounts: tuple[Amount, ...] = ()
    devices: tuple[tuple[str, str, bool, bool], ...] = ()


def entry_of(path: Path) -> Entry | None:
    """Return the entry of a journal; None for one that ended before it said what it is, or that is not there.

    Of a long one that is being written now only the ends are read. Its entry says that it is partial, and so does that
    of a film that is being made: it is another when nobody writes it any more.
    """
    try:
        if size_of(path) >= LONG and has_writer(path):
            return _entry_so_far(path)
        found = skim(path, {"outcome", STREAM, *STREAMS})
        goes_on = found.stop is None and makes_films(found) and has_writer(path)
        if found.start is not None and found.start.get("plan_name") == BAKE:
            found.rows |= skim(path, {"primary"}).rows
    except Newer as error:
        return Entry(_unread(path, NEWER, str(error)))
    except Unreadable as error:
        # It is tried again with each look: the disk, or who may read it, may be mended.
        there = os.path.lexists(path)
        return Entry({**_unread(path, DAMAGED, str(error)), "partial": True}) if there else None
    except DataError as error:
        return Entry(_unread(path, DAMAGED, str(error)))
    if found.start is None:
        return Entry(_unread(path, DAMAGED, found.damage)) if found.damage else None
    columns = _columns(found, found.start)
    return Entry(
        {**columns, "partial": True} if goes_on else columns,
        tuple(_amounts(found, found.start, goes_on=goes_on)),
        tuple(_devices(found.start)),
    )


def _entry_so_far(path: Path) -> Entry | None:
    start, stop = read_ends(path)
    if start is None:
        return None
    found = Skim(start=start, stop=stop, latest=_last_label(path, start["time"]))
    columns = _columns(found, start)
    return Entry({**columns, "partial": True}, tuple(_amounts(found, start)), tuple(_devices(start)))


def _last_label(path: Path, began: float) -> float:
    """Return the last time label [s since the epoch] of a journal's last whole record; `began` where it has none."""
    size, window = size_of(path), LONG // 2
    with reading(path) as file:
        while True:
            file.seek(max(0, size - window))
            *before, line = file.read(window).rpartition(b"\n")[0].split(b"\n")
            if before or window >= size:
                break
            window *= 4
    payload = json.loads(line[HEAD:])
    document = payload[1] if isinstance(payload, list) else payload
    times = document.get("time", began)
    return float(times[-1] if isinstance(times, list) else times)


def remark_columns(*journals: Path) -> dict[str, Any]:
    """Return the columns that come from what people said of a run."""
    try:
        remarks = together(map(remarks_on, journals))
    except DataError as error:
        # A broken note hides no run; it is told where the run is listed, and in full where it is shown.
        return {"mark": "", "why": str(error), "remarks": 0}
    return {"mark": remarks.mark, "why": remarks.why, "remarks": len(remarks.notes)}


def _unread(path: Path, status: str, why: str) -> dict[str, Any]:
    return {"uid": path.stem, "began": NEVER, "ended": NEVER, "status": status, "damage": why}


def _columns(found: Skim, start: Mapping[str, Any]) -> dict[str, Any]:
    stop, sample = found.stop, _table(start.get("sample"))
    body = _table(start.get("recipe")) or _table(start.get("program"))
    ended = OPEN if stop is None else _text(stop.get("exit_status"))
    return {
        "uid": _text(start["uid"]),
        "began": start["time"],
        "ended": found.latest if stop is None else stop["time"],
        "plan": _text(start.get("plan_name")),
        "purpose": _text(start.get("purpose")),
        "sample": _text(sample.get("id")),
        "label": _text(sample.get("label")),
        "experiment": _text(start.get("experiment")),
        "experiment_name": _text(start.get("experiment_name")),
        "status": DAMAGED if found.damage else ended,
        "reason": _text(_table(stop).get("reason")),
        "operator": _text(start.get("operator")),
        "bench": _text(_table(start.get("bench")).get("name")),
        "body": _text(body.get("name")),
        "body_hash": _text(body.get("hash")),
        "notes": _text(start.get("notes")),
        "continues": _text(start.get("continues")),
        "damage": found.damage or found.doubt,
    }


def _text(value: Any) -> str:
    """Return a text that sqlite can hold; start documents hold whatever somebody's plan put there."""
    return "" if value is None else str(value).encode("utf-8", "backslashreplace").decode()


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _amounts(found: Skim, start: Mapping[str, Any], *, goes_on: bool = False) -> Iterator[Amount]:
    sample = _table(start.get("sample"))
    yield from _recipe(_table(start.get("recipe")).get("body"))
    yield from flat("program", _table(start.get("program")).get("body"))
    yield from flat("prediction", _table(start.get("prediction")).get("values"))
    yield from flat("sample", {key: sample.get(key) for key in ("area", "parents")})
    layers = _table(start.get("believed", sample)).get("layers")
    film = _table(layers[-1]) if isinstance(layers, list) and layers else {}
    yield from flat("sample", {key: film.get(key) for key in ("material", "thickness", "thickness_sd")})
    if (nominal := _number(_table(start.get("capacity")).get("value_Ah"))) is not None:
        yield "nominal.capacity", nominal * AH, None
    for stream, count in found.counts.items():
        yield f"rows.{_text(stream)}", float(count), None
    films = films_of(found, start, goes_on=goes_on)
    yield from amounts_of(films)
    yield from (("result.thickness", each.thickness, None) for each in films)
    if start.get("plan_name") == BAKE:
        yield from _peak(found)
    yield from _results(found)


def _recipe(body: Any) -> Iterator[Amount]:
    """Yield a recipe's values; the rate of a film, which says its material, has a key of its own."""
    is_film = "material" in _table(body)
    for key, number, text in flat("recipe", body):
        yield FILM_RATE if is_film and key == FLASHES else key, number, text


def _peak(found: Skim) -> Iterator[Amount]:
    """Yield the highest temperature [K] among the rows of a bake, which say degC."""
    read = [value for (value,) in _rows(found.rows.get("primary", []), "temperature")]
    known = [number for value in read if (number := _number(value)) is not None and isfinite(number)]
    if known:
        yield "result.peak_temperature", max(known) + CELSIUS, None


def _results(found: Skim) -> Iterator[Amount]:
    for outcome in found.rows.get("outcome", [])[-1:]:
        yield from flat("result", {key: column[-1] for key, column in outcome["data"].items() if column})
    if "pulse" in found.descriptor_keys("primary"):
        yield "result.pulses", float(found.counts["primary"]), None
    yield from cycle_results(found)


def cycle_results(found: Skim) -> Iterator[Amount]:
    """Yield what the streams `cycles` and `steps` come to: how many, which discharges, how much was kept."""
    cycles = _rows(found.rows.get("cycles", []), "discharge_capacity")
    discharges = [charge * AH for (value,) in cycles if (charge := _number(value))]
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
    discharges = [
        (step, reason, charge)
        for step, reason, value in _rows(pages, "step_index", "end_reason", "charge")
        if (charge := _number(value)) is not None and charge < 0
    ]
    alike = [charge for step, reason, charge in discharges if (step, reason) == discharges[0][:2]]
    return alike[-1] / alike[0] if len(alike) > 1 else None


def _rows(pages: list[dict[str, Any]], *keys: str) -> Iterator[tuple[Any, ...]]:
    """Yield rows of some columns; none of pages that have others: a stream of that name may be anybody's."""
    for page in pages:
        if page["data"].keys() >= set(keys):
            yield from zip(*(page["data"][key] for key in keys), strict=False)


def _number(value: Any) -> float | None:
    """Return a value as a float; None for what is no number, or one that no float holds."""
    if isinstance(value, float):
        return value
    return float(value) if isinstance(value, int) and abs(value) < LARGEST else None


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
    elif (number := _number(value)) is not None:
        yield _text(key), number, None
    elif isinstance(value, str):
        yield _text(key), None, _text(value)


def _devices(start: Mapping[str, Any]) -> Iterator[tuple[str, str, bool, bool]]:
    named = {value for value in _table(start.get("plan_args")).values() if isinstance(value, str)}
    devices = _table(start.get("devices"))
    for name, said in devices.items():
        used = name in named or not named & set(devices)
        yield _text(name), _text(_table(said).get("role")), bool(_table(said).get("real")), used
