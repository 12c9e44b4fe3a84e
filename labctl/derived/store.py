"""Derived results as runs of their own: found when they are there, computed and kept when they are not."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.base import Column
from devices.errors import DataError, LabError
from devices.recipes import canonical_hash
from labctl.derived.kind import NAME, Kind, Parameters
from labctl.derived.kinds import chosen
from labctl.derived.source import Source
from labctl.journal.documents import Journal, read_ends
from labctl.journal.places import run_path
from labctl.journal.whole_runs import Document, stop_document, stream_documents
from labctl.provenance import SCHEMA, code_hash, whereabouts
from labctl.runs.briefs import brief_from
from labctl.runs.remarks import remarks_on, together
from labctl.runs.run import Run
from labctl.whole_file import passing_folder

NAMES = uuid.UUID("8d3f0c0e-7f0b-5d3a-9f54-3c1f5a7f2a11")
"""The namespace in which the uids of derived results are names."""

PURPOSE = "derived"


@dataclass(frozen=True)
class Derived:
    """A derived result: its kind, uid, whether it was made now, rows by stream, its inputs, and who was left out.

    bad: the runs that were asked for and are marked bad.
    """

    kind: str
    uid: str
    made: bool
    rows: Mapping[str, int]
    inputs: tuple[str, ...]
    bad: tuple[str, ...] = ()


def derive(
    data: Path,
    runs: Sequence[Run],
    kinds: Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
) -> list[Derived]:
    """Derive kinds of results from runs, each from those it applies to; what was derived before is found.

    Of several runs those that are marked bad are left out; one that is named alone is not. kinds: names, all that
    apply if none. parameters: other numbers than a kind's own defaults, by name.
    Raises LabError for an unknown kind or parameter, for a kind asked for by name that applies to no run, and for
    a run that is itself derived; DataError when the data folder does not take the result.
    """
    asked, given = chosen(kinds), dict(parameters or {})
    known = {name for kind in asked for name in kind.parameters}
    if unknown := sorted(given.keys() - known):
        raise LabError(
            f"no parameter {', '.join(unknown)} here; there are {', '.join(sorted(known)) or 'none'}"
        )
    for run in runs:
        if run.start.get("purpose") == PURPOSE:
            raise LabError(f"run {run.uid[:8]} is derived itself; name the runs it came from")
    each = {run.uid: run for run in runs}
    bad = tuple(uid for uid, run in each.items() if len(each) > 1 and _is_bad(run))
    sources = [Source(run, data) for uid, run in each.items() if uid not in bad]
    found = []
    for kind in asked:
        fitting = [source for source in sources if kind.applies(source)]
        if fitting:
            numbers = {name: float(given.get(name, value)) for name, value in kind.parameters.items()}
            found.append(_derived(data, kind, fitting, numbers, bad))
        elif kinds:
            raise LabError(f"{kind.name} applies to none of these runs: {kind.says}")
    return found


def _derived(
    data: Path, kind: Kind, sources: Sequence[Source], parameters: Parameters, bad: tuple[str, ...]
) -> Derived:
    if wrong := [name for name, value in parameters.items() if not (math.isfinite(value) and value >= 0.0)]:
        raise LabError(f"{kind.name}: {', '.join(wrong)} must be numbers from zero on")
    also = sorted({uid for source in sources for uid in kind.also_reads(source)})
    code = code_hash(*kind.rests_on)
    identity = {
        "kind": kind.name,
        "inputs": [_state(source.run) for source in sources],
        "also_read": [_state(Run(uid, data)) for uid in also],
        "sizes": [source.size.described() for source in sources],
        "parameters": dict(parameters),
        "code": code,
    }
    uid = str(uuid.uuid5(NAMES, canonical_hash(identity)))
    inputs = tuple(source.run.uid for source in sources)
    kept = _kept(data, uid)
    if kept is not None:
        rows = (kept.stop or {}).get("num_events", {})
        return Derived(kind.name, uid, False, rows, inputs, bad)
    tables = _tables(kind, sources, parameters)
    start = {
        "uid": uid,
        # How far the data reach, by their own clock: a rehearsed night lies in the future of whoever looks at it.
        "time": max(_reach(source.run) for source in sources),
        "schema": SCHEMA,
        "plan_name": "derive",
        "purpose": PURPOSE,
        "kind": kind.name,
        "inputs": list(inputs),
        "also_read": also,
        "inputs_as_read": identity["inputs"],
        "sizes": identity["sizes"],
        "rows_left_out": [0 if source.rows is None else source.rows.left_out for source in sources],
        "parameters": dict(parameters),
        "code_hash": code,
        **_of_samples(sources),
        **whereabouts(),
    }
    _write(data, start, kind, tables)
    return Derived(kind.name, uid, True, {name: len(rows) for name, rows in tables.items()}, inputs, bad)


def _tables(kind: Kind, sources: Sequence[Source], parameters: Parameters) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in kind.streams}
    for source in sources:
        named = {"run": source.run.uid, "sample": source.sample}
        try:
            for stream, rows in kind.rows(source, parameters).items():
                tables[stream] += [{**named, **row} for row in rows]
        except ValueError as error:
            raise LabError(
                f"{kind.name} of run {source.run.uid[:8]} cannot be computed: {error}; derive the others without it"
            ) from error
    return tables


def _state(run: Run) -> dict[str, Any]:
    """Return what a result depends on of a run that may still grow: its rows by stream, and how it ended."""
    return {
        "uid": run.uid,
        "chain": run.chain,
        "rows": run.counts(),
        "ended": None if run.stop is None else run.stop["exit_status"],
    }


def _reach(run: Run) -> float:
    """Return the time label at which a run ended, that of its last row if it died."""
    return brief_from(run.members[-1].path).ended


def _is_bad(run: Run) -> bool:
    return bool(together(remarks_on(member.path) for member in run.members).mark)


def _of_samples(sources: Sequence[Source]) -> dict[str, Any]:
    """Return the sample of all inputs where they have one in common, as it is believed to be now; else the ids."""
    samples = {source.sample: source for source in sources}
    if len(samples) == 1:
        (source,) = samples.values()
        return source.known.told() if source.run.start.get("sample") else {}
    return {"samples": sorted(samples)}


def _kept(data: Path, uid: str) -> Run | None:
    """Return a derived result that is there and whole."""
    for path in (data / "runs").glob(f"*/*/{uid}.jnl"):
        if read_ends(path)[1] is not None:
            return Run(path)
    return None


def _write(data: Path, start: dict[str, Any], kind: Kind, tables: Mapping[str, list[dict[str, Any]]]) -> None:
    """Keep a result whole or not at all: written in a folder of its own, then moved to where runs are."""
    final = run_path(data, start["uid"], start["time"])
    try:
        with passing_folder(data, "derive") as aside:
            journal = Journal(aside)
            for name, doc in documents(start, kind.streams, tables):
                journal(name, doc)
            journal.close()
            final.parent.mkdir(parents=True, exist_ok=True)
            run_path(aside, start["uid"], start["time"]).replace(final)
    except OSError as error:
        raise DataError(f"{data} takes no derived result: {error.strerror}; nothing was kept") from error


def documents(
    start: dict[str, Any],
    streams: Mapping[str, Mapping[str, Column]],
    tables: Mapping[str, list[dict[str, Any]]],
) -> Iterable[Document]:
    """Yield the documents of a derived result: start, a descriptor and pages for each stream, stop."""
    uid, time = start["uid"], start["time"]
    yield "start", start
    for stream, columns in streams.items():
        rows, every = tables[stream], {**NAME, **columns}
        table = {key: [row[key] for row in rows] for key in every}
        source = f"derived {start['kind']}"
        yield from stream_documents(uid, stream, every, table, [time] * len(rows), time=time, source=source)
    yield stop_document(uid, time, {stream: len(rows) for stream, rows in tables.items()})
