"""Neware's CSV: flat tables of BTS 7 and 8, English or Chinese, and the layered one of cycles, steps and records.

Units stand in the header. Times may count from the beginning of each step, and currents may be positive on discharge
where the type of the step says so.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labctl.imports.charge import net_of_counters, net_of_step_counter
from labctl.imports.dates import Dates
from labctl.imports.neware_signs import kind_of_step, with_signs
from labctl.imports.readings import (
    Floats,
    Integers,
    Readings,
    Rows,
    not_kept,
    refusal,
    shortened,
    step_counts,
    whole_numbers,
)
from labctl.imports.text_table import (
    LOOKED_AT,
    Convert,
    Numbers,
    Wanted,
    Wrong,
    convert_of,
    encoding_of,
    heading_of,
    read_head,
    read_numbers,
    records_of,
    scaled,
)

FORMAT = "neware"

NAMES: Mapping[str, Sequence[str]] = {
    "cycle": ("cycle id", "cycle index", "cycle", "cycle no", "循环号", "循环序号"),
    "step": ("step id", "step index", "step", "steps", "step no", "工步号", "工步序号"),
    "kind": ("step name", "step type", "status", "state", "工步类型", "工步状态", "工步名称", "状态"),
    "record": (
        *("record id", "record index", "record", "record number", "datapoint", "data point"),
        *("record serial number", "数据序号", "记录序号", "记录号"),
    ),
    "step_time": ("time", "relative time", "step time", "record time", "时间", "相对时间", "工步时间"),
    "total_time": ("total time", "test time", "总时间", "测试时间"),
    "date": (
        "realtime",
        "real time",
        "date",
        "datetime",
        "date time",
        "absolute time",
        "绝对时间",
        "系统时间",
    ),
    "voltage": ("voltage", "vol", "电压"),
    "current": ("current", "cur", "电流"),
    "capacity": ("capacity", "容量"),
    "charged": ("chg cap", "chg capacity", "charge capacity", "capacitance chg", "充电容量"),
    "discharged": ("dchg cap", "dchg capacity", "discharge capacity", "capacitance dchg", "放电容量"),
    "energy": ("energy", "能量"),
    "charged_energy": ("chg energy", "charge energy", "engy chg", "充电能量"),
    "discharged_energy": ("dchg energy", "discharge energy", "engy dchg", "放电能量"),
    "temperature": ("temperature", "t1", "温度"),
}
"""What BTS calls a quantity, in lower case without points and underscores."""

UNITS: Mapping[str, Mapping[str, float]] = {
    "voltage": {"v": 1.0, "mv": 1e-3},
    "current": {"a": 1.0, "ma": 1e-3, "ua": 1e-6, "μa": 1e-6},
    "capacity": {"ah": 1.0, "mah": 1e-3, "uah": 1e-6, "μah": 1e-6},
    "energy": {"wh": 1.0, "mwh": 1e-3, "uwh": 1e-6, "μwh": 1e-6},
    "time": {
        "": 1.0,
        "s": 1.0,
        "sec": 1.0,
        "min": 60.0,
        "h": 3600.0,
        "ms": 1e-3,
        "h:min:s.ms": 1.0,
        "h:min:s": 1.0,
    },
}
"""From the unit in the header to ours: V, A, Ah, Wh, s."""

UNIT_OF: Mapping[str, str] = {
    **dict.fromkeys(("charged", "discharged"), "capacity"),
    **dict.fromkeys(("charged_energy", "discharged_energy"), "energy"),
    **dict.fromkeys(("step_time", "total_time"), "time"),
    **{key: key for key in ("voltage", "current", "capacity", "energy")},
}

NEEDED = ("voltage", "current", "step_time", "total_time")
"""What cannot be guessed: without a unit the file is refused."""

NO_NUMBERS = frozenset({"record", "kind", "date", "step_time", "total_time"})

CLOCK = re.compile(
    r"(?:(\d+)(?:\s*(?:[dD-]|天)\s*|:(?=\d{1,2}:[0-5]\d:)))?(\d+):(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)"
)
"""A duration: days where there are any, hours, minutes, seconds."""

KNOWN = 3
"""Quantities by which a header is known: one or two may be called so anywhere."""

COARSE = 0.5
"""Share of the rows with a current in which a counter may stand still and still be taken; guess."""

HEADER_LINES = 3
"""A layered file names cycles, steps and records in a line each."""

Found = dict[str, tuple[int, str, str]]
"""Where a quantity stands: index, unit in lower case, header as written."""


@dataclass(frozen=True)
class _Layout:
    """Columns of the records; width: how many; line: the header's last one; layered, with the step's type or -1.

    names: the header as written; summaries: what a layered file says of whole cycles and steps.
    """

    columns: Found
    width: int
    line: int
    layered: bool
    step_kind: int
    names: tuple[str, ...]
    summaries: tuple[str, ...] = ()

    @property
    def numbers(self) -> list[int]:
        """Where numbers stand; not dates and durations, which have points of their own."""
        return [place for key, (place, _, _) in self.columns.items() if key not in NO_NUMBERS]


def is_neware(header: Sequence[str]) -> bool:
    """Return whether a header is one of BTS: names three quantities, or begins with the cycle as layers do."""
    quantities = {_quantity(each)[0] for each in header} - {""}
    return _quantity(header[0])[0] == "cycle" or len(quantities) >= KNOWN


def read_neware(path: Path, dates: Dates) -> Readings:
    """Read a file. Raises DataError on what is no export of BTS, or lacks time, voltage or current with a unit."""
    head = read_head(path)
    encoding = encoding_of(head, ("gb18030",))
    heading = heading_of(head, encoding, is_neware)
    header = records_of(path, encoding, heading.delimiter, heading.line)
    layout = _layout(path, list(itertools.islice(header, HEADER_LINES)))
    records = records_of(path, encoding, heading.delimiter, layout.line + 1)
    flat = iter(_flat(path, layout, records) if layout.layered else records)
    first = list(itertools.islice(flat, LOOKED_AT))
    convert = convert_of((fields for _, fields in first), layout.numbers, heading.delimiter)
    wanted = dict(_wanted(path, layout, dates, convert))
    numbers = read_numbers(path, encoding, itertools.chain(first, flat), wanted)
    if not len(numbers.line):
        raise refusal(path, layout.line, "has column names and no whole row after them")
    return _readings(path, numbers, not_kept(_left(layout, wanted)))


def _left(layout: _Layout, wanted: Mapping[str, Wanted]) -> Iterator[str]:
    """Yield the columns that are not read; records are numbered anew."""
    read = {each.index for each in wanted.values()}
    for place, name in enumerate(layout.names):
        if place not in read and _quantity(name)[0] != "record":
            yield name
    yield from layout.summaries


def _readings(path: Path, numbers: Numbers, unread: Sequence[str]) -> Readings:
    line, table = numbers.line, numbers.columns
    cycle, step = (whole_numbers(path, line, table.get(key), key) for key in ("cycle", "step"))
    kind = table.get("kind", np.zeros(len(line)))
    step_count = step_counts(cycle, step, kind)
    time = table["total_time"] if "total_time" in table else _since_start(table["step_time"], step_count)
    current, said = with_signs(path, table["current"], kind, table)
    charge, no_charge = _net(table, ("charged", "discharged", "capacity"), step_count, current)
    energy, no_energy = _net(table, ("charged_energy", "discharged_energy", "energy"), step_count, current)
    rows = Rows(
        line=line,
        test_time=time,
        voltage=table["voltage"],
        current=current,
        step_index=step if "step" in table else step_count - 1,
        step_count=step_count,
        cycle=cycle,
        charge=charge,
        energy=energy,
        temperature=table.get("temperature"),
    )
    began = None
    if "date" in table and np.isfinite(table["date"][0]) and np.isfinite(time[0]):
        began = float(table["date"][0] - time[0])
    remarks = (*numbers.remarks, *_integrated(no_charge, no_energy), *said, *unread)
    return Readings(FORMAT, rows, None, "Neware BTS", "", began, remarks)


def _integrated(no_charge: str, no_energy: str) -> Iterator[str]:
    """Say what is integrated here; no_charge, no_energy: why the file's own is not taken, empty where it is."""
    if no_charge and no_charge == no_energy:
        yield f"charge and energy are integrated here: {no_charge}"
        return
    for name, why in (("charge", no_charge), ("energy", no_energy)):
        if why:
            yield f"{name} is integrated here: {why}"


