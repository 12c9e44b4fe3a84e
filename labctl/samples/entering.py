"""Facts that a person enters: when, and who."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any, TypedDict

from labctl.clock.label import wall_label
from labctl.runs.briefs import latest_label
from labctl.samples.facts import Facts


class ByHand(TypedDict):
    """The label [s since the epoch] of what is entered now, after all that was kept, and the person's name here."""

    time: float
    who: str


def by_hand(data: Path) -> ByHand:
    """Return when and by whom something is entered."""
    return {"time": max(wall_label(), latest_label(data)), "who": getpass.getuser()}


def enter(data: Path, sample_id: str, fact: str, **details: Any) -> None:
    """Add a fact to a sample. Raises DataError when its id is none, or the folder cannot be written."""
    Facts(data).add(sample_id, fact=fact, **by_hand(data), **details)
