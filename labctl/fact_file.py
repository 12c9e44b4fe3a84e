"""Facts entered by hand or by the bench's hands: one line of JSON each, appended and synced one by one."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from devices.errors import Corrupt, DataError

Fact = dict[str, Any]
"""At least `time`, a label [s since the epoch], and `fact`, what kind of fact it is."""


def add_fact(path: Path, time: float, fact: str, **details: Any) -> None:
    """Append one fact, durably; several processes may. Raises DataError when the folder does not take it."""
    add_line(path, {"time": time, "fact": fact, **details})


def add_line(path: Path, table: Mapping[str, Any]) -> None:
    """Append one line of JSON as add_fact does. Raises DataError when the folder does not take it."""
    line = json.dumps(table, allow_nan=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                # A line cut short by a crash must not take the next one with it.
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"{path} cannot be written ({error.strerror}); nothing was noted") from error


def read_facts(path: Path) -> Iterator[Fact]:
    """Yield the facts of a file in the order they were written; none where there is no file.

    Raises Corrupt on a line that is no fact.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(content.splitlines(), start=1):
        fact = _read(line)
        if fact is None:
            raise Corrupt(f"{path}:{number} is not a fact; mend or remove the line")
        yield fact


def _read(line: bytes) -> Fact | None:
    try:
        fact = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fact, dict) or not isinstance(fact.get("fact"), str):
        return None
    return fact if type(fact.get("time")) in (int, float) else None
