"""What a sample was cut from: parents, as facts and start documents say; children are those that name it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devices.errors import Corrupt, DataError
from labctl.runs.index import ask_index
from labctl.samples.entering import enter
from labctl.samples.facts import Facts, safe_id

CUT = "cut from"


@dataclass(frozen=True)
class Parent:
    """A sample's parent, and when the sample was cut from it [s since the epoch]; None: nobody said when."""

    id: str
    cut: float | None = None


class Families:
    """Who was cut from whom in a data directory, as it is when this is made; index: where it is open already."""

    def __init__(self, data: Path, index: sqlite3.Connection | None = None) -> None:
        self._facts = Facts(data)
        self._recorded: dict[str, list[str]] = {}
        for sample, parent in ask_index(data, _recorded) if index is None else _recorded(index):
            self._recorded.setdefault(sample, []).append(parent)

    def parents(self, sample: str, named: Iterable[str] = ()) -> list[Parent]:
        """Return the parents of a sample: entered, recorded in its runs, and `named`. Raises Corrupt."""
        found = {
            fact["parent"]: Parent(fact["parent"], fact["time"])
            for fact in self._facts.of(sample)
            if fact["fact"] == CUT and isinstance(fact.get("parent"), str)
        }
        for each in (*self._recorded.get(sample, ()), *named):
            found.setdefault(each, Parent(each))
        return list(found.values())

    def ancestors(self, sample: str, named: Iterable[str] = ()) -> list[Parent]:
        """Return the parents of a sample and theirs, nearest first, each once. Raises Corrupt.

        An ancestor's cut is the earliest on the way: what happened to it later, the sample has not seen.
        """
        found: dict[str, Parent] = {}
        waiting = self.parents(sample, named)
        while waiting:
            parent = waiting.pop(0)
            if parent.id in found or parent.id == sample:
                continue
            found[parent.id] = parent
            for each in self.parents(parent.id):
                cuts = [cut for cut in (parent.cut, each.cut) if cut is not None]
                waiting.append(Parent(each.id, min(cuts, default=None)))
        return list(found.values())

    def children(self, sample: str) -> list[str]:
        """Return the samples that were cut from a sample; one whose facts are broken only if its runs say so."""
        return self._children.get(sample, [])

    @cached_property
    def _children(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for child in sorted({*self._facts.samples(), *self._recorded}):
            try:
                parents = [each.id for each in self.parents(child)]
            except Corrupt:
                parents = self._recorded.get(child, [])
            for parent in parents:
                found.setdefault(parent, []).append(child)
        return found


def _recorded(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute(_RECORDED).fetchall()


_RECORDED = (
    "SELECT DISTINCT sample, text FROM runs JOIN amounts ON run = runs.id"
    " WHERE key = (SELECT id FROM keys WHERE key = 'sample.parents') ORDER BY sample, text"
)


def cut_from(data: Path, sample: str, parent: str, *, who: str = "") -> None:
    """Enter that a sample was cut from another, with whatever that one had been through until now.

    who: says so, the login when empty. Raises DataError when an id is none, when the parent is itself or was
    cut from it, or when it is entered already.
    """
    families = Families(data)
    if safe_id(sample) in (safe_id(parent), *(each.id for each in families.ancestors(parent))):
        raise DataError(f"{parent} cannot be the parent of {sample}: it is that sample, or was cut from it")
    if any(each.id == parent for each in families.parents(sample)):
        raise DataError(f"{sample} was cut from {parent}: that is known already")
    enter(data, sample, CUT, who=who, parent=parent)
