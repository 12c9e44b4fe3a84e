"""What a run says of itself, as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from devices.errors import DataError
from labctl.bench_units import bench_unit
from labctl.runs.index import is_written
from labctl.runs.remarks import Remarks, remarks_on, together
from labctl.to_its_sd import with_sd
from labctl.units import show

if TYPE_CHECKING:
    from labctl.runs.films import FilmPutOn
    from labctl.runs.run import Run


def facts_of(run: Run) -> list[tuple[str, Any]]:
    """Return what a run says of itself, as people read it: names and values, empty where it says nothing."""
    start, stop = run.start, run.stop
    said = start.get("sample")
    # Somebody's plan may have another notion of a sample than ours.
    sample: dict[str, Any] = said if isinstance(said, dict) else {"id": said or ""}
    inputs = ", ".join(uid[:8] for uid in start.get("inputs", []))
    real = ", ".join(
        f"{name} ({'real' if each['real'] else 'twin'})" for name, each in start.get("devices", {}).items()
    )
    body = start.get("recipe") or start.get("program") or {}
    source = start.get("source") or {}
    recipe = start.get("recipe", {}).get("body")
    pulses = recipe_in_words(recipe) if recipe and "pulse_count" in recipe else ""
    known = {**sample, **(start.get("believed") or {})}
    films = _layers(known.get("layers", []))
    cell = "" if "recipe" in start else _layers(known.get("cell_layers", []))
    capacity = start.get("capacity") or {}
    virtual = " (virtual time)" if start.get("clock", {}).get("kind") == "virtual" else ""
    return [
        ("run", run.uid),
        ("plan", start.get("plan_name", "")),
        ("began", _when(start["time"]) + virtual),
        (
            "ended",
            _unended(run) if stop is None else f"{_when(stop['time'])}{virtual}, {stop['exit_status']}",
        ),
        ("reason", "" if stop is None else stop.get("reason", "")),
        ("sample", f"{sample.get('id', '')} {sample.get('label', '')}".strip()),
        ("layers", films),
        ("cell", cell and f"{cell}, area {_area(known['area_m2'], known.get('area_sd_m2', 0.0))}"),
        (
            "nominal",
            capacity
            and f"{_charge(capacity['value_Ah'], capacity.get('sd_Ah'))}: {capacity.get('basis', '')}",
        ),
        *_known_since(run),
        ("made by runs", inputs),
        (
            "recipe" if "recipe" in start else "program",
            body and f"{body.get('name', '')} {body.get('hash', '')[:12]}",
        ),
        ("source", source and f"{source['file']} ({source['format']}), began {source['began']}"),
        ("pulses", pulses),
        ("experiment", start.get("experiment", "")),
        ("devices", real),
        ("notes", start.get("notes", "")),
        *_remarked(together(remarks_on(each.path) for each in run.members)),
        ("goes on with", ", ".join(uid[:8] for uid in run.chain[1:])),
        *(("journal", str(each.path)) for each in run.members),
    ]


def _unended(run: Run) -> str:
    last = run.members[-1]
    if is_written(last.path):
        return "not yet: it is running"
    why = "the journal cannot be read to its end" if last.damage else "its process died"
    return f"not known: {why}; `labctl recover {last.uid[:8]}` closes it with the rows that the spool has"


def _remarked(remarks: Remarks) -> Iterator[tuple[str, str]]:
    if remarks.mark:
        yield "marked", f"{remarks.mark}: {remarks.why}" if remarks.why else remarks.mark
    for each in remarks.notes:
        yield "note", f"{each.get('text', '')} ({each.get('who', '')}, {_when(each['time'])})"


def _layers(layers: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{each['material']} {_thickness(each['thickness'], each.get('thickness_sd', 0.0))}"
        for each in layers
    )


def _known_since(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run put on its sample, and what was measured of its cell that it did not go by."""
    # Whoever asks for the facts of no sample need not wait for the packages that describe one.
    from labctl.samples.of_run import sample_of_run

    try:
        found = sample_of_run(run)
    except DataError as error:
        yield "measured since", f"not known: {error}"
        return
    own = [film for film in found.films if film.run in run.chain]
    films = [_film(each) for each in own]
    yield "put on", "; ".join(films)
    if not found.since:
        return
    shown = {"thickness": _thickness, "area": _area}
    said = [
        f"{each.layer or each.quantity} {shown[each.quantity](each.value, each.sd)}"
        for each in found.since
        if each.quantity in shown
    ]
    if isfinite(found.size.capacity):
        charge = _charge(found.size.capacity, found.size.capacity_sd)
        said.append(f"capacity {charge}: {found.size.basis}")
    yield "measured since", "; ".join(said)


def _film(film: FilmPutOn) -> str:
    doubt = f" (doubtful: {film.doubts})" if film.doubts else ""
    return f"{film.material} {_thickness(film.thickness, film.sd)}: {film.how}{doubt}"


def _thickness(value: float, sd: float) -> str:
    return with_sd(value * 1e6, sd * 1e6, "um")


def _area(value: float, sd: float) -> str:
    return with_sd(value * 1e4, sd * 1e4, "cm^2")


def _charge(amperehours: float, sd: float | None = None) -> str:
    unit, many = bench_unit("Ah")
    return with_sd(amperehours * many, (sd or 0.0) * many, unit)


def recipe_in_words(body: dict[str, Any]) -> str:
    """Return an anneal recipe's body (SI) as a person would say it."""
    voltage, duration = show(body["voltage"], "V", "V"), show(body["pulse_duration"], "s", "ms")
    return f"{body['pulse_count']} at {voltage}, {duration}, {show(body['rate'], 'Hz', 'Hz')}"


def _when(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S}"
