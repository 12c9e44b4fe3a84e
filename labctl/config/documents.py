"""One TOML file as plain values, with its hash; whatever is wrong with it as a text is said with its line."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

from devices.errors import ConfigError, Mistake
from devices.recipes import canonical_hash

SCHEMA = 1
"""The version of the files this labctl reads; `schema = 1` stands in each of them."""

LARGEST = 1_000_000
"""Bytes; a hand-written file is a few kilobytes."""

DEEPEST = 40
"""Levels of nesting; a program of loops in loops needs a dozen."""

LARGEST_INTEGER = 2**63 - 1
"""What every JSON reader of a start document can hold."""

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """A file's tables without `schema`, and the hash of its content (not of its comments or layout)."""

    file: str
    body: Mapping[str, Any]
    config_hash: str


def read(path: Path) -> Document:
    """Return the file at `path`; raises ConfigError when it is not a readable TOML file of this schema."""
    file = shown(path)
    table = _parse(text_of(path, file), file)
    if not table:
        raise _refusal(file, "says nothing; it needs schema = 1 and its keys")
    mistakes = [*_schema(table, file), *_foreign(table, file)]
    if mistakes:
        raise ConfigError(mistakes)
    body = {key: value for key, value in table.items() if key != "schema"}
    return Document(file, body, canonical_hash(table))


def shown(path: Path) -> str:
    """Return the path as people read it: relative to the working directory when it lies below."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def quoted(value: Any) -> str:
    """Return a value as it was typed, on one line and not longer than a line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refusal(
    file: str, allowed: str, *, key: str = "", value: str = "", line: int | None = None
) -> ConfigError:
    return ConfigError([Mistake(file, key, value, allowed, line)])


def text_of(path: Path, file: str) -> str:
    """Return what is in a file; raises ConfigError when it is none, too large, or no UTF-8."""
    if not path.is_file():
        raise _refusal(file, "is not a file")
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise _refusal(file, f"cannot be read ({error.strerror})") from error
    if len(content) > LARGEST:
        raise _refusal(file, f"is larger than {LARGEST // 1000} kB; it cannot be a configuration file")
    try:
        # Editors on Windows begin the file with a byte order mark.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _refusal(file, "is not UTF-8 text; save it as UTF-8", line=line) from error


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise _refusal(file, f"is nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise _explained(text, str(error), file) from error


def _explained(text: str, message: str, file: str) -> ConfigError:
    """Return a syntax error in the words of somebody who typed the line."""
    place = _PLACE.search(message)
    lines = text.splitlines() or [""]
    line = int(place[1]) if place and place[1] else len(lines)
    reason = _PLACE.sub("", message)
    typed = lines[min(line, len(lines)) - 1].strip()
    twice = reason.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot define"))
    if twice:
        key = typed.strip("[] ") if typed.startswith("[") else typed.partition("=")[0].strip()
        return _refusal(file, "stands twice; keep one", key=key, line=line)
    allowed = f"not TOML: {reason[:1].lower()}{reason[1:]}"
    return _refusal(file, allowed, value=quoted(typed) if typed else "", line=line)


def _schema(table: Mapping[str, Any], file: str) -> Iterator[Mistake]:
    if "schema" not in table:
        yield Mistake(file, "schema", "", f"missing; write schema = {SCHEMA} at the top")
        return
    version = table["schema"]
    if type(version) is int and version > SCHEMA:
        yield Mistake(
            file, "schema", str(version), f"written for a newer labctl; this one reads schema {SCHEMA}"
        )
    elif type(version) is not int or version != SCHEMA:
        yield Mistake(file, "schema", quoted(version), f"must be {SCHEMA}")


def _foreign(value: Any, file: str, key: str = "", depth: int = 0) -> Iterator[Mistake]:
    """Yield what TOML can say and labctl has no use for: dates, no numbers, bottomless nesting."""
    if isinstance(value, date | time):
        yield Mistake(file, key, str(value), 'a date or time has no meaning here; write text in "quotes"')
    elif isinstance(value, float) and not math.isfinite(value):
        yield Mistake(file, key, str(value), "must be a finite number")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        yield Mistake(file, key, "", f"must be a number up to {LARGEST_INTEGER}")
    elif depth > DEEPEST:
        yield Mistake(file, key, "", f"is nested deeper than {DEEPEST} levels")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _foreign(inner, file, f"{key}.{name}" if key else name, depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _foreign(inner, file, f"{key}[{index}]", depth + 1)


def named(document: Document, stem: str, field: str = "name") -> Mapping[str, Any]:
    """Return the document's tables with its name, which is the file's; another one in it is a mistake."""
    typed = document.body.get(field, stem)
    if typed != stem:
        reason = f'must be "{stem}", as the file is called; or leave it out'
        raise ConfigError([Mistake(document.file, field, quoted(typed), reason)])
    return {field: stem, **document.body}
