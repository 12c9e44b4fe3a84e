"""EC-Lab's and BT-Lab's text export (.mpt, .txt) of BioLogic's potentiostats: cycling, and impedance.

The header says how many lines it has; its last one names the columns. Numbers may have decimal commas, as the
computer's locale had when it was exported.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labctl.imports.dates import Dates
from labctl.imports.readings import (
    Floats,
    Integers,
    Readings,
    Rows,
    Spectra,
    not_kept,
    refusal,
    shortened,
    step_counts,
)
from labctl.imports.text_table import (
    LOOKED_AT,
    Wanted,
    convert_of,
    encoding_of,
    lines_of,
    read_head,
    read_numbers,
    scaled,
)

FORMAT = "mpt"
MAGIC = ("EC-Lab ASCII FILE", "BT-Lab ASCII FILE")

UNITS: Mapping[str, float] = {
    "": 1.0,
    "s": 1.0,
    "V": 1.0,
    "mV": 1e-3,
    "A": 1.0,
    "mA": 1e-3,
    "uA": 1e-6,
    "nA": 1e-9,
    "A.h": 1.0,
    "mA.h": 1e-3,
    "uA.h": 1e-6,
    "C": 1 / 3600,
    "mC": 1e-3 / 3600,
    "Hz": 1.0,
    "kHz": 1e3,
    "Ohm": 1.0,
    "kOhm": 1e3,
    "MOhm": 1e6,
    "°C": 1.0,
}
"""From the unit after the slash of a column's name to ours: s, V, A, Ah, Hz, ohm, degC."""

NAMES: Mapping[str, Sequence[str]] = {
    "time": ("time",),
    "voltage": ("Ecell", "Ewe-Ece", "<Ewe>", "Ewe"),
    "current": ("<I>", "I"),
    "charge": ("(Q-Qo)",),
    "sequence": ("Ns",),
    "mode": ("mode",),
    "cycle": ("cycle number",),
    "half_cycle": ("half cycle",),
    "temperature": ("Temperature",),
    "frequency": ("freq",),
    "z_real": ("Re(Z)",),
    "minus_z_imag": ("-Im(Z)",),
    "amplitude": ("|Ewe|",),
}
"""What a quantity is called, first that the file has: the cell's voltage before that of one electrode."""

REST = 3
"""What `mode` says of a cell at rest; 1 is a controlled current, 2 a controlled voltage [EC-Lab manual]."""


@dataclass(frozen=True)
class _Header:
    """What the lines before the rows say; line: where the columns are named."""

    line: int
    columns: tuple[str, ...]
    technique: str
    software: str
    began: float | None


def is_mpt(head: bytes) -> bool:
    """Return whether a file begins as EC-Lab's export does."""
    text = head.decode(encoding_of(head, ("latin-1",)), "replace").removeprefix("\ufeff")
    return text.startswith(MAGIC)


def read_mpt(path: Path, dates: Dates) -> Readings:
    """Read a file. Raises DataError on what is no export of EC-Lab, or lacks time, voltage or current."""
    head = read_head(path)
    if not is_mpt(head):
        raise refusal(path, 1, "does not begin with 'EC-Lab ASCII FILE' or 'BT-Lab ASCII FILE'")
    encoding = encoding_of(head, ("latin-1",))
    lines = lines_of(path, encoding)
    header = _read_header(path, lines, dates)
    records = (
        (line, text.rstrip("\r\n").split("\t"))
        for line, text in enumerate(lines, header.line + 1)
        if text.strip()
    )
    first = list(itertools.islice(records, LOOKED_AT))
    if not first:
        raise refusal(path, header.line, "has column names and no rows after them")
    wanted = _choose(path, header, [fields for _, fields in first], dates)
    numbers = read_numbers(path, encoding, itertools.chain(first, records), wanted)
    table, remarks = numbers.columns, numbers.remarks
    if not len(numbers.line):
        raise refusal(path, header.line, "has column names and no whole row after them")
    swept = table["frequency"] > 0 if "frequency" in table else np.zeros(len(numbers.line), bool)
    counts = _counts(path, numbers.line, table)
    began = header.began
    if wanted["time"].convert == dates.moment:
        began = float(table["time"][0])
        table = {**table, "time": table["time"] - began}
    rows = None if swept.all() else _rows(path, header, numbers.line, table, counts, ~swept)
    spectra = _spectra(path, numbers.line, table, counts, swept) if swept.any() else None
    remarks += [f"voltage is {wanted['voltage'].header}"] if "voltage" in wanted else []
    read = {each.index for each in wanted.values()}
    remarks += not_kept(name for place, name in enumerate(header.columns) if place not in read)
    return Readings(FORMAT, rows, spectra, header.software, header.technique, began, tuple(remarks))


