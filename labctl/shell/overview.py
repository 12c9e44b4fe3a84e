"""All stations in one line each, from state files and leases: no port is touched, a night's stay its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices.errors import Corrupt
from labctl.clock.label import wall_label
from labctl.plain_text import plain
from labctl.state import Said, last_said

if TYPE_CHECKING:
    from labctl.session import Session

HEADS = ("station", "state", "owner", "interlocks", "last reading")

LONGEST = 44
"""Signs of a cell of the table."""

OLD = 7 * 86400.0
"""Seconds after which a station whose session ended well is not told any more; guess."""


@dataclass(frozen=True)
class Line:
    """A station in words."""

    station: str
    state: str
    owner: str = ""
    interlocks: str = ""
    age: str = ""
    bench: str = ""


def overview(data: Path, lab: Session | None = None) -> list[Line]:
    """Return a line for each station that the data folder knows, and for each that a session lacks."""
    own = {} if lab is None else lab.devices
    absent = {} if lab is None else {name: _absent(name, reasons) for name, reasons in lab.missing.items()}
    lines = list[Line]()
    for path in (*sorted(data.glob("state/*.json")), *sorted(data.glob("state/*/*.json"))):
        try:
            said = last_said(path)
        except Corrupt as error:
            lines.append(Line(path.stem, f"unknown: {error}"))
            continue
        if said is None:
            continue
        ago = max(wall_label() - path.stat().st_mtime, 0.0)
        if lab is not None and said.device in absent and said.bench == lab.bench.name:
            absent[said.device] = _before(absent[said.device], said, ago)
            continue
        mine = lab is not None and said.device in own and said.bench == lab.bench.name and said.open
        if mine or said.open or said.latched or ago < OLD:
            lines.append(_line(said, ago, _holder(lab, said.device) if mine and lab is not None else ""))
    told = {each.station for each in lines}
    lines += [Line(name, "there; reports nothing of itself") for name in own if name not in told]
    return [*absent.values(), *_told_apart(lines)]


def in_words(lines: list[Line]) -> str:
    """Return the lines as a table."""
    if not lines:
        return "no station has said anything of itself in this data folder yet"
    rows = [HEADS, *((each.station, each.state, each.owner, each.interlocks, each.age) for each in lines)]
    short = [tuple(plain(cell, LONGEST) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in short) for column in range(len(HEADS))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]
    # What is too long for its column is told whole below: a fault must be read to its end.
    whole = [f"  {row[0]}: {cell}" for row in rows for cell in row if len(cell) > LONGEST]
    return "\n".join([*table, *whole])


def _absent(name: str, reasons: Mapping[str, str]) -> Line:
    return Line(name, "ABSENT", interlocks="; ".join(map(plain, reasons.values())))


def _before(line: Line, said: Said, ago: float) -> Line:
    """Return the line of an absent station with what it said when it was last there."""
    last = _line(said, ago, "")
    latched = f"FAULT: {plain(said.latched)}; " if said.latched else ""
    return replace(line, interlocks=f"{latched}{line.interlocks}", age=f"was {last.state} {_short(ago)} ago")


def _told_apart(lines: list[Line]) -> list[Line]:
    """Return lines in which a name that stations of several benches have stands with its bench."""
    names = [each.station for each in lines]
    return [
        replace(each, station=f"{each.station} ({each.bench})") if names.count(each.station) > 1 else each
        for each in lines
    ]


def _line(said: Said, ago: float, holder: str) -> Line:
    report = said.report
    reading = report.get("reading") or {}
    return Line(
        said.device,
        plain(str(report.get("state", "?")).upper()),
        holder or _owner(said),
        "; ".join(_interlocks(report)),
        _told_reading(reading, ago),
        said.bench,
    )


def _holder(lab: Session, device: str) -> str:
    holder = lab.holder_of(device)
    return f"{holder}: working" if holder else "this session"


def _owner(said: Said) -> str:
    if not said.open:
        return f"nobody (bench {said.bench})"
    if said.died:
        return f"process {said.owner.pid} is DEAD (bench {said.bench})"
    return f"process {said.owner.pid} (bench {said.bench})"


def _interlocks(report: Mapping[str, Any]) -> Iterator[str]:
    if report.get("latched"):
        yield f"FAULT: {plain(report['latched'])}"
    verdicts = report.get("permissives")
    if verdicts is None:
        return
    missing = [
        f"{name} {verdict}" for name, verdict in verdicts.items() if verdict not in ("ok", "not watched")
    ]
    yield from missing
    if not verdicts:
        yield "not looked at yet"
    elif not missing:
        yield "all there"


def _told_reading(reading: Mapping[str, Any], ago: float) -> str:
    """Return a reading with its age, of what a station said so many seconds ago."""
    age = _age_of(reading)
    # A first look that is not over yet has values of no age.
    if age is None or not isfinite(age):
        return f"{'none' if age is None else 'not read yet'} (said so {_short(ago)} ago)"
    return f"{_short(ago + age)} ago{_values(reading)}"


def _age_of(reading: Mapping[str, Any]) -> float | None:
    if "age" not in reading:
        return 0.0 if any(value is not None for value in reading.values()) else None
    return None if reading["age"] is None else float(reading["age"])


def _values(reading: Mapping[str, Any]) -> str:
    from labctl.live.bars import read_off

    said = read_off({"reading": {**reading, "age": 0.0}})
    return f": {said}" if said else ""


def _short(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