def _quantity(name: str) -> tuple[str, str]:
    """Return what a header names, empty for what is not known, and its unit in lower case."""
    text = re.sub(r"[\s\ufeff\"']+", " ", name.replace("µ", "μ")).strip().lower()
    match = re.fullmatch(r"(.*?)\s*[(（\[]([^()（）\[\]]*)[)）\]]", text)
    base, unit = (match[1], match[2].strip()) if match else (text, "")
    base = re.sub(r"[._\s]+", " ", base).strip()
    return next((key for key, names in NAMES.items() if base in names), ""), unit


def _layout(path: Path, first: Sequence[tuple[int, list[str]]]) -> _Layout:
    """Return where the columns stand. Raises DataError when a needed one is missing, or is there twice."""
    line, header = first[0]
    layered, step_kind = False, -1
    summaries: tuple[str, ...] = ()
    if len(first) == HEADER_LINES and _quantity(header[0])[0] == "cycle":
        second, third = first[1][1], first[2][1]
        if not second[0].strip() and not any(each.strip() for each in third[:2]):
            line, header, layered = first[2][0], third, True
            step_kind = next((index for index, each in enumerate(second) if _quantity(each)[0] == "kind"), -1)
            above = [*first[0][1], *second]
            summaries = tuple(each for each in above if _quantity(each)[0] not in ("cycle", "step", "kind"))
    columns: Found = {}
    for index, name in enumerate(header):
        key, unit = _quantity(name)
        # Per mass or area, BTS gives the same name a second time with that unit.
        if not key or "/" in unit:
            continue
        if key in columns:
            both = f"{columns[key][2]} and {name}"
            raise refusal(path, line, f"has {shortened(both)}; which is meant?")
        columns[key] = (index, unit, name.strip())
    missing = [key for key in ("voltage", "current") if key not in columns]
    if not {"step_time", "total_time"} & columns.keys():
        missing.append("time")
    if missing:
        raise refusal(path, line, f"names no column for {' and '.join(missing)}")
    width = max(index for index, _, _ in columns.values()) + 1
    if layered:
        columns |= {key: (width + place, "", key) for place, key in enumerate(("cycle", "step", "kind"))}
    return _Layout(columns, width, line, layered, step_kind, tuple(header), summaries)