def _read_header(path: Path, lines: Iterator[str], dates: Dates) -> _Header:
    read = [line.rstrip("\r\n") for line in itertools.islice(lines, 2)]
    found = re.match(r"Nb header lines\s*:\s*(\d{1,6})\s*$", read[1]) if len(read) > 1 else None
    if found is None:
        raise refusal(path, 2, "does not say 'Nb header lines : N'")
    count = int(found[1])
    read += [line.rstrip("\r\n") for line in itertools.islice(lines, max(count - 2, 0))]
    if count < 3 or len(read) < count:
        raise refusal(path, len(read), f"has {len(read)} lines where its header alone should have {count}")
    said = "\n".join(read[2:-1])
    software = re.search(r"^((?:EC|BT)-Lab) for windows (v\S+)", said, re.MULTILINE)
    began = re.search(r"^Acquisition started on\s*:\s*(.+?)\s*$", said, re.MULTILINE)
    return _Header(
        line=count,
        columns=tuple(name.strip().replace("µ", "u").replace("μ", "u") for name in read[-1].split("\t")),
        technique=next((line.strip() for line in read[2:-1] if line.strip()), ""),
        software=f"{software[1]} {software[2]}" if software else "",
        began=None if began is None else _start(path, began[1], dates),
    )


def _start(path: Path, text: str, dates: Dates) -> float:
    try:
        return dates.moment(text)
    except ValueError as error:
        raise refusal(path, 0, f"started on {shortened(text)!r}, which is no date") from error


def _choose(path: Path, header: _Header, first: Sequence[Sequence[str]], dates: Dates) -> dict[str, Wanted]:
    """Return where the columns stand, and how they are read by the first rows.

    Raises DataError when one is there in two units.
    """
    places = _places(path, header)
    time = places["time"]
    has_dates = time < len(first[0]) and ":" in first[0][time]
    # Dates have points of their own.
    in_numbers = convert_of(first, [each for each in places.values() if each != time or not has_dates], "\t")
    wanted = {
        key: Wanted(place, header.columns[place], scaled(UNITS[_split(header.columns[place])[1]], in_numbers))
        for key, place in places.items()
    }
    if has_dates:
        wanted["time"] = Wanted(time, header.columns[time], dates.moment)
    return wanted


def _places(path: Path, header: _Header) -> dict[str, int]:
    """Return where the columns stand. Raises DataError when one is missing, or is there in two units."""
    chosen: dict[str, int] = {}
    for key, names in NAMES.items():
        for name in names:
            places = [
                (index, *_split(each)) for index, each in enumerate(header.columns) if _split(each)[0] == name
            ]
            if len(places) > 1:
                both = " and ".join(header.columns[place[0]] for place in places)
                raise refusal(path, header.line, f"has {shortened(both)}; which is meant?")
            if places and key not in chosen:
                index, _, unit = places[0]
                if unit not in UNITS:
                    raise refusal(
                        path, header.line, f"has {shortened(header.columns[index])!r}, an unknown unit"
                    )
                chosen[key] = index
    if "time" not in chosen:
        raise refusal(path, header.line, "names no column time/s")
    if "frequency" in chosen and not {"z_real", "minus_z_imag"} <= chosen.keys():
        raise refusal(path, header.line, "has freq/Hz and not both of Re(Z)/Ohm and -Im(Z)/Ohm")
    return chosen


