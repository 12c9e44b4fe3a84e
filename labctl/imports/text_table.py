"""Tables in text: found, decoded, taken apart, every complaint with file and line."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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

DELIMITERS = ",\t;"

BEFORE_HEADER = 40
"""Lines among which a table's header is looked for: some exports begin with a form of names and dates; guess."""

LOOKED_AT = 1000
"""Rows by which it is told whether decimals have commas; guess."""

Convert = Callable[[str], float]


@dataclass(frozen=True)
class Wanted:
    """A column to be read: where it stands, its header for messages, how its text becomes a number."""

    index: int
    header: str
    convert: Convert


@dataclass(frozen=True)
class Numbers:
    """Columns (n,) by key, and the line each row stands on; unended: whether the file's last line was left out."""

    line: Integers
    columns: Mapping[str, Floats]
    unended: bool

    @property
    def remarks(self) -> list[str]:
        """What is to be said of how the file was read."""
        return ["the last line has no end and was left out"] if self.unended else []


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


@dataclass(frozen=True)
class Heading:
    """Where a table's header stands, from 1, and what is between its fields."""

    line: int
    delimiter: str


def find_heading(head: bytes, encoding: str, known: Callable[[Sequence[str]], bool]) -> Heading | None:
    """Return the first line of how a file begins whose fields are a header that is known; None without one."""
    lines = re.split("\r\n|\r|\n", head.decode(encoding, "replace").lstrip("\ufeff"))
    for line, text in enumerate(lines[:BEFORE_HEADER], 1):
        for delimiter in DELIMITERS:
            if delimiter in text and known(_fields_of(text, delimiter)):
                return Heading(line, delimiter)
    return None


def heading_of(head: bytes, encoding: str, known: Callable[[Sequence[str]], bool]) -> Heading:
    """Return where a header stands that is known; else the first line, with the delimiter it has most of."""
    first = head.decode(encoding, "replace").lstrip("\ufeff").partition("\n")[0]
    return find_heading(head, encoding, known) or Heading(1, max(DELIMITERS, key=first.count))


def _fields_of(text: str, delimiter: str) -> list[str]:
    try:
        return [bare(each) for each in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        # A line before the table may be anything.
        return []


def bare(cell: str) -> str:
    """Return what a spreadsheet shows of a cell written ="...", others as they are."""
    return cell[2:-1] if cell.startswith('="') and cell.endswith('"') and len(cell) > 2 else cell


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


def records_of(path: Path, encoding: str, delimiter: str, since: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Yield a delimited file's records from a line on with the line each ends on, empty lines left out."""
    reader = csv.reader(lines_of(path, encoding), delimiter=delimiter)
    while True:
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise refusal(path, reader.line_num, f"is no line of a table ({error})") from error
        if fields is None:
            return
        if reader.line_num >= since and any(each.strip() for each in fields):
            yield reader.line_num, [bare(each) for each in fields]


def read_numbers(
    path: Path, encoding: str, records: Iterable[tuple[int, Sequence[str]]], wanted: Mapping[str, Wanted]
) -> Numbers:
    """Return the wanted columns as numbers.

    A last line without an end is left out, and `unended` says so: it may be cut off within a number. Raises DataError
    on a line that is too short, and on text that is no number.
    """
    unended = _unended_line(path, encoding)
    lines = array("q")
    columns = {key: array("d") for key in wanted}
    needed = max(each.index for each in wanted.values()) + 1
    for line, fields in records:
        if line == unended:
            continue
        if len(fields) < needed:
            raise refusal(path, line, f"has fewer than {needed} columns")
        for key, column in wanted.items():
            text = fields[column.index].strip()
            try:
                columns[key].append(column.convert(text))
            except ValueError as error:
                named = f"{shortened(column.header)} is {shortened(text)!r}"
                raise refusal(path, line, f"{named}, which is not {_kind(error)}") from error
        lines.append(line)
    arrays = {
        key: np.frombuffer(values, dtype=float) if values else np.zeros(0) for key, values in columns.items()
    }
    return Numbers(
        np.frombuffer(lines, dtype=np.int64) if lines else np.zeros(0, np.int64), arrays, bool(unended)
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


def convert_of(rows: Iterable[Sequence[str]], places: Collection[int], delimiter: str) -> Convert:
    """Return how numbers in some columns are read, by the first rows.

    With decimal commas where commas do not part the fields, some number has one and none a point.
    """
    cells = [fields[place] for fields in rows for place in places if place < len(fields)]
    has_comma = delimiter != "," and any("," in cell for cell in cells)
    return comma_number if has_comma and not any("." in cell for cell in cells) else number


def scaled(factor: float, convert: Convert = number) -> Convert:
    """Return a converter to another unit."""
    return convert if factor == 1.0 else lambda text: convert(text) * factor


def _kind(error: ValueError) -> str:
    said = error.args[0] if error.args and isinstance(error.args[0], Wrong) else "a number"
    return str(said)


class Wrong(str):
    """What a cell should have been, as the argument of a converter's ValueError."""

    __slots__ = ()


def _unended_line(path: Path, encoding: str) -> int:
    """Return the number of a file's last line, from 1, when it has no end and says something; else 0."""
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - HEAD_BYTES, 0))
        last = re.split(b"[\r\n]", file.read())[-1]
    # Of two bytes a character in UTF-16 one is zero; a line of empty cells is none.
    if not last.strip(b'\0 ",;\t'):
        return 0
    return sum(1 for _ in lines_of(path, encoding))
