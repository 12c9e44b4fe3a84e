"""What of a sample's past nobody can read: journals that do not say whose run they are, or are not there.

Every run names itself in its sample's facts before anything is armed, so that a journal that cannot be read any more
is known to be that sample's, and not another's, and one that is gone is missed. One that no sample's facts name may be
anybody's.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from devices.errors import DataError
from labctl.journal.aside import how_to_set_aside
from labctl.runs.index import ask_index
from labctl.runs.unread import Unread, absent, journals, unread
from labctl.samples.facts import SAFE_ID, Facts
from labctl.samples.parents import Families

BEGUN = "begun"
"""The fact that a run of a sample began: `run`, its uid, and `plan`."""


def name_run(facts: Facts, start: Mapping[str, Any]) -> None:
    """Note in a sample's facts which run of it begins, by its start document; nothing where it names no sample of ours.

    Raises DataError when the folder does not take it.
    """
    said = start.get("sample")
    sample = said.get("id") if isinstance(said, Mapping) else None
    if isinstance(sample, str) and SAFE_ID.fullmatch(sample):
        facts.add(sample, start["time"], BEGUN, run=start["uid"], plan=str(start.get("plan_name", "")))


@dataclass(frozen=True)
class Gap:
    """A run that is missing in what is known of a sample; sample: of which it is, empty where nobody knows."""

    journal: Unread
    sample: str = ""

    @property
    def stands(self) -> bool:
        """Whether it waits for somebody to mend it or to set it aside."""
        return self.journal.aside is None

    def __str__(self) -> str:
        whose = f"it is of {self.sample}" if self.sample else "nobody knows of which sample it is"
        return f"{self.journal}; {whose}"


class Gaps:
    """What of the past of a data directory's samples cannot be read, as it is when this is made.

    families, index: as they are open already.
    """

    def __init__(
        self, data: Path, families: Families | None = None, index: sqlite3.Connection | None = None
    ) -> None:
        self._data, self._facts, self._known = data, Facts(data), families

        def asked(index: sqlite3.Connection) -> tuple[list[Unread], set[str]]:
            return unread(data, index), journals(index)

        self._unread, there = ask_index(data, asked) if index is None else asked(index)
        self._there = there | {each.uid for each in self._unread}

    def of(self, sample: str, named: Iterable[str] = ()) -> list[Gap]:
        """Return the runs that are missing in what is known of a sample; named: parents that are not on record yet.

        Those of its parents before it was cut are; one that was set aside before anything was known of the sample is
        not. Raises Corrupt.
        """
        ends = {each.id: each.cut for each in self._families.ancestors(sample, named)} | {sample: None}
        found = [gap for whose, end in ends.items() for gap in self._absent(whose, end)]
        if not self._unread:
            return found
        first = min((fact["time"] for fact in self._facts.of(sample)), default=math.inf)
        for journal in self._unread:
            whose, began = self.begun.get(journal.uid, ("", -math.inf))
            end = ends.get(whose)
            if whose and whose in ends and (end is None or began < end):
                found.append(Gap(journal, whose))
            elif not whose and not (journal.aside is not None and first > journal.aside):
                found.append(Gap(journal))
        return found

    @property
    def absent(self) -> list[Gap]:
        """The runs that facts name and of which there is no journal. Raises Corrupt."""
        return [gap for sample in self._facts.samples() for gap in self._absent(sample, None)]

    def _absent(self, sample: str, end: float | None) -> Iterator[Gap]:
        for fact in self._facts.of(sample):
            if fact["fact"] != BEGUN or fact.get("run") in self._there:
                continue
            journal = absent(self._data, str(fact.get("run")), fact["time"])
            # One that began since the index was asked is there.
            if (end is None or fact["time"] < end) and not journal.path.is_file():
                yield Gap(journal, sample)

    @cached_property
    def _families(self) -> Families:
        return self._known or Families(self._data)

    @cached_property
    def begun(self) -> dict[str, tuple[str, float]]:
        """Sample and time label [s since the epoch] of each run that facts name; those that are broken name none."""
        found: dict[str, tuple[str, float]] = {}
        for sample in self._facts.samples():
            try:
                begun = [fact for fact in self._facts.of(sample) if fact["fact"] == BEGUN]
            except DataError:
                continue
            found |= {str(fact.get("run")): (sample, fact["time"]) for fact in begun}
        return found


def in_the_way(gaps: Iterable[Gap], sample: str, *, lasting: bool) -> str:
    """Return why nothing may be done to a sample, empty where it may.

    lasting: it is something that cannot be undone, for which it is enough that a journal may be the sample's; else one
    must be known to be.
    """
    standing = [gap for gap in gaps if gap.stands and (lasting or gap.sample)]
    if not standing:
        return ""
    first = standing[0]
    more = f"; and {len(standing) - 1} more" if len(standing) > 1 else ""
    return (
        f"{first}{more}. What {sample} has been through may stand there, so nothing was begun. Bring it back from a"
        f" backup, or {how_to_set_aside(first.journal.path)}; the past of {sample} is then not known"
    )
