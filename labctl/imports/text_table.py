"""Tables in text: found, decoded, taken apart, every complaint with file and line."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labctl.imports.readings import Floats, Integers, refusal, shortened

HEAD_BYTES = 65_536
"""How much of a file is looked at to say what it is."""

BINARY = {
    b"BIO-LOGIC MODULAR FILE": "EC-Lab's binary .mpr; export it as text (.mpt) in EC-Lab",
    b"NEWARE": "Neware's binary .nda; export it as CSV in BTS Client or BTSDA",
    b"PK\x03\x04": "a zip or a spreadsheet (.xlsx, .ndax); save it as CSV",
    b"PAR1": "parquet; say --as bdf if it is BDF",
    b"\x89HDF": "HDF5; there is no import for it",
    b"%PDF": "a PDF",
}
"""How files begin that are no text, and what they are."""

Convert = Callable[[str], float]


@dataclass(frozen=True)
class Wanted:
    """A column to be read: where it stands, its header for messages, how its text becomes a number."""

    index: int
    header: str
    convert: Convert


@dataclass(frozen=True)
class Numbers:
    """Columns (n,) by key, and the line each row stands on."""

    line: Integers
    columns: Mapping[str, Floats]
    cut_off: bool


def read_head(path: Path) -> bytes:
    """Return how a file begins. Raises DataError when it is missing, empty, binary or a web page."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise refusal(path, 0, f"cannot be read: {error.strerror}") from error
    if not head.strip():
        raise refusal(path, 0, "is empty")
    for magic, what in BINARY.items():
        if head.startswith(magic):
            raise refusal(path, 0, f"is {what}")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refusal(path, 0, "is binary, not a table in text")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise refusal(path, 1, "is a web page, not a table; was it saved from a page that asks for a login?")
    return head


def encoding_of(head: bytes, others: Sequence[str]) -> str:
    """Return a file's encoding by how it begins: UTF-8, UTF-16 with its mark, else the first of others that fits."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    # A character may be cut in two where the head ends.
    whole = head[: head.rfind(b"\n") + 1] or head
    for name in ("utf-8-sig", *others):
        try:
            whole.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Yield a file's lines with their ends. Raises DataError on bytes that are no text."""
    count = 1
    try:
        with path.open(encoding=encoding, newline="") as file:
            for line in file:
                yield line
                count += 1
    except UnicodeError as error:
        raise refusal(path, count, f"or the text after it, is not {encoding}") from error


def records_of(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield a delimited file's records with the line each ends on, empty lines left out."""
    reader = csv.reader(lines_of(path, encoding), delimiter=delimiter)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise refusal(path, reader.line_num, f"is no line of a table ({error})") from error
        if fields is None:
            return
        if any(each.strip() for each in fields):
            yield reader.line_num, fields


def read_numbers(
    path: Path, records: Iterable[tuple[int, Sequence[str]]], wanted: Mapping[str, Wanted]
) -> Numbers:
    """Return the wanted columns as numbers.

    A last line that is cut off (too short, without an end) is left out, and `cut_off` says so. Raises DataError on
    any other short line, and on text that is no number.
    """
    lines = array("q")
    columns = {key: array("d") for key in wanted}
    needed = max(each.index for each in wanted.values()) + 1
    short = 0
    for line, fields in records:
        if short:
            raise refusal(path, short, f"has fewer than {needed} columns")
        if len(fields) < needed:
            short = line
            continue
        for key, column in wanted.items():
            text = fields[column.index].strip()
            try:
                columns[key].append(column.convert(text))
            except ValueError as error:
                named = f"{shortened(column.header)} is {shortened(text)!r}"
                raise refusal(path, line, f"{named}, which is not {_kind(error)}") from error
        lines.append(line)
    if short and _ends_whole(path):
        raise refusal(path, short, f"has fewer than {needed} columns")
    arrays = {
        key: np.frombuffer(values, dtype=float) if values else np.zeros(0) for key, values in columns.items()
    }
    return Numbers(
        np.frombuffer(lines, dtype=np.int64) if lines else np.zeros(0, np.int64), arrays, bool(short)
    )


def number(text: str) -> float:
    """Return a finite number, NaN for an empty cell or "nan". Raises ValueError on anything else."""
    if not text:
        return math.nan
    if "_" in text:
        raise ValueError(text)
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def comma_number(text: str) -> float:
    """Return a number written with a decimal comma, as `number` does."""
    if "." in text:
        raise ValueError(text)
    return number(text.replace(",", "."))


def scaled(factor: float, convert: Convert = number) -> Convert:
    """Return a converter to another unit."""
    return convert if factor == 1.0 else lambda text: convert(text) * factor


def _kind(error: ValueError) -> str:
    said = error.args[0] if error.args and isinstance(error.args[0], Wrong) else "a number"
    return str(said)


class Wrong(str):
    """What a cell should have been, as the argument of a converter's ValueError."""

    __slots__ = ()


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) in b"\r\n"
