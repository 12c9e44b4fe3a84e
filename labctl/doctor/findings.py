"""What the doctor finds: where, what, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "note", "trouble"]


@dataclass(frozen=True)
class Finding:
    """One finding. note: worth knowing; trouble: something will not work, and `mend` says what to do or to type."""

    level: Level
    where: str
    what: str
    mend: str = ""


def ok(where: str, what: str) -> Finding:
    """Return that something is as it should be."""
    return Finding("ok", where, what)


def note(where: str, what: str, mend: str = "") -> Finding:
    """Return something worth knowing."""
    return Finding("note", where, what, mend)


def trouble(where: str, what: str, mend: str) -> Finding:
    """Return something that will not work."""
    return Finding("trouble", where, what, mend)
