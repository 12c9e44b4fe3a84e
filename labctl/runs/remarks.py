"""What people say of a run: notes and marks, kept beside its journal, which they never change.

A run that is marked bad still happened: the pulses of a bad anneal are heat that the foil had, and belief counts
them. Lists show the mark; what is derived from runs (capacities, rates) leaves bad ones out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labctl.fact_file import Fact, add_fact, read_facts

GOOD, BAD = "good", "bad"
SUFFIX = ".facts.jsonl"


@dataclass(frozen=True)
class Remarks:
    """The notes on a run, oldest first, and its mark: "bad", or "" for a good one; why: what was said with it."""

    notes: tuple[Fact, ...] = ()
    mark: str = ""
    why: str = ""


def remarks_path(journal: Path) -> Path:
    """Return where the remarks on a run are kept."""
    return journal.with_name(journal.stem + SUFFIX)


def remarks_on(journal: Path) -> Remarks:
    """Return what was said of a run. Raises Corrupt on a line that is no fact."""
    facts = list(read_facts(remarks_path(journal)))
    marks = [each for each in facts if each["fact"] == "marked"]
    last = marks[-1] if marks else {}
    mark = BAD if last.get("as") == BAD else ""
    return Remarks(tuple(each for each in facts if each["fact"] == "note"), mark, str(last.get("why", "")))


def note_run(journal: Path, text: str, *, time: float, who: str) -> None:
    """Add a note to a run. Raises DataError as add_fact does."""
    add_fact(remarks_path(journal), time, "note", text=text, who=who)


def mark_run(journal: Path, mark: str, why: str, *, time: float, who: str) -> None:
    """Mark a run "bad" or "good" again; the last mark counts. Raises DataError as add_fact does."""
    add_fact(remarks_path(journal), time, "marked", **{"as": mark}, why=why, who=who)
