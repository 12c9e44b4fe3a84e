"""What people say of a run: notes and marks, kept beside its journal, which they never change.

A run that is marked bad still happened: the pulses of a bad anneal are heat that the foil had, and belief counts
them. Lists show the mark; what is derived from runs (capacities, rates) leaves bad ones out. A run that was gone on
with is one run: the mark on any of its journals is that of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labctl.fact_file import Fact, add_fact, read_facts

GOOD, BAD = "good", "bad"
SUFFIX = ".facts.jsonl"


@dataclass(frozen=True)
class Remarks:
    """The notes on a journal, oldest first, and its mark: "bad", or "" for a good one; why: what was said with it.

    marked: when it was marked [s since the epoch], before all times if never.
    """

    notes: tuple[Fact, ...] = ()
    mark: str = ""
    why: str = ""
    marked: float = -math.inf


def remarks_path(journal: Path) -> Path:
    """Return where the remarks on a run are kept."""
    return journal.with_name(journal.stem + SUFFIX)


def remarks_on(journal: Path) -> Remarks:
    """Return what was said of a journal. Raises Corrupt on a line that is no fact."""
    facts = list(read_facts(remarks_path(journal)))
    marks = [each for each in facts if each["fact"] == "marked"]
    notes = tuple(each for each in facts if each["fact"] == "note")
    if not marks:
        return Remarks(notes)
    last = marks[-1]
    return Remarks(notes, BAD if last.get("as") == BAD else "", str(last.get("why", "")), last["time"])


def together(members: Iterable[Remarks]) -> Remarks:
    """Return the remarks on a run that consists of several journals: all notes, and the mark that was put last."""
    found = list(members)
    last = max(reversed(found), key=lambda each: each.marked, default=Remarks())
    notes = sorted((note for each in found for note in each.notes), key=lambda note: note["time"])
    return Remarks(tuple(notes), last.mark, last.why, last.marked)


def note_run(journal: Path, text: str, *, time: float, who: str) -> None:
    """Add a note to a run. Raises DataError as add_fact does."""
    add_fact(remarks_path(journal), time, "note", text=text, who=who)


def mark_run(journal: Path, mark: str, why: str, *, time: float, who: str) -> None:
    """Mark a run "bad" or "good" again; the last mark counts. Raises DataError as add_fact does."""
    add_fact(remarks_path(journal), time, "marked", **{"as": mark}, why=why, who=who)
