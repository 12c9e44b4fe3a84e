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


def by_hand(data: Path, who: str = "") -> ByHand:
    """Return when and by whom something is entered; who: as was said, the login when empty."""
    return {"time": max(wall_label(), latest_label(data)), "who": who or getpass.getuser()}


def enter(data: Path, sample_id: str, fact: str, *, who: str = "", **details: Any) -> None:
    """Add a fact to a sample; who: as by_hand. Raises DataError when its id is none, or nothing can be written."""
    Facts(data).add(sample_id, fact=fact, **by_hand(data, who), **details)