def _split(name: str) -> tuple[str, str]:
    base, slash, unit = name.rpartition("/")
    return (base, unit) if slash else (name, "")


def _counts(path: Path, line: Integers, table: Mapping[str, Floats]) -> tuple[Integers, Integers, Integers]:
    """Return step_index, step_count and cycle of every row."""

    def whole(key: str) -> Integers:
        values = table[key]
        if np.isnan(values).any():
            raise refusal(path, int(line[np.argmax(np.isnan(values))]), f"{key} is missing")
        return np.round(values).astype(np.int64)

    nothing = np.zeros(len(line), dtype=np.int64)
    sequence = whole("sequence") if "sequence" in table else nothing
    # Without a mode, a charge and a discharge are told apart by the way the current flows.
    mode = whole("mode") if "mode" in table else np.sign(np.nan_to_num(table.get("current", nothing)))
    if "cycle" in table:
        cycle = whole("cycle")
    else:
        cycle = whole("half_cycle") // 2 + 1 if "half_cycle" in table else nothing + 1
    return sequence, step_counts(sequence, mode, cycle), cycle


def _rows(
    path: Path,
    header: _Header,
    line: Integers,
    table: Mapping[str, Floats],
    counts: tuple[Integers, Integers, Integers],
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Rows:
    if "voltage" not in table:
        raise refusal(path, header.line, "names no column Ewe/V or Ecell/V")
    current = table.get("current")
    if current is None:
        at_rest = (
            np.all(table["mode"] == REST) if "mode" in table else "open circuit" in header.technique.lower()
        )
        if not at_rest:
            raise refusal(path, header.line, "names no column I/mA or <I>/mA")
        current = np.zeros(len(line))
    step_index, step_count, cycle = (each[chosen] for each in counts)
    charge = table.get("charge")
    return Rows(
        line=line[chosen],
        test_time=table["time"][chosen],
        voltage=table["voltage"][chosen],
        current=current[chosen],
        step_index=step_index,
        step_count=step_count,
        cycle=cycle,
        charge=None if charge is None or np.isnan(charge[chosen]).any() else charge[chosen],
        temperature=None if "temperature" not in table else table["temperature"][chosen],
    )


def _spectra(
    path: Path,
    line: Integers,
    table: Mapping[str, Floats],
    counts: tuple[Integers, Integers, Integers],
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> Spectra:
    unknown = np.full(len(line), np.nan)
    frequency = table["frequency"][chosen]
    step_index, step_count, cycle = (each[chosen] for each in counts)
    return Spectra(
        line=line[chosen],
        spectrum=_spectrum(frequency, step_count),
        test_time=table["time"][chosen],
        frequency=frequency,
        z_real=table["z_real"][chosen],
        z_imag=-table["minus_z_imag"][chosen],
        dc_voltage=table.get("voltage", unknown)[chosen],
        dc_current=table.get("current", unknown)[chosen],
        amplitude=table.get("amplitude", unknown)[chosen],
        cycle=cycle,
        step_index=step_index,
        step_count=step_count,
    )


def _spectrum(frequency: Floats, step_count: Integers) -> Integers:
    """Number the spectra from 1: a new one with a new step, and where the sweep jumps back to its beginning."""
    if len(frequency) < 2:
        return np.ones(len(frequency), dtype=np.int64)
    down = np.median(np.diff(frequency)) < 0
    back = np.diff(frequency) > 0 if down else np.diff(frequency) < 0
    new = np.concatenate([[False], back | (np.diff(step_count) != 0)])
    return np.cumsum(new) + 1