def _wanted(path: Path, layout: _Layout, dates: Dates, in_numbers: Convert) -> Iterator[tuple[str, Wanted]]:
    """Yield what is read and how; in_numbers: how a number is.

    Raises DataError for what is needed and has no unit that is known.
    """
    for key, (index, unit, written) in layout.columns.items():
        convert: Convert = {"kind": kind_of_step, "date": _when_told(dates)}.get(key, in_numbers)
        if key == "record":
            continue
        if key in UNIT_OF:
            units = UNITS[UNIT_OF[key]]
            if unit not in units:
                if key not in NEEDED:
                    continue
                known = ", ".join(filter(None, units))
                raise refusal(path, layout.line, f"{shortened(written)!r} has no unit that is known: {known}")
            is_time = UNIT_OF[key] == "time"
            convert = _seconds(units[unit], in_numbers) if is_time else scaled(units[unit], in_numbers)
        yield key, Wanted(index, written, convert)


def _flat(
    path: Path, layout: _Layout, records: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a layered file with cycle, step and type of step behind their own columns.

    A line whose first cell is filled begins a cycle, one whose second is filled a step.
    """
    cycle = step = kind = ""
    for line, fields in records:
        if fields[0].strip():
            cycle, step = fields[0], ""
        elif len(fields) > 1 and fields[1].strip():
            step = fields[1]
            kind = fields[layout.step_kind] if 0 <= layout.step_kind < len(fields) else ""
        elif not cycle or not step:
            raise refusal(path, line, "has a record before any cycle and step began")
        else:
            yield (
                line,
                [*fields[: layout.width], cycle, step, kind] if len(fields) >= layout.width else fields,
            )


def _since_start(step_time: Floats, step_count: Integers) -> Floats:
    """Return times since the start of the test from times since the start of each step [s]."""
    begins = np.flatnonzero(np.diff(step_count, prepend=0))
    ends = np.append(begins[1:], len(step_time)) - 1
    offset = np.concatenate([[0.0], np.cumsum(step_time[ends])[:-1]])
    return np.asarray(step_time + np.repeat(offset, ends - begins + 1))


def _net(
    table: Mapping[str, Floats], keys: tuple[str, str, str], step_count: Integers, current: Floats
) -> tuple[Floats | None, str]:
    """Return a net value by the file's counters, None and why where it has none that is whole and fine enough.

    keys: of the counters of what went in, of what came out, and of either in each step.
    """
    gained, lost, either = keys
    flows = np.nan_to_num(current)

    def whole(*names: str) -> bool:
        return all(name in table and np.isfinite(table[name]).all() for name in names)

    if whole(gained, lost):
        net = net_of_counters(np.abs(table[gained]), np.abs(table[lost]))
    elif whole(either):
        net = net_of_step_counter(np.abs(table[either]), step_count, np.sign(flows))
    elif {gained, lost} <= table.keys() or either in table:
        return None, "the file's counter has gaps"
    else:
        return None, "the file counts none"
    # A cycler made for amperes counts the charge of a thin film in steps of many rows, or not at all.
    moving = (flows[1:] != 0) & (np.diff(step_count) == 0)
    still = np.diff(net)[moving] == 0
    if still.any() and still.mean() > COARSE:
        return None, "the file counts too coarsely for this current"
    return net, ""


def _when_told(dates: Dates) -> Convert:
    """Return a converter of dates, NaN for an empty cell."""
    return lambda text: dates.moment(text) if text else float("nan")


def _seconds(factor: float, in_numbers: Convert) -> Convert:
    """Return a converter of durations: h:min:s.ms, days before it or not, or numbers in a unit of `factor` seconds."""

    def convert(text: str) -> float:
        if ":" not in text:
            return in_numbers(text) * factor
        match = CLOCK.fullmatch(text)
        if match is None:
            raise ValueError(Wrong("a duration"))
        days, hours, minutes, seconds = (float((each or "0").replace(",", ".")) for each in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds

    return convert
